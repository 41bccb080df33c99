"""/packages/{org}/{name}/{version}/changes: the API changes from another version."""

import orjson

from functions.http.answers import JSON
from functions.http.public_pages import PublicPageCall
from functions.web.package.frame import page_not_found, show_tab
from shared.domain.api_docs.verdicts import ApiVerdict, earlier_release
from shared.domain.errors.packages import ApiDocsFailed
from shared.domain.errors.requests import ApiDocsPending
from shared.domain.packages import ReleaseEntry
from shared.prose.safe_html import SafeHtml
from shared.runtime.answers import Answer
from shared.services.api_docs.on_demand import ComparedVersions
from shared.services.packages.package_details import ReleaseDetails


async def changes_page(call: PublicPageCall, details: ReleaseDetails) -> Answer:
    """Show the changes from the version that the query names, or the one before this one."""
    after = _entry(details, details.release.version)
    others = [each for each in details.entries if each.version != details.release.version]
    named = call.query.get("from")
    before = _entry(details, named) if named else _earlier(details)
    if after is None or (named and before is None):
        raise page_not_found(call)
    compared, problem = None, ""
    if before is not None:
        try:
            compared = await call.registry.api_docs.comparisons.compare(
                details.package, before, after
            )
        except (ApiDocsFailed, ApiDocsPending) as refusal:
            if call.wants_form(JSON):
                raise
            problem = str(refusal)
    if call.wants_form(JSON):
        return call.json(comparison_json(details, compared))
    values = {
        "before": before,
        "others": others,
        "problem": problem,
        "changes": compared.page if compared else SafeHtml(),
    }
    return await show_tab(call, details, "changes", values)


def _earlier(details: ReleaseDetails) -> ReleaseEntry | None:
    return earlier_release(details.entries, details.release.coordinate.version)


def _entry(details: ReleaseDetails, version: str) -> ReleaseEntry | None:
    return next((each for each in details.entries if each.version == version), None)


def comparison_json(
    details: ReleaseDetails, compared: ComparedVersions | None
) -> dict[str, object]:
    """Return a comparison as JSON; without a version to compare with it has no changes."""
    model: dict[str, object] = {
        "package": str(details.package),
        "version": details.release.version,
        "changes": [],
    }
    if compared is None:
        return model
    found = orjson.loads(compared.changes)
    verdict = verdict_json(ApiVerdict.model_validate(found["verdict"]))
    others = {"includedElsewhere": found["includedElsewhere"]}
    return {**model, **(verdict or {}), **others, "changes": found["changes"]}


def verdict_json(verdict: ApiVerdict | None) -> dict[str, object] | None:
    """Return the verdict on a release as JSON; None where there is none."""
    return verdict and {
        "from": verdict.compared_with,
        "required": verdict.required,
        "published": verdict.published,
        "changes": verdict.changes,
        "breaking": verdict.breaking,
        "versionTooLow": verdict.is_version_too_low,
        "hasMovedFields": verdict.has_moved_fields,
    }
