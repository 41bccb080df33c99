"""/account: the account, the next steps, the settings of `bal`, and the packages of one's
organizations.
"""

import azure.functions as func

from functions.http.pages import PAGE_HEADERS, page_errors, see_other
from functions.http.pagination import Pager, requested_page
from functions.http.signed_in_pages import SignedInPages, SignedInRequest
from shared.composition import Registry
from shared.domain.client_settings import client_settings
from shared.domain.search import Query, ResultPage, Results, Sort
from shared.services.organizations import OrganizationMembership

ACCOUNT_PATH = "/account"
TOKENS_PATH, ORGANIZATIONS_PATH = "/account/tokens", "/account/organizations"

# The tabs that the documentation of Central names.
_DASHBOARD_TABS = {
    "token": TOKENS_PATH,
    "tokens": TOKENS_PATH,
    "organizations": ORGANIZATIONS_PATH,
    "packages": "/account/packages",
}
_TOML = "application/toml"


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the account's first page."""
    bp, visits = func.Blueprint(), SignedInPages(registry)

    @bp.route("account", methods=["GET", "HEAD"])
    @visits.page
    async def account_page(visit: SignedInRequest) -> func.HttpResponse:
        return await _overview(registry, visit)

    @bp.route("account/settings.toml", methods=["GET", "HEAD"])
    @visits.page
    async def account_settings(visit: SignedInRequest) -> func.HttpResponse:
        text = client_settings(registry.settings.base_url, visit.account.name)
        headers = {**PAGE_HEADERS, "Content-Disposition": 'attachment; filename="Settings.toml"'}
        return func.HttpResponse(text, headers=headers, mimetype=_TOML)

    @bp.route("dashboard", methods=["GET", "HEAD"])
    @page_errors
    async def account_dashboard(req: func.HttpRequest) -> func.HttpResponse:
        return see_other(_DASHBOARD_TABS.get(req.params.get("tab", ""), ACCOUNT_PATH))

    return bp


async def _overview(registry: Registry, visit: SignedInRequest) -> func.HttpResponse:
    by = visit.principal
    return visit.show(
        "account/overview.html",
        account=visit.account,
        organizations=await registry.organizations.list_own(by=by),
        kept=await registry.opened_invitations.of(by=by),
        tokens=await registry.tokens.list(by.id, by=by),
        url=registry.settings.base_url,
        settings=client_settings(registry.settings.base_url, visit.account.name),
    )


PACKAGES_PATH = "/account/packages"
PACKAGES_PER_PAGE = 15  # A screen or two.


def packages_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the list."""
    bp, visits = func.Blueprint(), SignedInPages(registry)

    @bp.route("account/packages", methods=["GET", "HEAD"])
    @visits.page
    async def account_packages(visit: SignedInRequest) -> func.HttpResponse:
        organizations = await registry.organizations.list_own(by=visit.principal)
        roles = {each.organization.key: each.role.value for each in organizations}
        found = await _packages_of(registry, visit, organizations)
        pager = Pager.of(found.count, PACKAGES_PER_PAGE, PACKAGES_PATH, visit.query)
        listings = [hit.listing for hit in found.hits]
        return visit.show(
            "account/packages.html",
            listings=listings,
            roles=roles,
            pager=pager,
            now_ms=registry.clock.now_ms(),
        )

    return bp


async def _packages_of(
    registry: Registry, visit: SignedInRequest, organizations: list[OrganizationMembership]
) -> Results:
    """Return a page of the packages, those that changed last first; the index alone is asked."""
    keys = frozenset(each.organization.key for each in organizations)
    if not keys:
        return Results((), 0)
    page = ResultPage(
        (requested_page(visit.query) - 1) * PACKAGES_PER_PAGE, PACKAGES_PER_PAGE, Sort.CREATED
    )
    query = Query(include_deprecated=True).within(keys)
    return await registry.search.search(query, page, by=visit.principal)
