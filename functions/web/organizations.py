"""GET /orgs/{org}: an organization and its packages."""

from collections.abc import Mapping
from contextlib import suppress

from functions.http.answers import JSON
from functions.http.formatting import machine_moment
from functions.http.pages import PublicPageCall, PublicPages
from functions.http.pagination import Pager, requested_page
from shared.domain.accounts import Organization
from shared.domain.errors.base import Refusal
from shared.domain.names import parse_org
from shared.domain.search import Query, ResultPage, Results, Sort
from shared.runtime.answers import Answer

PACKAGES_PER_PAGE = 20
PACKAGE_SORTS = {
    "updated": (Sort.CREATED, "Recently published"),
    "pulls": (Sort.PULLS, "Most pulled"),
    "name": (Sort.NAME, "Name"),
}
_FIRST_SORT = "updated"


pages = PublicPages()
FACES = (pages,)


@pages.read("orgs/{org}")
async def web_org(call: PublicPageCall) -> Answer:
    org = parse_org(call.redacted_route["org"])
    organizations = call.registry.organizations.organizations
    organization = await organizations.show(org, by=call.caller)
    is_member = False
    if not call.caller.is_anonymous:
        with suppress(Refusal):
            await organizations.access_context(org, by=call.caller)
            is_member = True
    sort = call.redacted_query.get("sort", "")
    sort = sort if sort in PACKAGE_SORTS else _FIRST_SORT
    results, pager = await _results(organization, call, sort)
    if call.wants(JSON):
        return call.json(_organization_json(organization, results, pager))
    return call.show(
        "web/org/packages.html",
        organization=organization,
        is_member=is_member,
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
    organization: Organization, results: Results, pager: Pager
) -> Mapping[str, object]:
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
