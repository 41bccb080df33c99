"""/account: the account's first page, the settings of `bal`, packages of its organizations."""

from collections.abc import Sequence
from datetime import timedelta

from functions.http.pages import PAGE_HEADERS, see_other
from functions.http.pagination import Pager, requested_page
from functions.http.signed_in_pages import SignedInCall, SignedInPages
from shared.domain.names import OrgName
from shared.domain.rights import Role
from shared.domain.search import Query, ResultPage, Results, Sort
from shared.domain.times import MS
from shared.runtime.answers import Answer
from shared.services.organizations.memberships import OrganizationMembership

ACCOUNT_PATH = "/account"
PACKAGES_PATH = "/account/packages"
TOKENS_PATH, ORGANIZATIONS_PATH = "/account/tokens", "/account/organizations"
REVOKED_MESSAGE = "Access token revoked. It stops working within five seconds."

# Where the tabs of Central's dashboard are here, which Central's documentation links to.
_DASHBOARD_TABS = {
    "token": TOKENS_PATH,
    "tokens": TOKENS_PATH,
    "organizations": ORGANIZATIONS_PATH,
    "packages": PACKAGES_PATH,
}
_TOML = "application/toml"
PACKAGES_PER_PAGE = 15  # A screen or two.
RELEASES_SHOWN = 5  # On the first page.
EXPIRES_SOON = timedelta(days=14)
ORGANIZATIONS_LOOKED_AT = 3  # For releases that wait: each costs some reads.


pages = SignedInPages()


@pages.read("account/settings.toml")
async def account_settings(call: SignedInCall) -> Answer:
    text = call.registry.client_settings(call.account.name)
    headers = {**PAGE_HEADERS, "Content-Disposition": 'attachment; filename="Settings.toml"'}
    return Answer(text.encode(), headers=headers, media_type=_TOML)


@pages.read("dashboard", is_open=True)
async def account_dashboard(call: SignedInCall) -> Answer:
    return see_other(_DASHBOARD_TABS.get(call.params.get("tab", ""), ACCOUNT_PATH))


@pages.read("account")
async def account_page(call: SignedInCall) -> Answer:
    registry, by = call.registry, call.caller
    # One after the other, so that the order of the calls tells nothing of what there is.
    organizations = await registry.organizations.memberships.list_own(by=by)
    invitations = await registry.organizations.invitations.list_opened(by=by)
    tokens = await registry.tokens.access_tokens.list(by.id, by=by)
    released = await _packages(call, _keys(organizations), RELEASES_SHOWN)
    held = await _held(call, organizations)
    soon_ms = call.now_ms + EXPIRES_SOON // MS
    return call.show(
        "account/overview.html",
        account=call.account,
        organizations=organizations,
        invitations=invitations,
        tokens=tokens,
        listings=[hit.listing for hit in released.hits],
        held=held,
        expiring=[each.token for each in tokens if (each.token.expires_ms or soon_ms) < soon_ms],
        url=registry.settings.base_url,
        settings=registry.client_settings(call.account.name),
    )


def _keys(organizations: Sequence[OrganizationMembership]) -> frozenset[str]:
    return frozenset(each.organization.key for each in organizations)


async def _held(
    call: SignedInCall, organizations: Sequence[OrganizationMembership]
) -> list[tuple[str, int]]:
    """Return the organizations of the owner with releases that wait, and how many: of the first
    organizations, and of those the first packages, since the page of each has all."""
    owned = [each.organization.name for each in organizations if each.role is Role.OWNER]
    looked_at = [OrgName(name) for name in owned[:ORGANIZATIONS_LOOKED_AT]]
    page = call.registry.publishing.held_releases.page
    counts = [len((await page(org, by=call.caller)).releases) for org in looked_at]
    return [(org, count) for org, count in zip(looked_at, counts, strict=True) if count]


@pages.read("account/packages")
async def account_packages(call: SignedInCall) -> Answer:
    organizations = await call.registry.organizations.memberships.list_own(by=call.caller)
    found = await _packages(call, _keys(organizations))
    return call.show(
        "account/packages.html",
        listings=[hit.listing for hit in found.hits],
        roles={each.organization.key: each.role.value for each in organizations},
        pager=Pager.of(found.count, PACKAGES_PER_PAGE, PACKAGES_PATH, call.params),
    )


async def _packages(
    call: SignedInCall, orgs: frozenset[str], count: int = PACKAGES_PER_PAGE
) -> Results:
    """Return a page of the organizations' packages, updated last first, from the index alone."""
    if not orgs:
        return Results((), 0)
    page = ResultPage((requested_page(call.params) - 1) * count, count, Sort.CREATED)
    query = Query(include_deprecated=True).within(orgs)
    return await call.registry.packages.search.search(query, page, by=call.caller)


FACES = (pages,)
