"""Comparisons of two versions of a package: the page, the JSON and the verdict."""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from shared.confined.docs_pages import template
from shared.confined.docs_text import json_text
from shared.confined.job_files import AFTER, BEFORE, CHANGES_JSON, CHANGES_PAGE, REQUEST
from shared.confined.limits import Json
from shared.confined.source import ReleaseRequest
from shared.confined.tasks import Job
from shared.domain.api_docs.change_levels import ChangeLevel
from shared.domain.api_docs.comparison import ApiChange, ApiComparison, compare
from shared.domain.api_docs.documents import read_document
from shared.domain.api_docs.history import verdict_of
from shared.domain.api_docs.model import ModuleDocs
from shared.domain.versions import Version

CHANGES_SHOWN = 1_000  # Of a level, or fewer if they are long.
FEW_CHANGES_SHOWN = 100
SENT_BYTES = 512 * 1024  # Of changes as JSON, the gravest first if there are more.
SIGNATURE_SHOWN = 1_000  # Characters.
PAGE_BYTES = 1024 * 1024

# What a reader looks for first.
_GROUPS = (
    (ChangeLevel.MAJOR, "Breaking changes"),
    (ChangeLevel.MINOR, "Additions and compatible changes"),
    (ChangeLevel.PATCH, "Other changes"),
)


@dataclass(frozen=True, slots=True)
class ComparisonTexts:
    """A comparison as it is shown, with the fields of its verdict, which the JSON has as well."""

    page: str
    json: str
    verdict: Json


def compare_versions(job: Job) -> None:
    """The task `compare`: compare any two versions of a package."""

    def work() -> Json:
        release = ReleaseRequest.model_validate_json((job.folder / REQUEST).read_bytes())
        before, after = (read_models(job.folder / each) for each in (BEFORE, AFTER))
        texts = compared(release, before, after)
        (job.output / CHANGES_PAGE).write_text(texts.page)
        (job.output / CHANGES_JSON).write_text(texts.json)
        return texts.verdict

    job.run_last("comparison", work)


def read_models(folder: Path) -> list[ModuleDocs]:
    """Return the modules whose documents are in a folder."""
    files = sorted(folder.glob("*.json.gz"))
    return [read_document(gzip.decompress(each.read_bytes())) for each in files]


def compared(
    release: ReleaseRequest, before: Sequence[ModuleDocs], after: Sequence[ModuleDocs]
) -> ComparisonTexts:
    """Compare a release with the version before it that the request names."""
    versions = (Version.parse(release.before), before), (Version.parse(release.version), after)
    found = _shortened(compare(*versions))
    page = _page(release, found, CHANGES_SHOWN)
    if len(page) > PAGE_BYTES:
        page = _page(release, found, FEW_CHANGES_SHOWN)
    verdict = verdict_of(release.coordinate, found).model_dump(mode="json")
    changes = f"[{','.join(_sent(found.changes))}]"
    return ComparisonTexts(page, f'{{"verdict":{json_text(verdict)},"changes":{changes}}}', verdict)


def _sent(changes: Sequence[ApiChange]) -> list[str]:
    """Return the changes as JSON, all of them or the gravest."""
    texts = [json_text(_change_json(each)) for each in changes]
    if sum(map(len, texts)) <= SENT_BYTES:
        return texts
    graver = sorted(zip(changes, texts, strict=True), key=lambda each: -each[0].level)
    lengths = accumulate(len(text) for _, text in graver)
    return [text for (_, text), length in zip(graver, lengths, strict=True) if length <= SENT_BYTES]


def _shortened(found: ApiComparison) -> ApiComparison:
    return replace(found, changes=tuple(map(_with_short_signatures, found.changes)))


def _with_short_signatures(change: ApiChange) -> ApiChange:
    return replace(change, before=_short(change.before), after=_short(change.after))


def _short(signature: str) -> str:
    return signature if len(signature) <= SIGNATURE_SHOWN else f"{signature[:SIGNATURE_SHOWN]}…"


def _page(release: ReleaseRequest, found: ApiComparison, shown: int) -> str:
    groups = list(_groups(found))
    return template("changes").render(release=release, compared=found, groups=groups, shown=shown)


def _groups(found: ApiComparison) -> Iterator[tuple[str, list[ApiChange]]]:
    for level, title in _GROUPS:
        if changes := [each for each in found.changes if each.level is level]:
            yield title, changes


def _change_json(change: ApiChange) -> dict[str, object]:
    return {
        "kind": change.kind.value,
        "module": change.module,
        "symbol": change.symbol,
        "declares": change.declares,
        "level": change.level.name.lower(),
        "before": change.before,
        "after": change.after,
        "reasons": list(change.reasons),
    }
