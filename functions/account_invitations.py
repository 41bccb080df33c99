"""/account/invitations/{code}: where the link of an invitation leads."""

import azure.functions as func

from functions._pages import see_other
from functions._visits import Problem, Visit, Visits
from functions.account import ORGANIZATIONS
from shared.registry import Registry


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page of an invitation."""
    bp, visits = func.Blueprint(), Visits(registry)

    async def invitation(visit: Visit, problem: Problem | None = None) -> func.HttpResponse:
        code = visit.route["code"]
        opened = await registry.inviting.show(code, by=visit.principal)
        return visit.show("account/invitation.html", problem, opened=opened, code=code)

    @bp.route("account/invitations/{code}", methods=["GET"])
    @visits.page
    async def account_invitation(visit: Visit) -> func.HttpResponse:
        return await invitation(visit)

    @bp.route("account/invitations/{code}", methods=["POST"])
    @visits.form(again=invitation)
    async def account_invitation_answer(visit: Visit) -> func.HttpResponse:
        code, by = visit.route["code"], visit.principal
        if visit.form.text("decision") == "accept":
            await registry.inviting.accept(code, by=by)
        else:
            await registry.inviting.decline(code, by=by)
        return see_other(ORGANIZATIONS)

    return bp
