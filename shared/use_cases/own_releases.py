"""Releases of an organization: holding, restoring and erasing one, by its owners."""

from shared.domain.coordinates import Coordinate
from shared.domain.packages import Release
from shared.domain.principals import Principal
from shared.domain.scopes import Action
from shared.registry import Registry
from shared.services.publishing.erasure import Erasure
from shared.use_cases.inputs import Nothing
from shared.use_cases.moderation import RequiredReason
from shared.use_cases.use_case import use_case


@use_case(
    "Hold a release of your organization at once; for owners who signed in recently.",
    inputs=RequiredReason,
    right=Action.GOVERN,
    done="Version held. Nobody can pull it until an owner restores it.",
)
async def hold(
    registry: Registry, coordinate: Coordinate, sent: RequiredReason, by: Principal
) -> Release:
    return await registry.publishing.own_releases.hold(coordinate, sent.reason, by=by)


@use_case(
    "Serve a release again that an owner held; for owners who signed in recently.",
    inputs=Nothing,
    right=Action.GOVERN,
    done="Version restored.",
)
async def restore(registry: Registry, coordinate: Coordinate, _: Nothing, by: Principal) -> Release:
    return await registry.publishing.own_releases.restore(coordinate, by=by)


# The page shows the erasure instead of a sentence of success.
@use_case(
    "Erase a young release that hardly anybody uses, with all that is stored of it; for owners who "
    "signed in recently.",
    inputs=RequiredReason,
    right=Action.GOVERN,
)
async def erase(
    registry: Registry, coordinate: Coordinate, sent: RequiredReason, by: Principal
) -> Erasure:
    return await registry.publishing.own_releases.erase(coordinate, sent.reason, by=by)
