"""What somebody asks of a log: which events, from where on, and how many."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from shared.domain.errors import InvalidRequest
from shared.domain.moments import parse_moment
from shared.domain.package import Event

PAGE = 50
LARGEST_PAGE = 500
LONGEST_WORD = 200  # Characters of a kind or an actor.


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Events below a number, newest first, whose kind begins so and that this actor made.

    `subject` is what they are about, as it is compared; no address asks by it.
    """

    before: int | None = None
    count: int = PAGE
    kind: str = ""
    actor: str = ""
    subject: str = ""
    since_ms: int = 0
    until_ms: int | None = None

    @classmethod
    def parse(cls, params: Mapping[str, str]) -> Self:
        """Read the parameters of an address, or raise `InvalidRequest`."""
        return cls(
            before=_number(params, "before", 1, 2**62),
            count=_number(params, "count", 1, LARGEST_PAGE) or PAGE,
            kind=params.get("kind", "")[:LONGEST_WORD],
            actor=params.get("actor", "")[:LONGEST_WORD],
            since_ms=_time(params, "since") or 0,
            until_ms=_time(params, "until"),
        )

    def wants(self, event: Event) -> bool:
        """Say whether the event is one that was asked for."""
        return (
            event.kind.startswith(self.kind)
            and self.actor in ("", event.actor)
            and self.subject in ("", event.subject.lower())
            and self.since_ms <= event.at_ms
            and (self.until_ms is None or event.at_ms < self.until_ms)
        )


def _number(params: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    text = params.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):  # noqa: PLR2004 - digits of 2**62.
        message = f"The parameter {name} is a number from {least} to {most}, not {text[:40]!r}."
        raise InvalidRequest(message)
    return int(text)


def _time(params: Mapping[str, str], name: str) -> int | None:
    text = params.get(name, "")
    return parse_moment(name, text) if text else None
