"""GET /orgs/{org}…: an organization, its packages, its public members and activity."""

from collections.abc import Mapping
from dataclasses import dataclass

import azure.functions as func

from functions.account.organizations import VISIBILITY_DONE_MESSAGES
from functions.http.formatting import machine_moment
from functions.http.pagination import Pager, requested_page
from functions.http.public_pages import PageRequest, PublicPages
from functions.http.requests import READ_METHODS, finished_action
from functions.http.responses import JSON
from shared.composition import Registry
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import PageNotFound
from shared.domain.members import NEW_OWNER_PERIOD, Membership
from shared.domain.names import OrgName, parse_org
from shared.domain.organizations import Organization
from shared.domain.search import Query, ResultPage, Results, Sort
from shared.services.organizations import Member

PACKAGES_PER_PAGE = 20
PACKAGE_SORTS = {
    "updated": (Sort.CREATED, "Recently updated"),
    "pulls": (Sort.PULLS, "Most pulled"),
    "name": (Sort.NAME, "Name"),
}
_FIRST_SORT = "updated"
_PEOPLE, _ACTIVITY = "people", "activity"


@dataclass(frozen=True, slots=True)
class OrganizationPage:
    """An organization as a visitor may see it.

    `shown` are the members that everybody may see; `members` are all, for its members alone.
    """

    organization: Organization
    domains: list[str]
    newest_owner_ms: int
    shown: tuple[Membership, ...]
    members: list[Member] | None

    def has_new_owner(self, now_ms: int) -> bool:
        """Return whether an owner was added within the last `NEW_OWNER_PERIOD`."""
        is_founder = self.newest_owner_ms <= self.organization.created_ms
        age_ms = now_ms - self.newest_owner_ms
        return not is_founder and age_ms < NEW_OWNER_PERIOD.total_seconds() * 1000


def blueprint(registry: Registry) -> func.Blueprint:
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("orgs/{org}/{tab?}", methods=READ_METHODS)
    @pages.page
    async def web_org(request: PageRequest) -> func.HttpResponse:
        org, tab = parse_org(request.route["org"]), request.route.get("tab", "")
        page = await _organization_page(org, request)
        if tab == _PEOPLE:
            return await _people(page, request)
        if tab == _ACTIVITY:
            changes = await registry.package_details.organization_history(org)
            return request.show("web/org/activity.html", page=page, tab=tab, changes=changes)
        if tab:
            raise PageNotFound(f"/orgs/{org}/{tab}")
        return await _packages(page, request)

    return bp


async def _organization_page(org: OrgName, request: PageRequest) -> OrganizationPage:
    organization = await request.registry.organizations.show(org, by=request.principal)
    public = await request.registry.organizations.public_members(organization)
    return OrganizationPage(
        organization,
        await request.registry.domain_verification.verified(organization),
        public.newest_owner_ms,
        public.shown,
        await _members(org, request),
    )


async def _members(org: OrgName, request: PageRequest) -> list[Member] | None:
    """Return the members, or None for visitors who are none."""
    if request.principal.is_anonymous:
        return None
    try:
        return await request.registry.organizations.members(org, by=request.principal)
    except Refusal:
        return None


async def _people(page: OrganizationPage, request: PageRequest) -> func.HttpResponse:
    members = page.members
    if members is None:
        members = await request.registry.organizations.with_names(page.shown)
    if request.wants(JSON):
        return request.json(
            {"members": [_member_json(each) for each in members if each.membership.is_shown]}
        )
    return request.show(
        "web/org/people.html",
        page=page,
        tab=_PEOPLE,
        members=members,
        own=_own_membership(members, request),
        # Nobody else sent a form; and a cached page must depend on no other header.
        done=VISIBILITY_DONE_MESSAGES.get(finished_action(request.req), "")
        if request.visitor
        else "",
    )


def _own_membership(members: list[Member], request: PageRequest) -> Membership | None:
    """Return the membership that the visitor may show or hide: tokens send no forms."""
    if request.visitor is None:
        return None
    own = (each.membership for each in members if each.membership.account == request.principal.id)
    return next(own, None)


async def _packages(page: OrganizationPage, request: PageRequest) -> func.HttpResponse:
    sort = request.query.get("sort", "")
    sort = sort if sort in PACKAGE_SORTS else _FIRST_SORT
    results, pager = await _results(page.organization, request, sort)
    if request.wants(JSON):
        return request.json(_organization_json(page, results, pager))
    return request.show(
        "web/org/packages.html",
        page=page,
        tab="",
        results=results,
        pager=pager,
        sorts=PACKAGE_SORTS,
        sort=sort,
    )


async def _results(
    organization: Organization, request: PageRequest, sort: str
) -> tuple[Results, Pager]:
    order = PACKAGE_SORTS[sort][0]
    number, path = requested_page(request.query), f"/orgs/{organization.name}"
    query = Query(include_deprecated=True).within(frozenset({organization.key}))
    page = ResultPage(
        (number - 1) * PACKAGES_PER_PAGE,
        PACKAGES_PER_PAGE,
        order,
        descending=order is not Sort.NAME,
    )
    results = await request.registry.search.search(query, page, by=request.principal)
    params = {"sort": "" if sort == _FIRST_SORT else sort, "page": str(number)}
    return results, Pager.of(results.count, PACKAGES_PER_PAGE, path, params)


def _member_json(member: Member) -> Mapping[str, str]:
    return {"name": member.name, "role": member.membership.role.value}


def _organization_json(
    page: OrganizationPage, results: Results, pager: Pager
) -> Mapping[str, object]:
    organization = page.organization
    return {
        "name": organization.name,
        "displayName": organization.display_name,
        "description": organization.description,
        "domains": page.domains,
        "createdAt": machine_moment(organization.created_ms),
        "newestOwnerAt": machine_moment(page.newest_owner_ms),
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
