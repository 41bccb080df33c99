"""/account: the account's first page, the settings of `bal`, packages of its organizations."""

from functions.http.pages import PAGE_HEADERS, see_other
from functions.http.pagination import Pager, requested_page
from functions.http.signed_in_pages import SignedInCall, SignedInPages
from shared.domain.client_settings import client_settings
from shared.domain.search import Query, ResultPage, Results, Sort
from shared.runtime.answers import Answer

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


pages = SignedInPages()


@pages.read("account/settings.toml")
async def account_settings(call: SignedInCall) -> Answer:
    text = client_settings(call.registry.settings.base_url, call.account.name)
    headers = {**PAGE_HEADERS, "Content-Disposition": 'attachment; filename="Settings.toml"'}
    return Answer(text.encode(), headers=headers, media_type=_TOML)


@pages.read("dashboard", is_open=True)
async def account_dashboard(call: SignedInCall) -> Answer:
    return see_other(_DASHBOARD_TABS.get(call.params.get("tab", ""), ACCOUNT_PATH))


@pages.read("account")
async def account_page(call: SignedInCall) -> Answer:
    registry, by = call.registry, call.caller
    return call.show(
        "account/overview.html",
        account=call.account,
        organizations=await registry.organizations.organizations.list_own(by=by),
        invitations=await registry.organizations.invitations.list_opened(by=by),
        tokens=await registry.tokens.access_tokens.list(by.id, by=by),
        url=registry.settings.base_url,
        settings=client_settings(registry.settings.base_url, call.account.name),
    )


@pages.read("account/packages")
async def account_packages(call: SignedInCall) -> Answer:
    organizations = await call.registry.organizations.organizations.list_own(by=call.caller)
    found = await _packages(call, frozenset(each.organization.key for each in organizations))
    return call.show(
        "account/packages.html",
        listings=[hit.listing for hit in found.hits],
        roles={each.organization.key: each.role.value for each in organizations},
        pager=Pager.of(found.count, PACKAGES_PER_PAGE, PACKAGES_PATH, call.query),
    )


async def _packages(call: SignedInCall, orgs: frozenset[str]) -> Results:
    """Return a page of the organizations' packages, updated last first, from the index alone."""
    if not orgs:
        return Results((), 0)
    offset = (requested_page(call.query) - 1) * PACKAGES_PER_PAGE
    page = ResultPage(offset, PACKAGES_PER_PAGE, Sort.CREATED)
    query = Query(include_deprecated=True).within(orgs)
    return await call.registry.packages.search.search(query, page, by=call.caller)


FACES = (pages,)
