"""/account/organizations/{org}/tokens: access tokens of an organization."""

from functions.account.organization.pages import (
    ORGANIZATION_ROUTE,
    add_forms,
    organization_frame,
)
from functions.account.tokens import (
    LONG_LIFETIME,
    PRESETS,
    REVOKE,
    ROTATE,
    TOKEN_ACTIONS,
    TokenAction,
    chosen_preset,
    parse_token_form,
    requested_token,
    scope_choices,
    token_form_values,
)
from functions.http.signed_in_pages import FormProblem, PageWithForms, SignedInCall, SignedInPages
from shared.domain.names import OrgName
from shared.domain.rights import Scope
from shared.runtime.answers import Answer
from shared.services.tokens.token_records import IssuedToken
from shared.services.tokens.token_requests import MAX_TOKEN_DAYS

pages = SignedInPages()


@pages.read(f"{ORGANIZATION_ROUTE}/tokens")
async def account_organization_tokens(
    call: SignedInCall, problem: FormProblem | None = None
) -> Answer:
    frame, registry = await organization_frame(call, "tokens"), call.registry
    tokens = await registry.tokens.organization_tokens.list(call.org, by=call.caller)
    return frame.show(
        problem,
        tokens=tokens[::-1],
        actions=TOKEN_ACTIONS,
        scopes=scope_choices(Scope.MANAGE),
        most_days=MAX_TOKEN_DAYS,
        typed=token_form_values(call.form, registry.settings.token_days, chosen_preset(call)),
        presets=PRESETS,
    )


def _confirmation(action: TokenAction) -> PageWithForms:
    """Return the page that asks to confirm an action on a token of the organization."""

    async def show(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
        frame, token_id = await organization_frame(call, "tokens"), requested_token(call)
        used = await call.registry.tokens.organization_tokens.find(
            call.org, token_id, by=call.caller
        )
        scopes = scope_choices(Scope.MANAGE)
        return frame.show(problem, "token_confirm", action=action, used=used, scopes=scopes)

    return show


async def _show_issued(call: SignedInCall, issued: IssuedToken) -> Answer:
    """Show the token in this answer alone, since its text is a secret."""
    token, text = issued.token, issued.text.reveal()
    lifetime_ms = (token.expires_ms or 0) - token.created_ms
    frame = await organization_frame(call, "tokens")
    return frame.show(
        None,
        "token_issued",
        token=token,
        text=text,
        is_long=lifetime_ms > LONG_LIFETIME.total_seconds() * 1000,
        settings=call.registry.client_settings(call.org, text),
        url=call.registry.settings.base_url,
    )


async def _revoke(call: SignedInCall, org: OrgName) -> None:
    token_id = call.form.text("token")
    await call.registry.tokens.organization_tokens.revoke(org, token_id, by=call.caller)


CONFIRMATIONS = {action: _confirmation(action) for action in TOKEN_ACTIONS}
for _action, _show in CONFIRMATIONS.items():
    _name = f"account_organization_token_confirm_{_action.name.replace('-', '_')}"
    pages.read(f"{ORGANIZATION_ROUTE}/tokens/{_action.name}", name=_name)(_show)
add_forms(pages, CONFIRMATIONS[REVOKE], {"tokens/revoke": _revoke}, "/tokens")


@pages.form(f"{ORGANIZATION_ROUTE}/tokens", account_organization_tokens)
async def account_organization_tokens_issue(call: SignedInCall) -> Answer:
    org = call.org
    wanted = parse_token_form(call.form, org)
    issued = await call.registry.tokens.organization_tokens.issue(org, wanted, by=call.caller)
    return await _show_issued(call, issued)


@pages.form(f"{ORGANIZATION_ROUTE}/tokens/rotate", CONFIRMATIONS[ROTATE])
async def account_organization_tokens_rotate(call: SignedInCall) -> Answer:
    org, token_id = call.org, call.form.text("token")
    issued = await call.registry.tokens.organization_tokens.rotate(org, token_id, by=call.caller)
    return await _show_issued(call, issued)


FACES = (pages,)
