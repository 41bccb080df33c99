"""/account/packages: what the organizations that one belongs to have published."""

import azure.functions as func

from functions._paging import Pager, asked_page
from functions._visits import Visit, Visits
from shared.domain.query import Page, Query, Results, Sort
from shared.registry import Registry
from shared.services.organizations import Belonging

PATH = "/account/packages"
SHOWN = 15  # A screen or two.


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the list."""
    bp, visits = func.Blueprint(), Visits(registry)

    @bp.route("account/packages", methods=["GET", "HEAD"])
    @visits.page
    async def account_packages(visit: Visit) -> func.HttpResponse:
        organizations = await registry.organizations.mine(by=visit.principal)
        roles = {each.organization.key: each.role.value for each in organizations}
        found = await _found(registry, visit, organizations)
        pager = Pager.of(found.count, SHOWN, PATH, visit.query)
        listings = [hit.listing for hit in found.hits]
        return visit.show(
            "account/packages.html",
            listings=listings,
            roles=roles,
            pager=pager,
            now_ms=registry.clock.now_ms(),
        )

    return bp


async def _found(registry: Registry, visit: Visit, organizations: list[Belonging]) -> Results:
    """Return a page of the packages, those that changed last first; the index alone is asked."""
    keys = frozenset(each.organization.key for each in organizations)
    if not keys:
        return Results((), 0)
    page = Page((asked_page(visit.query) - 1) * SHOWN, SHOWN, Sort.CREATED)
    query = Query(include_deprecated=True).within(keys)
    return await registry.searching.search(query, page, by=visit.principal)
