"""/account/organizations/{org}/tokens: access tokens of an organization."""

import azure.functions as func

from functions.account.organization.pages import (
    ORGANIZATION_ROUTE,
    FormAction,
    OrganizationPages,
    org_of,
    organization_frame,
)
from functions.account.tokens import (
    LONG_LIFETIME,
    REVOKE,
    REVOKE_STOLEN,
    ROTATE,
    TOKEN_ACTIONS,
    TokenAction,
    parse_token_form,
    requested_token,
    scope_choices,
    token_form_values,
)
from functions.http.requests import READ_METHODS
from functions.http.signed_in_pages import (
    FormProblem,
    PageWithForms,
    SignedInPages,
    SignedInRequest,
)
from shared.composition import Registry
from shared.domain.client_settings import client_settings
from shared.domain.names import OrgName
from shared.domain.rights import Scope
from shared.services.token_records import IssuedToken
from shared.services.tokens import MAX_TOKEN_DAYS


def blueprint(registry: Registry) -> func.Blueprint:
    bp, forms = func.Blueprint(), SignedInPages(registry)
    page = forms.page(account_organization_tokens)
    bp.route(f"{ORGANIZATION_ROUTE}/tokens", methods=READ_METHODS)(page)
    confirmations = {action: _confirmation(action) for action in TOKEN_ACTIONS}
    for action, show in confirmations.items():
        bp.route(f"{ORGANIZATION_ROUTE}/tokens/{action.name}", methods=READ_METHODS)(
            forms.page(show)
        )
    for action, act in REVOCATIONS:
        pages = OrganizationPages(registry, confirmations[action], "/tokens")
        pages.add_form(bp, f"tokens/{action.name}", act)

    @bp.route(f"{ORGANIZATION_ROUTE}/tokens", methods=["POST"])
    @forms.form(account_organization_tokens)
    async def account_organization_tokens_issue(request: SignedInRequest) -> func.HttpResponse:
        org = org_of(request)
        wanted = parse_token_form(request.form, org)
        issued = await registry.organization_tokens.issue(org, wanted, by=request.principal)
        return await _show_issued(request, issued)

    @bp.route(f"{ORGANIZATION_ROUTE}/tokens/rotate", methods=["POST"])
    @forms.form(confirmations[ROTATE])
    async def account_organization_tokens_rotate(request: SignedInRequest) -> func.HttpResponse:
        org, token_id = org_of(request), request.form.text("token")
        issued = await registry.organization_tokens.rotate(org, token_id, by=request.principal)
        return await _show_issued(request, issued)

    return bp


async def account_organization_tokens(
    request: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    frame, registry = await organization_frame(request, "tokens"), request.registry
    tokens = await registry.organization_tokens.list(org_of(request), by=request.principal)
    return frame.show(
        problem,
        tokens=tokens[::-1],
        actions=TOKEN_ACTIONS,
        scopes=scope_choices(Scope.MANAGE),
        most_days=MAX_TOKEN_DAYS,
        typed=token_form_values(request.form, registry.settings.token_days),
    )


def _confirmation(action: TokenAction) -> PageWithForms:
    """Return the page that asks to confirm an action on a token of the organization."""

    async def show(
        request: SignedInRequest, problem: FormProblem | None = None
    ) -> func.HttpResponse:
        frame, token_id = await organization_frame(request, "tokens"), requested_token(request)
        used = await request.registry.organization_tokens.find(
            org_of(request), token_id, by=request.principal
        )
        scopes = scope_choices(Scope.MANAGE)
        return frame.show(problem, "token_confirm", action=action, used=used, scopes=scopes)

    show.__name__ = f"account_organization_token_confirm_{action.name.replace('-', '_')}"
    return show


async def _show_issued(request: SignedInRequest, issued: IssuedToken) -> func.HttpResponse:
    """Show the token in this response alone, since its text is a secret."""
    token, text = issued.token, issued.text.reveal()
    lifetime_ms = (token.expires_ms or 0) - token.created_ms
    frame = await organization_frame(request, "tokens")
    return frame.show(
        None,
        "token_issued",
        token=token,
        text=text,
        is_long=lifetime_ms > LONG_LIFETIME.total_seconds() * 1000,
        settings=client_settings(request.registry.settings.base_url, org_of(request), text),
    )


async def _revoke(request: SignedInRequest, org: OrgName) -> None:
    token_id = request.form.text("token")
    await request.registry.organization_tokens.revoke(org, token_id, by=request.principal)


async def _revoke_stolen(request: SignedInRequest, org: OrgName) -> None:
    token_id = request.form.text("token")
    await request.registry.organization_tokens.revoke_stolen(org, token_id, by=request.principal)


REVOCATIONS: tuple[tuple[TokenAction, FormAction], ...] = (
    (REVOKE, _revoke),
    (REVOKE_STOLEN, _revoke_stolen),
)
