"""/account/organizations/{org}/tokens: the tokens of an organization, for its machines."""

import azure.functions as func

from functions._organization_pages import ROUTE, Decide, Forms, framed, org_of, show
from functions._token_forms import LONG, choices, typed, wanted
from functions._visits import Problem, Visit, Visits
from shared.domain.client_settings import client_settings
from shared.domain.names import OrgName
from shared.domain.rights import Scope
from shared.registry import Registry
from shared.services.token_records import IssuedToken
from shared.services.token_requests import MAX_DAYS


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the tokens of an organization."""
    bp, visits = func.Blueprint(), Visits(registry)

    async def again(visit: Visit, problem: Problem) -> func.HttpResponse:
        return await _show(registry, visit, problem)

    @bp.route(f"{ROUTE}/tokens", methods=["GET", "HEAD"])
    @visits.page
    async def account_organization_tokens(visit: Visit) -> func.HttpResponse:
        return await _show(registry, visit)

    @bp.route(f"{ROUTE}/tokens", methods=["POST"])
    @visits.form(again=again)
    async def account_organization_tokens_issue(visit: Visit) -> func.HttpResponse:
        org, request = org_of(visit), wanted(visit.form, org_of(visit))
        issued = await registry.organization_tokens.issue(org, request, by=visit.principal)
        return await _show_once(registry, visit, issued)

    @bp.route(f"{ROUTE}/tokens/rotate", methods=["POST"])
    @visits.form(again=again)
    async def account_organization_tokens_rotate(visit: Visit) -> func.HttpResponse:
        org, token_id = org_of(visit), visit.form.text("token")
        issued = await registry.organization_tokens.rotate(org, token_id, by=visit.principal)
        return await _show_once(registry, visit, issued)

    Forms(registry, _show, "/tokens").add(bp, DECISIONS)
    return bp


async def _show(
    registry: Registry, visit: Visit, problem: Problem | None = None
) -> func.HttpResponse:
    frame, org = await framed(registry, visit, "tokens"), org_of(visit)
    tokens = await registry.organization_tokens.list(org, by=visit.principal)
    return show(
        visit,
        frame,
        problem,
        tokens=tokens[::-1],
        now_ms=registry.clock.now_ms(),
        scopes=choices(Scope.MANAGE),
        most_days=MAX_DAYS,
        typed=typed(visit.form, registry.settings.token_days),
        revoking=visit.form.text("token"),
    )


async def _show_once(registry: Registry, visit: Visit, issued: IssuedToken) -> func.HttpResponse:
    """Show a token here and now: its text is a secret, and on no page of its own."""
    token, text = issued.token, issued.text.reveal()
    lifetime_ms = (token.expires_ms or 0) - token.created_ms
    return show(
        visit,
        await framed(registry, visit, "tokens"),
        None,
        "token_issued",
        token=token,
        text=text,
        is_long=lifetime_ms > LONG.total_seconds() * 1000,
        settings=client_settings(registry.settings.base_url, org_of(visit), text),
    )


async def _revoke(registry: Registry, visit: Visit, org: OrgName) -> None:
    token_id = visit.form.text("token")
    await registry.organization_tokens.revoke(org, token_id, by=visit.principal)


async def _revoke_stolen(registry: Registry, visit: Visit, org: OrgName) -> None:
    token_id = visit.form.text("token")
    await registry.organization_tokens.revoke_stolen(org, token_id, by=visit.principal)


# What a form does, by its path.
DECISIONS: dict[str, Decide] = {
    "tokens/revoke": _revoke,
    "tokens/revoke-stolen": _revoke_stolen,
}
