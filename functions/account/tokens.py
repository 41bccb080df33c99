"""/account/tokens and /account/organizations/{org}/tokens: access tokens of the account and of an
organization, and the form of a new token.
"""

from collections.abc import Sequence

from functions.account.organization import ORGANIZATION_ROUTE, organization_frame
from functions.account.overview import TOKENS_PATH
from functions.html.signed_in_pages import FormProblem, PageWithForms, SignedInCall, SignedInPages
from functions.html.token_forms import (
    CONFIRM,
    ORGANIZATION_TOKEN_ACTIONS,
    RENAME,
    REVOKE,
    ROTATE,
    TOKEN_ACTIONS,
    TokenAction,
    requested_token,
    scope_choices,
)
from functions.http.body_parsing import Form
from shared.domain.grants import ANY_NAME
from shared.domain.scopes import ADMINISTRATORS_SCOPES, Scope
from shared.domain.tokens import Token
from shared.runtime.answers import Answer
from shared.services.tokens.tokens import IssuedToken, OfOrganization, TokenOwner
from shared.use_cases import tokens
from shared.use_cases.inputs import shown_fields
from shared.use_cases.tokens import NamedMachineToken, NamedToken

# The name and the scopes of a new token by what it is for, as the address of the form says.
PRESETS = {
    "push": ("", (Scope.READ, Scope.PUSH_VERSION, Scope.PUSH_NEW)),
    "ci": ("CI reader", (Scope.READ,)),
}

pages = SignedInPages()
organization_pages = SignedInPages()
ORGANIZATION_TOKENS = f"{ORGANIZATION_ROUTE}/tokens"


def _owner(call: SignedInCall) -> TokenOwner:
    """Return whose tokens the path names: those of the account or of an organization."""
    return _organization(call) if "org" in call.route_params else call.caller.id


def _organization(call: SignedInCall) -> OfOrganization:
    return OfOrganization(call.org)


def _token(call: SignedInCall) -> NamedToken:
    return NamedToken(_owner(call), call.form.text("token"))


def _machine_token(call: SignedInCall) -> NamedMachineToken:
    return NamedMachineToken(_organization(call), call.form.text("token"))


_OF_PEOPLE = (Scope.MANAGE, *ADMINISTRATORS_SCOPES)  # No token of an organization has these.


def _is_of_people(token: Token) -> bool:
    """Check whether the token has a scope that takes a recent sign-in to give."""
    return any(scope in grant.scopes for grant in token.grants for scope in _OF_PEOPLE)


async def _show(
    call: SignedInCall, problem: FormProblem | None, template: str, **values: object
) -> Answer:
    """Return a page of the account or of an organization, of which no token manages."""
    if "org" in call.route_params:
        frame = await organization_frame(call, "tokens")
        return frame.show(problem, template, scopes=scope_choices(*_OF_PEOPLE), **values)
    path = f"account/{template}.html"
    if call.visitor and call.visitor.signs_in_again_to:
        offered = scope_choices(*_OF_PEOPLE)
    elif call.account.administers_at(call.now_ms):
        offered = scope_choices()
    else:
        offered = scope_choices(*ADMINISTRATORS_SCOPES)
    return call.show(
        path, problem, scopes=scope_choices(), offered=offered, path=TOKENS_PATH, **values
    )


