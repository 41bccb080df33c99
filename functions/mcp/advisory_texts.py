"""Advisories in the answers for agents."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from functions.html.shown_advisories import ShownAdvisory, better_version, shown_advisories
from functions.http.calls import Call
from functions.mcp.texts import LIST_BYTES, page_of_rows, shortened, span
from functions.mcp.tool_declaration import ROWS_ON_A_PAGE
from shared.domain.coordinates import Coordinate
from shared.domain.packages import Survey
from shared.domain.sentences import counted


class AdvisoryRow(Struct, frozen=True, rename="camel"):
    id: str
    severity: str
    fixed_in: str
    author_summary: Annotated[str, Meta(description="Of the author of the advisory.")]


async def advisories_of(
    call: Call, release: Coordinate, survey: Survey
) -> tuple[tuple[ShownAdvisory, ...], str]:
    """Return the advisories that affect a release, the most severe first, and the version to use
    instead; empty if there is none."""
    affected = call.registry.advisories.affected_versions
    [found] = (await affected.of_releases([release])).advisories
    if not found:
        return (), ""
    others = await affected.of_versions(release.package, [each.version for each in survey.live])
    better = better_version(release.version.text, survey.live, others)
    return shown_advisories(found, affected.asked(release)), better


def advisory_rows(advisories: Sequence[ShownAdvisory]) -> list[AdvisoryRow]:
    """Return the first rows, as many as an answer has room for."""
    rows = (
        AdvisoryRow(
            shortened(each.id),
            each.severity,
            shortened(", ".join(each.fixed)),
            shortened(each.summary),
        )
        for each in advisories
    )
    return page_of_rows(rows, 0, ROWS_ON_A_PAGE, len(advisories), LIST_BYTES)[0]


def affected_notes(version: str, advisories: Sequence[ShownAdvisory], better: str) -> list[str]:
    """Return the sentences of the registry about a version that advisories affect."""
    if not advisories:
        return []
    named = counted(len(advisories), "known vulnerability", "known vulnerabilities")
    way_out = (
        f"Use {span(better)}, which none affects."
        if better
        else "No later version without one is published."
    )
    return [f"Version {span(version)} has {named}. {way_out}"]
