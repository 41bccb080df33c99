"""Releases that wait for a review: approving and refusing one, and a link to its archive."""

from shared.domain.coordinates import Coordinate
from shared.domain.packages import Release
from shared.domain.principals import Principal
from shared.domain.scopes import Action
from shared.registry import Registry
from shared.use_cases.inputs import Nothing
from shared.use_cases.moderation import RequiredReason
from shared.use_cases.use_case import use_case


@use_case(
    "Approve a release that waits for that; for owners and maintainers who signed in within the "
    "last ten minutes. No token approves.",
    inputs=Nothing,
    right=Action.APPROVE,
    done="Release approved. It is published once it has all its approvals.",
)
async def approve(registry: Registry, coordinate: Coordinate, _: Nothing, by: Principal) -> Release:
    return await registry.publishing.staged_releases.approve(coordinate, by=by)


@use_case(
    "Refuse a release that waits for a review, which is then never published; for owners and "
    "maintainers who signed in recently.",
    inputs=RequiredReason,
    right=Action.APPROVE,
    done="Release refused. Its version cannot be published again.",
    printed="Refused {coordinate}. Its version cannot be published again.",
)
async def refuse(
    registry: Registry, coordinate: Coordinate, sent: RequiredReason, by: Principal
) -> Release:
    return await registry.publishing.staged_releases.refuse(coordinate, sent.reason, by=by)


# The page shows the link instead of a sentence of success.
@use_case(
    "Return a link to the archive of a release that waits for a review, which works for ten "
    "minutes; for members.",
    inputs=Nothing,
    right=Action.READ,
)
async def link(registry: Registry, coordinate: Coordinate, _: Nothing, by: Principal) -> str:
    return await registry.publishing.staged_releases.link(coordinate, by=by)
