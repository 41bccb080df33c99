"""/account/tokens: one's own access tokens, and making another."""

import azure.functions as func

from functions._pages import see_other
from functions._token_forms import choices, typed, wanted
from functions._visits import Problem, Visit, Visits
from functions.account import TOKENS
from shared.domain.client_settings import client_settings
from shared.domain.rights import ANY
from shared.registry import Registry
from shared.services.token_records import IssuedToken
from shared.services.token_requests import MAX_DAYS


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
            scopes=choices(),
            organizations=await registry.organizations.mine(by=by),
            most_days=MAX_DAYS,
            typed=typed(visit.form, registry.settings.token_days),
            revoking=visit.form.text("token"),
        )

    @bp.route("account/tokens", methods=["GET", "HEAD"])
    @visits.page
    async def account_tokens(visit: Visit) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("account/tokens", methods=["POST"])
    @visits.form(again=overview)
    async def account_token_issue(visit: Visit) -> func.HttpResponse:
        by, form = visit.principal, visit.form
        issued = await registry.tokens.issue(by.id, wanted(form, form.text("org") or ANY), by=by)
        return _show_once(registry, visit, issued)

    @bp.route("account/tokens/rotate", methods=["POST"])
    @visits.form(again=overview)
    async def account_token_rotate(visit: Visit) -> func.HttpResponse:
        by = visit.principal
        issued = await registry.tokens.rotate(by.id, visit.form.text("token"), by=by)
        return _show_once(registry, visit, issued)

    @bp.route("account/tokens/revoke", methods=["POST"])
    @visits.form(again=overview)
    async def account_token_revoke(visit: Visit) -> func.HttpResponse:
        by = visit.principal
        await registry.tokens.revoke(by.id, visit.form.text("token"), by=by)
        return see_other(TOKENS)

    @bp.route("account/tokens/revoke-stolen", methods=["POST"])
    @visits.form(again=overview)
    async def account_token_revoke_stolen(visit: Visit) -> func.HttpResponse:
        by = visit.principal
        await registry.tokens.revoke_stolen(by.id, visit.form.text("token"), by=by)
        return see_other(TOKENS)

    return bp


def _show_once(registry: Registry, visit: Visit, issued: IssuedToken) -> func.HttpResponse:
    """Show a token here and now: its text is a secret, and on no page of its own."""
    text = issued.text.reveal()
    settings = client_settings(registry.settings.base_url, visit.account.name, text)
    template = "account/token_issued.html"
    return visit.show(template, token=issued.token, text=text, settings=settings)
