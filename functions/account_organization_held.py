"""/account/organizations/{org}/held: releases that wait until an owner says that they are meant."""

import azure.functions as func

from functions._organization_pages import ROUTE, Decide, Forms, framed, org_of, show
from functions._visits import Problem, Visit, Visits
from functions.account_organization_packages import after_of
from shared.domain.names import Coordinate, OrgName
from shared.registry import Registry


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of releases that wait."""
    bp, visits = func.Blueprint(), Visits(registry)

    @bp.route(f"{ROUTE}/held", methods=["GET", "HEAD"])
    @visits.page
    async def account_organization_held(visit: Visit) -> func.HttpResponse:
        return await _show(registry, visit)

    Forms(registry, _show, "/held").add(bp, DECISIONS)
    return bp


async def _show(
    registry: Registry, visit: Visit, problem: Problem | None = None
) -> func.HttpResponse:
    frame, after = await framed(registry, visit, "held"), after_of(visit)
    review = await registry.reviewing.waiting(org_of(visit), after, by=visit.principal)
    return show(
        visit,
        frame,
        problem,
        review=review,
        is_first=not after,
        me=visit.account.id,
    )


async def _confirm(registry: Registry, visit: Visit, org: OrgName) -> None:
    form = visit.form
    coordinate = Coordinate.parse(org, form.text("name"), form.text("version"))
    await registry.moderation.confirm(coordinate, by=visit.principal)


async def _revoke(registry: Registry, visit: Visit, org: OrgName) -> None:
    """End the organization's token, or one's own: whichever of them has the id."""
    token_id, by = visit.form.text("token"), visit.principal
    if visit.form.text("whose") == "mine":
        await registry.tokens.revoke(by.id, token_id, by=by)
    else:
        await registry.organization_tokens.revoke(org, token_id, by=by)


# What a form does, by its path.
DECISIONS: dict[str, Decide] = {"held/confirm": _confirm, "held/revoke": _revoke}
