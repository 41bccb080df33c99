"""/account/tokens: one's own access tokens, and the form of a new token."""

from datetime import timedelta

import azure.functions as func

from functions.account.overview import TOKENS_PATH
from functions.http.pages import see_other
from functions.http.requests import Form
from functions.http.signed_in_pages import FormProblem, SignedInPages, SignedInRequest
from shared.composition import Registry
from shared.domain.client_settings import client_settings
from shared.domain.errors.base import InvalidRequest
from shared.domain.rights import ANY_NAME, Scope
from shared.services.token_records import IssuedToken
from shared.services.tokens import MAX_TOKEN_DAYS, TokenRequest


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page of tokens."""
    bp, visits = func.Blueprint(), SignedInPages(registry)

    async def overview(
        visit: SignedInRequest, problem: FormProblem | None = None
    ) -> func.HttpResponse:
        by = visit.principal
        tokens = await registry.tokens.list(by.id, by=by)
        return visit.show(
            "account/tokens.html",
            problem,
            tokens=tokens[::-1],
            now_ms=registry.clock.now_ms(),
            scopes=scope_choices(),
            organizations=await registry.organizations.list_own(by=by),
            most_days=MAX_TOKEN_DAYS,
            typed=token_form_values(visit.form, registry.settings.token_days),
            revoking=visit.form.text("token"),
        )

    @bp.route("account/tokens", methods=["GET", "HEAD"])
    @visits.page
    async def account_tokens(visit: SignedInRequest) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("account/tokens", methods=["POST"])
    @visits.form(again=overview)
    async def account_token_issue(visit: SignedInRequest) -> func.HttpResponse:
        by, form = visit.principal, visit.form
        issued = await registry.tokens.issue(
            by.id, parse_token_form(form, form.text("org") or ANY_NAME), by=by
        )
        return _show_once(registry, visit, issued)

    @bp.route("account/tokens/rotate", methods=["POST"])
    @visits.form(again=overview)
    async def account_token_rotate(visit: SignedInRequest) -> func.HttpResponse:
        by = visit.principal
        issued = await registry.tokens.rotate(by.id, visit.form.text("token"), by=by)
        return _show_once(registry, visit, issued)

    @bp.route("account/tokens/revoke", methods=["POST"])
    @visits.form(again=overview)
    async def account_token_revoke(visit: SignedInRequest) -> func.HttpResponse:
        by = visit.principal
        await registry.tokens.revoke(by.id, visit.form.text("token"), by=by)
        return see_other(TOKENS_PATH)

    @bp.route("account/tokens/revoke-stolen", methods=["POST"])
    @visits.form(again=overview)
    async def account_token_revoke_stolen(visit: SignedInRequest) -> func.HttpResponse:
        by = visit.principal
        await registry.tokens.revoke_stolen(by.id, visit.form.text("token"), by=by)
        return see_other(TOKENS_PATH)

    return bp


def _show_once(
    registry: Registry, visit: SignedInRequest, issued: IssuedToken
) -> func.HttpResponse:
    """Show a token here and now: its text is a secret, and on no page of its own."""
    text = issued.text.reveal()
    settings = client_settings(registry.settings.base_url, visit.account.name, text)
    template = "account/token_issued.html"
    return visit.show(template, token=issued.token, text=text, settings=settings)


# What each scope is for, in the order of how much harm its loss does.
SCOPE_LABELS = (
    (Scope.READ, "Read private packages"),
    (Scope.PUSH_VERSION, "Publish new versions of packages that exist"),
    (Scope.PUSH_NEW, "Publish packages that do not exist yet"),
    (Scope.DEPRECATE, "Deprecate versions, and take that back"),
    (Scope.MANAGE, "Manage members and tokens; it takes a fresh sign-in"),
)
LONG_LIFETIME = timedelta(days=90)  # A token for longer is asked twice whether it has to be.


def scope_choices(*left_out: Scope) -> list[tuple[str, str, str]]:
    """Return the scopes as a form offers them."""
    kept = [(scope.value, meaning) for scope, meaning in SCOPE_LABELS if scope not in left_out]
    return [(name, name, meaning) for name, meaning in kept]


def token_form_values(form: Form, days: int) -> dict[str, object]:
    """Return what the fields hold: what was typed, or what most people want."""
    return {
        "name": form.text("name"),
        "scope": form.all("scope") or ([] if form.values else [Scope.READ.value]),
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
        message = f"A token is good for 1 to {MAX_TOKEN_DAYS} days. Write the number of days alone."
        raise InvalidRequest(message)
    return int(text)
