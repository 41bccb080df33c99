"""/account/organizations/{org}/tokens: access tokens of an organization."""

import azure.functions as func

from functions.account.organization.pages import (
    ORGANIZATION_ROUTE,
    FormAction,
    OrganizationForms,
    org_of,
    organization_frame,
    show,
)
from functions.account.tokens import (
    LONG_LIFETIME,
    parse_token_form,
    scope_choices,
    token_form_values,
)
from functions.http.signed_in_pages import FormProblem, SignedInPages, SignedInRequest
from shared.composition import Registry
from shared.domain.client_settings import client_settings
from shared.domain.names import OrgName
from shared.domain.rights import Scope
from shared.services.token_records import IssuedToken
from shared.services.tokens import MAX_TOKEN_DAYS


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the tokens of an organization."""
    bp, visits = func.Blueprint(), SignedInPages(registry)

    async def again(visit: SignedInRequest, problem: FormProblem) -> func.HttpResponse:
        return await _show_tokens(registry, visit, problem)

    @bp.route(f"{ORGANIZATION_ROUTE}/tokens", methods=["GET", "HEAD"])
    @visits.page
    async def account_organization_tokens(visit: SignedInRequest) -> func.HttpResponse:
        return await _show_tokens(registry, visit)

    @bp.route(f"{ORGANIZATION_ROUTE}/tokens", methods=["POST"])
    @visits.form(again=again)
    async def account_organization_tokens_issue(visit: SignedInRequest) -> func.HttpResponse:
        org, request = org_of(visit), parse_token_form(visit.form, org_of(visit))
        issued = await registry.organization_tokens.issue(org, request, by=visit.principal)
        return await _show_once(registry, visit, issued)

    @bp.route(f"{ORGANIZATION_ROUTE}/tokens/rotate", methods=["POST"])
    @visits.form(again=again)
    async def account_organization_tokens_rotate(visit: SignedInRequest) -> func.HttpResponse:
        org, token_id = org_of(visit), visit.form.text("token")
        issued = await registry.organization_tokens.rotate(org, token_id, by=visit.principal)
        return await _show_once(registry, visit, issued)

    OrganizationForms(registry, _show_tokens, "/tokens").add(bp, TOKEN_ACTIONS)
    return bp


async def _show_tokens(
    registry: Registry, visit: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    frame, org = await organization_frame(registry, visit, "tokens"), org_of(visit)
    tokens = await registry.organization_tokens.list(org, by=visit.principal)
    return show(
        visit,
        frame,
        problem,
        tokens=tokens[::-1],
        now_ms=registry.clock.now_ms(),
        scopes=scope_choices(Scope.MANAGE),
        most_days=MAX_TOKEN_DAYS,
        typed=token_form_values(visit.form, registry.settings.token_days),
        revoking=visit.form.text("token"),
    )


async def _show_once(
    registry: Registry, visit: SignedInRequest, issued: IssuedToken
) -> func.HttpResponse:
    """Show a token here and now: its text is a secret, and on no page of its own."""
    token, text = issued.token, issued.text.reveal()
    lifetime_ms = (token.expires_ms or 0) - token.created_ms
    return show(
        visit,
        await organization_frame(registry, visit, "tokens"),
        None,
        "token_issued",
        token=token,
        text=text,
        is_long=lifetime_ms > LONG_LIFETIME.total_seconds() * 1000,
        settings=client_settings(registry.settings.base_url, org_of(visit), text),
    )


async def _revoke(registry: Registry, visit: SignedInRequest, org: OrgName) -> None:
    token_id = visit.form.text("token")
    await registry.organization_tokens.revoke(org, token_id, by=visit.principal)


async def _revoke_stolen(registry: Registry, visit: SignedInRequest, org: OrgName) -> None:
    token_id = visit.form.text("token")
    await registry.organization_tokens.revoke_stolen(org, token_id, by=visit.principal)


# What a form does, by its path.
TOKEN_ACTIONS: dict[str, FormAction] = {
    "tokens/revoke": _revoke,
    "tokens/revoke-stolen": _revoke_stolen,
}
