"""Comparisons of two versions of a package: the page and the verdict."""

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shared.confined.docs_pages import template
from shared.confined.job_files import AFTER, BEFORE, REQUEST
from shared.confined.jobs import Json
from shared.confined.release_files import ReleaseRequest
from shared.confined.tasks import Job
from shared.domain.api_docs.change_rules import ChangeLevel
from shared.domain.api_docs.comparison import (
    ApiChange,
    ApiChangeKind,
    ApiComparison,
    ChangedWords,
    WordChange,
    changed_words,
    compare,
    verdict_of,
)
from shared.domain.api_docs.documents import read_document
from shared.domain.api_docs.model import ModuleDocs
from shared.domain.api_docs.pieces import PieceKind
from shared.domain.api_docs.records import ApiVerdict, ChangeList, ListedChange
from shared.domain.api_docs.symbols import path_of
from shared.domain.sentences import counted
from shared.domain.versions import Version
from shared.prose.safe_html import show_bidi_characters

MAX_CHANGES = 1_000  # Changes on a page, the most serious ones.
SIGNATURE_SHOWN = 1_000  # Characters.
SIGNATURE_LISTED = 300


class ShownLine(Struct, frozen=True):
    """A signature before or after a change, whose words were kept, and deleted or inserted."""

    sign: str  # `-` before, `+` after; empty if both are the same.
    title: str
    words: Sequence[ChangedWords]


class ShownChange(Struct, frozen=True):
    """A change as a page shows it: a line for each signature, and the address of the documentation
    of its symbol."""

    change: ApiChange
    name: str
    address: str
    lines: Sequence[ShownLine]

    @property
    def is_breaking(self) -> bool:
        return self.change.level is ChangeLevel.MAJOR


class ChangedType(Struct, frozen=True):
    """The changes of a declaration and of its members."""

    name: str
    address: str
    changes: Sequence[ShownChange]


def compare_versions(job: Job) -> None:
    """The task `compare`: compare any two versions of a package."""

    def work() -> Json:
        release = ReleaseRequest.model_validate_json((job.folder / REQUEST).read_bytes())
        before, after = (read_models(job.folder / each) for each in (BEFORE, AFTER))
        made, verdict = compared(release, before, after)
        for kind, text in made.items():
            (job.output / kind.value).write_text(text)
        return verdict

    job.run_last("comparison", work)


def read_models(folder: Path) -> list[ModuleDocs]:
    files = sorted(folder.glob("*.json.gz"))
    return [read_document(gzip.decompress(each.read_bytes())) for each in files]


def compared(
    release: ReleaseRequest, before: Sequence[ModuleDocs], after: Sequence[ModuleDocs]
) -> tuple[dict[PieceKind, str], Json]:
    """Return the page and the list of the changes from the version that the request names, and the
    fields of the verdict."""
    versions = (Version.parse(release.before), before), (Version.parse(release.version), after)
    found = compare(*versions)
    gravest = sorted(found.changes, key=lambda each: -each.level)
    shown = list(map(_with_short_signatures, gravest[:MAX_CHANGES]))
    verdict = verdict_of(release.coordinate, found)
    sentence = verdict_sentence(found, verdict)
    page = template("changes").render(
        compared=found,
        verdict=sentence,
        types=list(_changed_types(release, shown)),
        hidden=len(gravest[MAX_CHANGES:]),
    )
    listed = ChangeList(
        verdict=sentence,
        breaking=verdict.breaking,
        changes=tuple(_listed(each, release.name) for each in shown),
        hidden=len(gravest[MAX_CHANGES:]),
    )
    made = {PieceKind.CHANGES_PAGE: page, PieceKind.CHANGES: msgspec.json.encode(listed).decode()}
    return made, verdict.model_dump(mode="json")


def _listed(change: ApiChange, default_module: str) -> ListedChange:
    module = "" if change.module in (default_module, change.symbol) else f"{change.module}:"
    return ListedChange(
        is_breaking=change.level is ChangeLevel.MAJOR,
        change=f"{change.kind.value} {change.declares}",
        symbol=f"{module}{change.symbol}",
        before=change.before[:SIGNATURE_LISTED],
        after=change.after[:SIGNATURE_LISTED],
        why=" ".join(change.reasons[:1]),
    )


def _with_short_signatures(change: ApiChange) -> ApiChange:
    return replace(change, before=_short(change.before), after=_short(change.after))


def _short(signature: str) -> str:
    return signature if len(signature) <= SIGNATURE_SHOWN else f"{signature[:SIGNATURE_SHOWN]}…"


def verdict_sentence(found: ApiComparison, verdict: ApiVerdict) -> str:
    """Return how many changes break callers, and whether the version announces them."""
    breaking = len(found.breaking)
    count = counted(
        breaking or len(found.changes), f"{'breaking' if breaking else 'compatible'} change"
    )
    if found.after < found.before:
        return f"{count}, from a newer version to an older one"
    if found.is_version_too_low:
        return f"{count}; this should have been a {verdict.part_to_raise} version"
    if not breaking:
        return count
    if not found.after.is_stable:
        return f"{count}, which a pre-release may have"
    is_major = found.before.precedence[0] != found.after.precedence[0]
    part = "major" if is_major else "minor"
    them = "it" if breaking == 1 else "them"
    return f"{count}; the {part} version was raised for {them}"


def _changed_types(release: ReleaseRequest, gravest: Sequence[ApiChange]) -> Iterator[ChangedType]:
    """Yield the declarations with changes, those whose change is gravest first."""
    found: dict[tuple[str, str], list[ApiChange]] = {}
    for change in gravest:
        found.setdefault((change.module, _declaration(change)), []).append(change)
    for (module, name), changes in found.items():
        address = _address(release, changes)
        shown = [_shown(each, name, address) for each in changes]
        title = name if module in (release.name, name) else f"{module}:{name}"
        yield ChangedType(title, address, shown)


def _shown(change: ApiChange, owner: str, address: str) -> ShownChange:
    name = change.symbol.removeprefix(f"{owner}.")
    at = f"{address}#{quote(name)}" if name != owner else address
    before, after = (show_bidi_characters(each) for each in (change.before, change.after))
    return ShownChange(change, name, at, list(_lines(before, after)))


def _lines(before: str, after: str) -> Iterator[ShownLine]:
    words = list(changed_words(before, after))
    if before == after:
        yield ShownLine("", "Before and after", words)
        return
    for sign, title, other in (
        ("-", "Before", WordChange.INSERTED),
        ("+", "After", WordChange.DELETED),
    ):
        if shown := [each for each in words if each.change is not other]:
            yield ShownLine(sign, title, shown)


def _declaration(change: ApiChange) -> str:
    """Return the name of the declaration that a change is listed with."""
    return change.symbol if change.declares == "module" else change.symbol.partition(".")[0]


def _address(release: ReleaseRequest, changes: Sequence[ApiChange]) -> str:
    """Return the page of a declaration, which may be one of the version before."""
    change = changes[0]
    name = _declaration(change)
    is_gone = change.kind is ApiChangeKind.REMOVED and change.symbol == name
    version = release.before if is_gone else release.version
    module = f"/packages/{release.org}/{release.name}/{version}/docs/{quote(change.module)}"
    if change.declares == "module":
        return module
    return f"{module}/{quote(path_of(change.declares, name) if change.symbol == name else name)}"
