"""/account/invitations: where the link of an invitation leads, and what waits for an answer."""

import azure.functions as func

from functions._pages import see_other
from functions._visits import Problem, Visit, Visits
from functions.account import ORGANIZATIONS
from shared.domain.names import parse_org
from shared.registry import Registry

PAGE = "/account/invitations"
_ACCEPT = "accept"


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the pages of invitations."""
    bp = func.Blueprint()
    _add_list(bp, registry)
    _add_one(bp, registry)
    return bp


def _add_list(bp: func.Blueprint, registry: Registry) -> None:
    """Add what one has opened and not answered yet."""
    visits = Visits(registry)

    async def overview(visit: Visit, problem: Problem | None = None) -> func.HttpResponse:
        kept = await registry.kept_invitations.of(by=visit.principal)
        return visit.show("account/invitations.html", problem, kept=kept)

    @bp.route("account/invitations", methods=["GET", "HEAD"])
    @visits.page
    async def account_invitations(visit: Visit) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("account/invitations", methods=["POST"])
    @visits.form(again=overview)
    async def account_invitations_answer(visit: Visit) -> func.HttpResponse:
        form, by = visit.form, visit.principal
        org, invitation_id = parse_org(form.text("org")), form.text("invitation")
        if form.text("decision") == _ACCEPT:
            await registry.kept_invitations.accept(org, invitation_id, by=by)
            return see_other(ORGANIZATIONS)
        await registry.kept_invitations.decline(org, invitation_id, by=by)
        return see_other(PAGE)


def _add_one(bp: func.Blueprint, registry: Registry) -> None:
    """Add the page that the link of an invitation leads to."""
    visits = Visits(registry)

    async def invitation(visit: Visit, problem: Problem | None = None) -> func.HttpResponse:
        code = visit.route["code"]
        opened = await registry.kept_invitations.open(code, by=visit.principal)
        return visit.show("account/invitation.html", problem, opened=opened, code=code)

    @bp.route("account/invitations/{code}", methods=["GET", "HEAD"])
    @visits.page
    async def account_invitation(visit: Visit) -> func.HttpResponse:
        return await invitation(visit)

    @bp.route("account/invitations/{code}", methods=["POST"])
    @visits.form(again=invitation)
    async def account_invitation_answer(visit: Visit) -> func.HttpResponse:
        code, by = visit.route["code"], visit.principal
        if visit.form.text("decision") == _ACCEPT:
            await registry.inviting.accept(code, by=by)
        else:
            await registry.inviting.decline(code, by=by)
        return see_other(ORGANIZATIONS)
