"""GET /orgs/{org}…: an organization, its packages, its public members and activity."""

from collections.abc import Mapping

from msgspec import Struct

from functions.http.answers import JSON
from functions.http.formatting import machine_moment
from functions.http.pages import PublicPageCall, PublicPages
from functions.http.pagination import Pager, requested_page
from shared.domain.access import Membership
from shared.domain.accounts import Organization
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import PageNotFound
from shared.domain.names import OrgName, parse_org
from shared.domain.search import Query, ResultPage, Results, Sort
from shared.runtime.answers import Answer
from shared.services.organizations.memberships import Member

PACKAGES_PER_PAGE = 20
PACKAGE_SORTS = {
    "updated": (Sort.CREATED, "Recently published"),
    "pulls": (Sort.PULLS, "Most pulled"),
    "name": (Sort.NAME, "Name"),
}
_FIRST_SORT = "updated"
_PEOPLE, _ACTIVITY = "people", "activity"


class OrganizationPage(Struct, frozen=True):
    """An organization as a visitor may see it.

    `shown` are the members that everybody may see; `members` are all, for its members alone.
    """

    organization: Organization
    shown: tuple[Membership, ...]
    members: list[Member] | None


pages = PublicPages()
FACES = (pages,)


@pages.read("orgs/{org}/{tab?}")
async def web_org(call: PublicPageCall) -> Answer:
    org, tab = parse_org(call.redacted_route["org"]), call.redacted_route.get("tab", "")
    page = await _organization_page(org, call)
    if tab == _PEOPLE:
        return await _people(page, call)
    if tab == _ACTIVITY:
        changes = await call.registry.packages.history.of_organization(org)
        return call.show("web/org/activity.html", page=page, tab=tab, changes=changes)
    if tab:
        raise PageNotFound(f"/orgs/{org}/{tab}")
    return await _packages(page, call)


async def _organization_page(org: OrgName, call: PublicPageCall) -> OrganizationPage:
    organization = await call.registry.organizations.organizations.show(org, by=call.caller)
    return OrganizationPage(
        organization,
        await call.registry.organizations.memberships.public_members(organization),
        await _members(org, call),
    )


async def _members(org: OrgName, call: PublicPageCall) -> list[Member] | None:
    """Return the members, or None for visitors who are none."""
    if call.caller.is_anonymous:
        return None
    try:
        return await call.registry.organizations.memberships.members(org, by=call.caller)
    except Refusal:
        return None


async def _people(page: OrganizationPage, call: PublicPageCall) -> Answer:
    members = page.members
    if members is None:
        members = await call.registry.organizations.memberships.with_names(page.shown)
    if call.wants(JSON):
        shown = [each for each in members if each.membership.is_shown]
        listed = [{"name": each.name, "role": each.membership.role.value} for each in shown]
        return call.json({"members": listed})
    return call.show(
        "web/org/people.html",
        page=page,
        tab=_PEOPLE,
        members=members,
        own=_own_membership(members, call),
        # Nobody else sent a form; and a cached page must depend on no other header.
        done=call.done if call.visitor else "",
    )


def _own_membership(members: list[Member], call: PublicPageCall) -> Membership | None:
    """Return the membership that the visitor may show or hide: tokens send no forms."""
    if call.visitor is None:
        return None
    own = (each.membership for each in members if each.membership.account == call.caller.id)
    return next(own, None)


async def _packages(page: OrganizationPage, call: PublicPageCall) -> Answer:
    sort = call.redacted_query.get("sort", "")
    sort = sort if sort in PACKAGE_SORTS else _FIRST_SORT
    results, pager = await _results(page.organization, call, sort)
    if call.wants(JSON):
        return call.json(_organization_json(page, results, pager))
    return call.show(
        "web/org/packages.html",
        page=page,
        tab="",
        results=results,
        pager=pager,
        sorts=PACKAGE_SORTS,
        sort=sort,
    )


async def _results(
    organization: Organization, call: PublicPageCall, sort: str
) -> tuple[Results, Pager]:
    order = PACKAGE_SORTS[sort][0]
    number, path = requested_page(call.redacted_query), f"/orgs/{organization.name}"
    query = Query(include_deprecated=True).within(frozenset({organization.key}))
    page = ResultPage(
        (number - 1) * PACKAGES_PER_PAGE,
        PACKAGES_PER_PAGE,
        order,
        descending=order is not Sort.NAME,
    )
    results = await call.registry.packages.search.search(query, page, by=call.caller)
    params = {"sort": "" if sort == _FIRST_SORT else sort, "page": str(number)}
    return results, Pager.of(results.count, PACKAGES_PER_PAGE, path, params)


def _organization_json(
    page: OrganizationPage, results: Results, pager: Pager
) -> Mapping[str, object]:
    organization = page.organization
    return {
        "name": organization.name,
        "displayName": organization.display_name,
        "description": organization.description,
        "createdAt": machine_moment(organization.created_ms),
        "count": results.count,
        "page": pager.number,
        "pages": pager.last,
        "packages": [
            {
                "name": hit.listing.head.name,
                "version": hit.listing.release.version,
                "summary": hit.listing.release.summary,
                "pulls": hit.listing.head.pulls,
                "deprecation": hit.listing.deprecation,
                "visibility": hit.listing.head.visibility.value,
            }
            for hit in results.hits
        ],
    }
