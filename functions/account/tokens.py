"""/account/tokens: access tokens of the account, and the form of a new token."""

from dataclasses import dataclass
from datetime import timedelta

from functions.account.overview import TOKENS_PATH
from functions.http.pages import see_other
from functions.http.requests import Form
from functions.http.signed_in_pages import FormProblem, PageWithForms, SignedInCall, SignedInPages
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.rights import ANY_NAME, Scope
from shared.runtime.answers import Answer
from shared.services.tokens.token_records import IssuedToken
from shared.services.tokens.token_requests import MAX_TOKEN_DAYS, TokenRequest

# The messages after forms, by the names of their actions: of tokens of accounts, of organizations
# and for administrators.
TOKEN_DONE_MESSAGES = {
    "revoke": "Access token revoked. It stops working within five seconds.",
}


@dataclass(frozen=True, slots=True)
class TokenAction:
    """An action on a token that a page asks to confirm; `name` is the last segment of its path."""

    name: str
    title: str
    question: str
    button: str
    effect: str
    is_harsh: bool = True


ROTATE = TokenAction(
    "rotate",
    "Rotate",
    "Rotate the token {name}?",
    "Rotate token",
    "The current secret stops working within five seconds. Everything that uses this token stops "
    "working until you replace the secret with the new one, which is shown once.",
    is_harsh=False,
)
REVOKE = TokenAction(
    "revoke",
    "Revoke",
    "Revoke the token {name}?",
    "Revoke token",
    "Everything that uses this token stops working within five seconds. This cannot be undone.",
)
TOKEN_ACTIONS = (ROTATE, REVOKE)


@dataclass(frozen=True, slots=True)
class TokenPreset:
    """The preselected fields of a form for a frequent purpose; `key` is the parameter `for` of its
    page."""

    key: str
    title: str
    name: str
    scopes: tuple[Scope, ...]


PRESETS = (
    TokenPreset(
        "push",
        "Publish from my machine",
        "my machine",
        (Scope.READ, Scope.PUSH_VERSION, Scope.PUSH_NEW),
    ),
    TokenPreset("ci", "Read in CI", "CI", (Scope.READ,)),
)
_NO_PRESET = TokenPreset("", "", "", (Scope.READ,))

pages = SignedInPages()


@pages.read("account/tokens")
async def account_tokens(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    registry, by = call.registry, call.caller
    tokens = await registry.tokens.access_tokens.list(by.id, by=by)
    return call.show(
        "account/tokens.html",
        problem,
        tokens=tokens[::-1],
        actions=TOKEN_ACTIONS,
        scopes=scope_choices(),
        organizations=await registry.organizations.memberships.list_own(by=by),
        most_days=MAX_TOKEN_DAYS,
        typed=token_form_values(call.form, registry.settings.token_days, chosen_preset(call)),
        presets=PRESETS,
        done=call.done(TOKEN_DONE_MESSAGES),
    )


def chosen_preset(call: SignedInCall) -> TokenPreset:
    """Return the preset that the address names; /cli-token and refused pushes lead to one."""
    chosen = call.params.get("for")
    return next((each for each in PRESETS if each.key == chosen), _NO_PRESET)


def account_token_confirmation(action: TokenAction) -> PageWithForms:
    async def show(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
        by, token_id = call.caller, requested_token(call)
        used = await call.registry.tokens.access_tokens.find(by.id, token_id, by=by)
        return call.show(
            "account/token_confirm.html",
            problem,
            action=action,
            used=used,
            scopes=scope_choices(),
            path=TOKENS_PATH,
        )

    return show


def requested_token(call: SignedInCall) -> str:
    """Return the id of the token that a confirmation page or its form names."""
    return call.form.text("token") or call.params.get("token", "")


def _show_issued(call: SignedInCall, issued: IssuedToken) -> Answer:
    """Show the token in this answer alone, since its text is a secret."""
    text = issued.text.reveal()
    settings = call.registry.client_settings(call.account.name, text)
    template, url = "account/token_issued.html", call.registry.settings.base_url
    return call.show(template, token=issued.token, text=text, settings=settings, url=url)


# The description of each scope, the least powerful first.
SCOPE_LABELS = (
    (Scope.READ, "Read private packages"),
    (Scope.PUSH_VERSION, "Publish new versions of existing packages"),
    (Scope.PUSH_NEW, "Publish new packages"),
    (Scope.DEPRECATE, "Deprecate and undeprecate versions"),
    (Scope.MANAGE, "Manage members and tokens; requires a recent sign-in"),
)
LONG_LIFETIME = timedelta(days=90)  # The page of a new token warns of a longer one.


def scope_choices(*left_out: Scope) -> list[tuple[str, str, str]]:
    """Return the value, the name and the meaning of each scope for a form."""
    return [
        (scope.value, scope.value, meaning)
        for scope, meaning in SCOPE_LABELS
        if scope not in left_out
    ]


def token_form_values(form: Form, days: int, preset: TokenPreset) -> dict[str, object]:
    """Return the values of the fields: what was typed, else the defaults."""
    scopes = [] if form.values else [each.value for each in preset.scopes]
    return {
        "name": form.text("name", preset.name),
        "scope": form.all("scope") or scopes,
        "org": form.text("org", ANY_NAME),
        "package": form.text("package", ANY_NAME),
        "days": form.text("days", str(days)),
        "addresses": form.text("addresses"),
    }


def parse_token_form(form: Form, org: str) -> TokenRequest:
    """Read the form of a token for organizations of this pattern, or raise `InvalidRequest`."""
    return TokenRequest.parse(
        form.text("name"),
        form.all("scope"),
        org=org,
        package=form.text("package") or ANY_NAME,
        days=_days(form.text("days")),
        addresses=form.text("addresses").replace(",", " ").split(),
    )


def _days(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_TOKEN_DAYS))):
        message = f"A token can expire in 1 to {MAX_TOKEN_DAYS} days. Enter a number of days."
        with about_field("days"):
            raise InvalidRequest(message)
    return int(text)


@pages.form("account/tokens", account_tokens)
async def account_token_issue(call: SignedInCall) -> Answer:
    by, form = call.caller, call.form
    wanted = parse_token_form(form, form.text("org") or ANY_NAME)
    return _show_issued(call, await call.registry.tokens.access_tokens.issue(by.id, wanted, by=by))


CONFIRMATIONS = {action: account_token_confirmation(action) for action in TOKEN_ACTIONS}
for _action, _show in CONFIRMATIONS.items():
    _name = f"account_token_confirm_{_action.name.replace('-', '_')}"
    pages.read(f"account/tokens/{_action.name}", name=_name)(_show)


@pages.form("account/tokens/rotate", CONFIRMATIONS[ROTATE])
async def account_token_rotate(call: SignedInCall) -> Answer:
    by = call.caller
    issued = await call.registry.tokens.access_tokens.rotate(by.id, call.form.text("token"), by=by)
    return _show_issued(call, issued)


@pages.form("account/tokens/revoke", CONFIRMATIONS[REVOKE])
async def account_token_revoke(call: SignedInCall) -> Answer:
    by = call.caller
    await call.registry.tokens.access_tokens.revoke(by.id, call.form.text("token"), by=by)
    return see_other(f"{TOKENS_PATH}?done=revoke")


FACES = (pages,)
