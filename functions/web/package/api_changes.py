"""/packages/{org}/{name}/{version}/changes: the API changes from another version."""

from collections.abc import Iterable

import azure.functions as func

from functions.http.public_pages import PageRequest
from functions.http.responses import JSON
from functions.web.package.frame import page_not_found, show_tab, wants_form
from shared.domain.api_docs.change_rules import ChangeLevel
from shared.domain.api_docs.comparison import ApiChange, ApiComparison
from shared.domain.api_docs.history import verdict_of
from shared.domain.api_docs.verdicts import ApiVerdict, earlier_release
from shared.domain.errors.packages import ApiDocsFailed
from shared.domain.errors.requests import ApiDocsPending
from shared.domain.packages import ReleaseEntry
from shared.services.package_details import ReleaseDetails

# What a reader looks for first.
_GROUPS = (
    (ChangeLevel.MAJOR, "Breaking changes"),
    (ChangeLevel.MINOR, "Additions and compatible changes"),
    (ChangeLevel.PATCH, "Other changes"),
)


async def changes_page(request: PageRequest, details: ReleaseDetails) -> func.HttpResponse:
    """Show the changes from the version that the query names, or the one before this one."""
    after = _entry(details, details.release.version)
    others = [each for each in details.entries if each.version != details.release.version]
    named = request.query.get("from")
    before = _entry(details, named) if named else _earlier(details)
    if after is None or (named and before is None):
        raise page_not_found(request)
    compared, problem = None, ""
    if before is not None:
        try:
            compared = await request.registry.api_docs.compare(details.package, before, after)
        except (ApiDocsFailed, ApiDocsPending) as refusal:
            problem = str(refusal)
    if wants_form(request, JSON):
        return request.json(comparison_json(details, compared))
    values = {
        "before": before,
        "others": others,
        "compared": compared,
        "problem": problem,
        "groups": tuple(_groups(compared.changes)) if compared else (),
    }
    return await show_tab(request, details, "changes", values)


def _earlier(details: ReleaseDetails) -> ReleaseEntry | None:
    return earlier_release(details.entries, details.release.coordinate.version)


def _entry(details: ReleaseDetails, version: str) -> ReleaseEntry | None:
    return next((each for each in details.entries if each.version == version), None)


def _groups(changes: Iterable[ApiChange]) -> Iterable[tuple[str, list[ApiChange]]]:
    for level, title in _GROUPS:
        if found := [each for each in changes if each.level is level]:
            yield title, found


def comparison_json(details: ReleaseDetails, compared: ApiComparison | None) -> dict[str, object]:
    """Return a comparison as JSON; without a version to compare with it has no changes."""
    changes = compared.changes if compared else ()
    model: dict[str, object] = {
        "package": str(details.package),
        "version": details.release.version,
        "changes": [_change_json(each) for each in changes],
    }
    verdict = compared and verdict_of(details.release.coordinate, compared)
    return {**model, **(verdict_json(verdict) or {}), "changes": model["changes"]}


def verdict_json(verdict: ApiVerdict | None) -> dict[str, object] | None:
    """Return the verdict on a release as JSON; None where there is none."""
    return verdict and {
        "from": verdict.compared_with,
        "required": verdict.required,
        "published": verdict.published,
        "changes": verdict.changes,
        "breaking": verdict.breaking,
        "versionTooLow": verdict.is_version_too_low,
    }


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
