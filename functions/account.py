"""/account and /sign-in/link/{code}: signing in, who one is, and what to do next."""

import azure.functions as func

from functions._pages import UNAUTHORIZED, Visitor, page_errors, render, see_other
from shared.domain.client_settings import client_settings
from shared.domain.identity import Principal
from shared.registry import Registry

PAGE = "/account"


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the account's pages."""
    bp = func.Blueprint()

    @bp.route("sign-in/link/{code}", methods=["GET"])
    @page_errors
    async def account_sign_in(req: func.HttpRequest) -> func.HttpResponse:
        account_id = await registry.sign_in_links.redeem(req.route_params["code"])
        return see_other(PAGE, registry.sessions.cookie(account_id).reveal())

    @bp.route("account", methods=["GET"])
    @page_errors
    async def account_page(req: func.HttpRequest) -> func.HttpResponse:
        caller = registry.sessions.principal(req.headers)
        if caller.is_anonymous:
            return render("sign_in.html", status=UNAUTHORIZED)
        return await _overview(registry, caller)

    @bp.route("sign-out", methods=["POST"])
    @page_errors
    async def account_sign_out(req: func.HttpRequest) -> func.HttpResponse:
        return see_other(PAGE, registry.sessions.farewell())

    return bp


async def _overview(registry: Registry, caller: Principal) -> func.HttpResponse:
    profile = await registry.accounts.profile(caller)
    url = registry.settings.base_url
    name = profile.account.name
    return render(
        "account/overview.html",
        visitor=Visitor(name, csrf=""),
        account=profile.account,
        memberships=profile.memberships,
        url=url,
        settings=client_settings(url, name),
    )
