"""/account/tokens: one's own access tokens, and making another."""

import azure.functions as func

from functions._forms import Form
from functions._pages import see_other
from functions._visits import Problem, Visit, Visits
from functions.account import TOKENS
from shared.domain.client_settings import client_settings
from shared.domain.errors import InvalidRequest
from shared.domain.rights import ANY, Scope
from shared.registry import Registry
from shared.services.token_requests import MAX_DAYS, TokenRequest

# What each scope is for, in the order of how much harm its loss does.
SCOPES = (
    (Scope.READ, "Read private packages"),
    (Scope.PUSH_VERSION, "Publish new versions of packages that exist"),
    (Scope.PUSH_NEW, "Publish packages that do not exist yet"),
    (Scope.DEPRECATE, "Deprecate versions, and take that back"),
    (Scope.MANAGE, "Manage members and tokens; it takes a fresh sign-in"),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page of tokens."""
    bp, visits = func.Blueprint(), Visits(registry)

    async def overview(visit: Visit, problem: Problem | None = None) -> func.HttpResponse:
        by = visit.principal
        tokens = await registry.tokens.list(by.id, by=by)
        return visit.show(
            "account/tokens.html",
            problem,
            tokens=tokens[::-1],
            now_ms=registry.clock.now_ms(),
            scopes=[(scope.value, scope.value, meaning) for scope, meaning in SCOPES],
            organizations=await registry.organizations.mine(by=by),
            most_days=MAX_DAYS,
            typed=_typed(visit.form, registry.settings.token_days),
            revoking=visit.form.text("token"),
        )

    @bp.route("account/tokens", methods=["GET"])
    @visits.page
    async def account_tokens(visit: Visit) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("account/tokens", methods=["POST"])
    @visits.form(again=overview)
    async def account_token_issue(visit: Visit) -> func.HttpResponse:
        by = visit.principal
        issued = await registry.tokens.issue(by.id, _wanted(visit.form), by=by)
        text, url = issued.text.reveal(), registry.settings.base_url
        settings = client_settings(url, visit.account.name, text)
        return visit.show(
            "account/token_issued.html", token=issued.token, text=text, settings=settings
        )

    @bp.route("account/tokens/revoke", methods=["POST"])
    @visits.form(again=overview)
    async def account_token_revoke(visit: Visit) -> func.HttpResponse:
        by = visit.principal
        await registry.tokens.revoke(by.id, visit.form.text("token"), by=by)
        return see_other(TOKENS)

    return bp


def _typed(form: Form, days: int) -> dict[str, object]:
    """Return what the fields hold: what was typed, or what most people want."""
    return {
        "name": form.text("name"),
        "scope": form.all("scope") or ([] if form.values else [Scope.READ.value]),
        "org": form.text("org", ANY),
        "package": form.text("package", ANY),
        "days": form.text("days", str(days)),
        "addresses": form.text("addresses"),
    }


def _wanted(form: Form) -> TokenRequest:
    return TokenRequest.parse(
        form.text("name"),
        form.all("scope"),
        org=form.text("org") or ANY,
        package=form.text("package") or ANY,
        days=_days(form.text("days")),
        addresses=form.text("addresses").replace(",", " ").split(),
    )


def _days(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_DAYS))):
        message = f"A token is good for 1 to {MAX_DAYS} days. Write the number of days alone."
        raise InvalidRequest(message)
    return int(text)
