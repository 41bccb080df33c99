"""/account: who one is, what to do next, and the settings of `bal`."""

import azure.functions as func

from functions._pages import HEADERS, page_errors, see_other
from functions._visits import Visit, Visits
from shared.domain.client_settings import client_settings
from shared.registry import Registry

PAGE = "/account"
TOKENS, ORGANIZATIONS = "/account/tokens", "/account/organizations"

# The tabs that the documentation of Central names.
_TABS = {
    "token": TOKENS,
    "tokens": TOKENS,
    "organizations": ORGANIZATIONS,
    "packages": "/account/packages",
}
_TOML = "application/toml"


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the account's first page."""
    bp, visits = func.Blueprint(), Visits(registry)

    @bp.route("account", methods=["GET", "HEAD"])
    @visits.page
    async def account_page(visit: Visit) -> func.HttpResponse:
        return await _overview(registry, visit)

    @bp.route("account/settings.toml", methods=["GET", "HEAD"])
    @visits.page
    async def account_settings(visit: Visit) -> func.HttpResponse:
        text = client_settings(registry.settings.base_url, visit.account.name)
        headers = {**HEADERS, "Content-Disposition": 'attachment; filename="Settings.toml"'}
        return func.HttpResponse(text, headers=headers, mimetype=_TOML)

    @bp.route("dashboard", methods=["GET", "HEAD"])
    @page_errors
    async def account_dashboard(req: func.HttpRequest) -> func.HttpResponse:
        return see_other(_TABS.get(req.params.get("tab", ""), PAGE))

    return bp


async def _overview(registry: Registry, visit: Visit) -> func.HttpResponse:
    by = visit.principal
    return visit.show(
        "account/overview.html",
        account=visit.account,
        organizations=await registry.organizations.mine(by=by),
        kept=await registry.kept_invitations.of(by=by),
        tokens=await registry.tokens.list(by.id, by=by),
        url=registry.settings.base_url,
        settings=client_settings(registry.settings.base_url, visit.account.name),
    )
