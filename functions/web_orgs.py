"""GET /orgs/{org}…: an organization, what it publishes, and who shows to be in it."""

from collections.abc import Mapping
from dataclasses import dataclass

import azure.functions as func

from functions._http import JSON
from functions._paging import Pager, asked_page
from functions._public_pages import METHODS, Look, PublicPages
from functions._words import machine_moment
from shared.domain.errors import PageNotFound, Refusal
from shared.domain.names import OrgName, parse_org
from shared.domain.organizations import NEW_OWNER_FOR, Membership, Organization
from shared.domain.query import Page, Query, Results, Sort
from shared.registry import Registry
from shared.services.organizations import Member

SHOWN = 20  # Packages of a page.
SORTS = {
    "updated": (Sort.CREATED, "Updated last"),
    "pulls": (Sort.PULLS, "Most pulled"),
    "name": (Sort.NAME, "Name"),
}
_FIRST_SORT = "updated"
_PEOPLE, _ACTIVITY = "people", "activity"


@dataclass(frozen=True, slots=True)
class Portrait:
    """An organization as whoever looks at it may know it.

    `shown` are the members whom everybody may see, `members` all of them, for its own.
    """

    organization: Organization
    domains: list[str]
    newest_owner_ms: int
    shown: tuple[Membership, ...]
    members: list[Member] | None

    def has_new_owner(self, now_ms: int) -> bool:
        """Say whether somebody became owner of late, after it was founded."""
        is_later = self.newest_owner_ms > self.organization.created_ms
        age_ms = now_ms - self.newest_owner_ms
        return is_later and age_ms < NEW_OWNER_FOR.total_seconds() * 1000


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the pages of organizations."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("orgs/{org}/{tab?}", methods=METHODS)
    @pages.page
    async def web_org(look: Look) -> func.HttpResponse:
        org, tab = parse_org(look.route["org"]), look.route.get("tab", "")
        portrait = await _portrait(registry, org, look)
        if tab == _PEOPLE:
            return await _people(registry, portrait, look)
        if tab == _ACTIVITY:
            happenings = await registry.chronicling.of_organization(org)
            return look.show(
                "web/org/activity.html", portrait=portrait, tab=tab, happenings=happenings
            )
        if tab:
            raise PageNotFound(f"/orgs/{org}/{tab}")
        return await _packages(registry, portrait, look)

    return bp


async def _portrait(registry: Registry, org: OrgName, look: Look) -> Portrait:
    organization = await registry.organizations.show(org, by=look.principal)
    outside = await registry.organizations.outside(organization)
    return Portrait(
        organization,
        await registry.proving.proven(organization),
        outside.newest_owner_ms,
        outside.shown,
        await _members(registry, org, look),
    )


async def _members(registry: Registry, org: OrgName, look: Look) -> list[Member] | None:
    """Return who is in it, or None for those who are not."""
    if look.principal.is_anonymous:
        return None
    try:
        return await registry.organizations.members(org, by=look.principal)
    except Refusal:
        return None


async def _people(registry: Registry, portrait: Portrait, look: Look) -> func.HttpResponse:
    members = portrait.members
    if members is None:
        members = await registry.organizations.named(portrait.shown)
    if look.wants(JSON):
        return look.json({"members": [_seen(each) for each in members if each.membership.is_shown]})
    own = [each for each in members if each.membership.account == look.principal.id]
    return look.show(
        "web/org/people.html",
        portrait=portrait,
        tab=_PEOPLE,
        members=members,
        own=own[0].membership if own else None,
    )


async def _packages(registry: Registry, portrait: Portrait, look: Look) -> func.HttpResponse:
    sort = look.query.get("sort", "")
    sort = sort if sort in SORTS else _FIRST_SORT
    results, pager = await _found(registry, portrait.organization, look, sort)
    if look.wants(JSON):
        return look.json(_twin(portrait, results, pager))
    return look.show(
        "web/org/packages.html",
        portrait=portrait,
        tab="",
        results=results,
        pager=pager,
        sorts=SORTS,
        sort=sort,
    )


async def _found(
    registry: Registry, organization: Organization, look: Look, sort: str
) -> tuple[Results, Pager]:
    order = SORTS[sort][0]
    number, path = asked_page(look.query), f"/orgs/{organization.name}"
    query = Query(include_deprecated=True).within(frozenset({organization.key}))
    page = Page((number - 1) * SHOWN, SHOWN, order, descending=order is not Sort.NAME)
    results = await registry.searching.search(query, page, by=look.principal)
    said = {"sort": "" if sort == _FIRST_SORT else sort, "page": str(number)}
    return results, Pager.of(results.count, SHOWN, path, said)


def _seen(member: Member) -> Mapping[str, str]:
    return {"name": member.name, "role": member.membership.role.value}


def _twin(portrait: Portrait, results: Results, pager: Pager) -> Mapping[str, object]:
    organization = portrait.organization
    return {
        "name": organization.name,
        "displayName": organization.display_name,
        "description": organization.description,
        "domains": portrait.domains,
        "createdAt": machine_moment(organization.created_ms),
        "newestOwnerAt": machine_moment(portrait.newest_owner_ms),
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
