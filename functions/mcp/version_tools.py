"""The tool for agents that compares two versions of a package."""

from functools import partial
from typing import Annotated

from msgspec import Meta, field
from msgspec.structs import astuple

from functions.http.calls import Call
from functions.mcp.package_arguments import PageOfPackage, parse_package
from functions.mcp.texts import AgentAnswer, page_of_rows, shortened, span
from functions.mcp.tool_declaration import NAMES_LISTED, ROWS_ON_A_PAGE, VersionText, tool
from shared.domain.api_docs.records import ListedChange, earlier_release
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.packages import ReleaseNotFound
from shared.domain.errors.requests import ApiDocsPending
from shared.domain.packages import ReleaseEntry, Survey
from shared.domain.sentences import counted
from shared.domain.version_choice import latest, live_release
from shared.domain.versions import Range, Version
from shared.services.packages.package_details import WithdrawnDependency


class CompareVersions(PageOfPackage, frozen=True):
    before: Annotated[str, Meta(max_length=130, description="Without it the one before.")] = ""
    version: VersionText = field(default="", name="after")


class VersionChanges(AgentAnswer, frozen=True):
    package: str
    before: str
    after: str
    breaking_count: int
    changes: list[ListedChange]
    next_offset: int | None


@tool("Compare two versions")
async def compare_versions(call: Call, arguments: CompareVersions) -> VersionChanges:
    """Compare the API of two versions of a package: what breaks callers comes first, each change
    with both signatures and the reason."""
    survey = await call.package_source.survey(parse_package(arguments.package), by=call.caller)
    package = survey.head.package
    after = _entry(survey, arguments.version, latest(survey, Range(), call.client))
    earlier = earlier_release(survey.live, after.parsed)
    if not arguments.before and earlier is None:
        message = f"{package} has no version before {span(after.version)} to compare with."
        raise InvalidRequest(message)
    before = _entry(survey, arguments.before, earlier)
    if survey.head.upstream:  # Its entries name archives once they are stored here.
        find = partial(call.package_source.find, client=call.client, by=call.caller)
        stored = [await find(package, each.parsed) for each in (before, after)]
        before, after = [ReleaseEntry.of(each.release) for each in stored]
    changes = partial(call.registry.api_docs.comparisons.changes, package, before, after)
    try:
        found = await changes()
    except ApiDocsPending:  # The documentation of both versions is generated first.
        found = await changes()
    rows = (
        ListedChange(each.is_breaking, *map(shortened, astuple(each)[1:]))
        for each in found.changes[arguments.offset :]
    )
    notes = [f"From {span(before.version)} to {span(after.version)}: {found.verdict}."]
    notes += [f"{counted(found.hidden, 'change')} more are not listed."] if found.hidden else []
    details = call.registry.packages.details
    gone = await details.withdrawn_dependencies(after.dependencies, by=call.caller)
    notes += [_withdrawn_dependency(after.version, each) for each in gone[:NAMES_LISTED]]
    page = page_of_rows(rows, arguments.offset, ROWS_ON_A_PAGE, len(found.changes))
    return VersionChanges(notes, str(package), before.version, after.version, found.breaking, *page)


def _withdrawn_dependency(version: str, gone: WithdrawnDependency) -> str:
    reason = f" ({gone.withdrawal.why})" if gone.withdrawal.why else ""
    return f"{span(version)} depends on {span(str(gone.coordinate))}, which was withdrawn{reason}."


def _entry(survey: Survey, version: str, otherwise: ReleaseEntry | None) -> ReleaseEntry:
    """Return the live release of a version, or without one the other. Raises `ReleaseNotFound`."""
    found = live_release(survey, Version.parse(version), ANY_CLIENT) if version else otherwise
    if found is None:
        raise ReleaseNotFound(survey.head.package, version or "*")
    return found
