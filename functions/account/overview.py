"""/account: the account's first page, the settings of `bal`, packages of its organizations."""

import azure.functions as func

from functions.http.pages import PAGE_HEADERS, page_errors, see_other
from functions.http.pagination import Pager, requested_page
from functions.http.requests import READ_METHODS
from functions.http.signed_in_pages import SignedInPages, SignedInRequest
from shared.composition import Registry
from shared.domain.client_settings import client_settings
from shared.domain.search import Query, ResultPage, Results, Sort

ACCOUNT_PATH = "/account"
PACKAGES_PATH = "/account/packages"
TOKENS_PATH, ORGANIZATIONS_PATH = "/account/tokens", "/account/organizations"

# Where the tabs of Central's dashboard are here, which Central's documentation links to.
_DASHBOARD_TABS = {
    "token": TOKENS_PATH,
    "tokens": TOKENS_PATH,
    "organizations": ORGANIZATIONS_PATH,
    "packages": PACKAGES_PATH,
}
_TOML = "application/toml"
PACKAGES_PER_PAGE = 15  # A screen or two.


def blueprint(registry: Registry) -> func.Blueprint:
    bp, pages = func.Blueprint(), SignedInPages(registry)
    bp.route("account", methods=READ_METHODS)(pages.page(account_page))
    bp.route("account/packages", methods=READ_METHODS)(pages.page(account_packages))

    @bp.route("account/settings.toml", methods=READ_METHODS)
    @pages.page
    async def account_settings(request: SignedInRequest) -> func.HttpResponse:
        text = client_settings(registry.settings.base_url, request.account.name)
        headers = {**PAGE_HEADERS, "Content-Disposition": 'attachment; filename="Settings.toml"'}
        return func.HttpResponse(text, headers=headers, mimetype=_TOML)

    @bp.route("dashboard", methods=READ_METHODS)
    @page_errors
    async def account_dashboard(req: func.HttpRequest) -> func.HttpResponse:
        return see_other(_DASHBOARD_TABS.get(req.params.get("tab", ""), ACCOUNT_PATH))

    return bp


async def account_page(request: SignedInRequest) -> func.HttpResponse:
    registry, by = request.registry, request.principal
    return request.show(
        "account/overview.html",
        account=request.account,
        organizations=await registry.organizations.list_own(by=by),
        invitations=await registry.invitations.list_opened(by=by),
        tokens=await registry.tokens.list(by.id, by=by),
        url=registry.settings.base_url,
        settings=client_settings(registry.settings.base_url, request.account.name),
    )


async def account_packages(request: SignedInRequest) -> func.HttpResponse:
    organizations = await request.registry.organizations.list_own(by=request.principal)
    found = await _packages(request, frozenset(each.organization.key for each in organizations))
    return request.show(
        "account/packages.html",
        listings=[hit.listing for hit in found.hits],
        roles={each.organization.key: each.role.value for each in organizations},
        pager=Pager.of(found.count, PACKAGES_PER_PAGE, PACKAGES_PATH, request.query),
    )


async def _packages(request: SignedInRequest, orgs: frozenset[str]) -> Results:
    """Return a page of the organizations' packages, updated last first, from the index alone."""
    if not orgs:
        return Results((), 0)
    offset = (requested_page(request.query) - 1) * PACKAGES_PER_PAGE
    page = ResultPage(offset, PACKAGES_PER_PAGE, Sort.CREATED)
    query = Query(include_deprecated=True).within(orgs)
    return await request.registry.search.search(query, page, by=request.principal)