@organization_pages.read(ORGANIZATION_TOKENS, name="account_organization_tokens")
@pages.read("account/tokens")
async def account_tokens(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    registry = call.registry
    by = call.caller
    found = await registry.tokens.access_tokens.list(_owner(call), by=by)
    name, scopes = PRESETS.get(call.params.get("for", ""), ("", (Scope.READ,)))
    return await _show(
        call,
        problem,
        "tokens",
        tokens=found[::-1],
        actions=ORGANIZATION_TOKEN_ACTIONS if "org" in call.route_params else TOKEN_ACTIONS,
        organizations=await registry.organizations.memberships.list_own(by=by)
        if "org" not in call.route_params
        else (),
        fields=shown_fields(tokens.NewToken),
        typed=_form_values(call.form, registry.settings.token_days, name, scopes),
    )


def token_confirmation(action: TokenAction) -> PageWithForms:
    async def show(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
        token_id = requested_token(call)
        used = await call.registry.tokens.access_tokens.find(_owner(call), token_id, by=call.caller)
        return await _show(
            call,
            problem,
            "token_confirm",
            action=action,
            used=used,
            fields=shown_fields(tokens.TokenName),
            name=call.form.text("name", used.token.name),
            requires_recent_sign_in=action is ROTATE and _is_of_people(used.token),
        )

    return show


async def _show_issued(call: SignedInCall, issued: IssuedToken) -> Answer:
    """Show the token only in this answer, since its text is a secret."""
    token = issued.token
    text = issued.text.reveal()
    registry = call.registry
    return await _show(
        call,
        None,
        "token_issued",
        token=token,
        text=text,
        settings=registry.client_settings(call.route_params.get("org", call.account.name), text),
        url=registry.settings.base_url,
    )


def _form_values(form: Form, days: int, name: str, scopes: Sequence[Scope]) -> dict[str, object]:
    """Return the values of the fields: what was typed, else the defaults."""
    selected = [] if form.values else [each.value for each in scopes]
    return {
        "name": form.text("name", name),
        "scope": form.all("scope") or selected,
        "org": form.text("org", ANY_NAME),
        "package": form.text("package", ANY_NAME),
        "days": form.text("days", str(days)),
        "addresses": form.text("addresses"),
    }


organization_pages.use_case(
    tokens.issue_for_organization,
    ORGANIZATION_TOKENS,
    account_tokens,
    _organization,
    name="account_organization_tokens_issue",
    then=_show_issued,
)
pages.use_case(
    tokens.issue,
    "account/tokens",
    account_tokens,
    _owner,
    name="account_token_issue",
    then=_show_issued,
)


CONFIRMATIONS = {action: token_confirmation(action) for action in TOKEN_ACTIONS}
for _action, _page in CONFIRMATIONS.items():
    _name = f"token_confirm_{_action.name}"
    pages.read(f"account/tokens/{_action.name}", name=f"account_{_name}")(_page)
    _path = f"{ORGANIZATION_TOKENS}/{_action.name}"
    organization_pages.read(_path, name=f"account_organization_{_name}")(_page)


organization_pages.use_case(
    tokens.rename,
    f"{ORGANIZATION_TOKENS}/rename",
    CONFIRMATIONS[RENAME],
    _token,
    name="account_organization_tokens_rename",
    leads_to=ORGANIZATION_TOKENS,
)
pages.use_case(
    tokens.rename,
    "account/tokens/rename",
    CONFIRMATIONS[RENAME],
    _token,
    name="account_token_rename",
    leads_to="account/tokens",
)

organization_pages.use_case(
    tokens.rotate,
    f"{ORGANIZATION_TOKENS}/rotate",
    CONFIRMATIONS[ROTATE],
    _token,
    name="account_organization_tokens_rotate",
    then=_show_issued,
)
pages.use_case(
    tokens.rotate,
    "account/tokens/rotate",
    CONFIRMATIONS[ROTATE],
    _token,
    name="account_token_rotate",
    # Only tokens that manage, moderate, audit or apply need it, which their page checks.
    requires_recent_sign_in=False,
    then=_show_issued,
)

_confirm_page = token_confirmation(CONFIRM)
organization_pages.read(
    f"{ORGANIZATION_TOKENS}/confirm", name="account_organization_token_confirm_confirm"
)(_confirm_page)
organization_pages.use_case(
    tokens.confirm,
    f"{ORGANIZATION_TOKENS}/confirm",
    _confirm_page,
    _machine_token,
    name="account_organization_tokens_confirm",
    leads_to=ORGANIZATION_TOKENS,
)

organization_pages.use_case(
    tokens.revoke,
    f"{ORGANIZATION_TOKENS}/revoke",
    CONFIRMATIONS[REVOKE],
    _token,
    name="account_organization_tokens_revoke",
    leads_to=ORGANIZATION_TOKENS,
)
pages.use_case(
    tokens.revoke,
    "account/tokens/revoke",
    CONFIRMATIONS[REVOKE],
    _token,
    name="account_token_revoke",
    leads_to="account/tokens",
)


FACES = (pages, organization_pages)
