"""What a registry file changes: steps that are planned before the first of them runs."""

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum

from msgspec import Struct

from shared.domain.errors.base import Conflict, Forbidden, Invalid, NotFound
from shared.domain.principals import Principal
from shared.domain.registry_files.sections import FileProblem, ParsedFile, shown_path
from shared.domain.registry_files.toml_lines import KeyPath
from shared.domain.registry_files.toml_text import toml_value

REASON = "The registry file says so."
NOTHING_TO_CHANGE = "Nothing to change."

Secrets = Mapping[str, str]  # Secrets that are shown once, by the path of what they belong to.


class Pruning(Enum):
    """What happens to things that exist and are not in a list of the file."""

    KEEP = "keep"
    REMOVE = "remove"


class ShownSecret(Struct, frozen=True):
    """A secret that a change made, with the path of what it belongs to."""

    path: str
    secret: str


class Step(Struct, frozen=True):
    """One change, which may be repeated, with the lines of the difference that it makes. What it
    returns is ignored, unless it is a `ShownSecret`."""

    lines: tuple[str, ...]
    run: Callable[[], Awaitable[object]]


class FilePlan(Struct, frozen=True):
    """What a file would change, in order, and what waits since an earlier change."""

    steps: Sequence[Step] = ()
    waiting: Sequence[str] = ()

    @property
    def lines(self) -> list[str]:
        return [line for step in self.steps for line in step.lines]


class Draft:
    """A plan in the making, with the problems of the file."""

    def __init__(
        self, parsed: ParsedFile, pruning: Pruning, given_secrets: Secrets, by: Principal
    ) -> None:
        self.parsed = parsed
        self.prunes = pruning is Pruning.REMOVE
        self.given_secrets = given_secrets
        self.by = by  # The actor: the registry file.
        self.steps = list[Step]()
        self.waiting = list[str]()
        self.problems = list[FileProblem]()

    def step(self, lines: Sequence[str], run: Callable[[], Awaitable[object]]) -> None:
        """Add a change, unless it has no line."""
        if lines:
            self.steps.append(Step(tuple(lines), run))

    def wait(self, path: KeyPath, sentence: str) -> None:
        """Say that something waits, so that it is not begun again."""
        self.waiting.append(f"waiting: {shown_path(path)}: {sentence}")

    @contextmanager
    def about(self, path: KeyPath) -> Generator[None]:
        """Note a refusal as a problem with what stands at the path."""
        try:
            yield
        except (Invalid, NotFound, Conflict, Forbidden) as refusal:
            self.problems.append(self.parsed.problem(path, str(refusal)))


def added(path: KeyPath, value: object) -> str:
    return f"+ {shown_path(path)}: {_shown(value)}"


def removed(path: KeyPath, value: object) -> str:
    return f"- {shown_path(path)}: {_shown(value)}"


def changed(path: KeyPath, before: object, after: object) -> str:
    return f"~ {shown_path(path)}: {_shown(before)} -> {_shown(after)}"


def _shown(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    return "(none)" if value is None else toml_value(value)
