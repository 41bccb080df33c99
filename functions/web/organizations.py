"""GET /orgs/{org}: an organization and its packages."""

from contextlib import suppress

from functions.http.pages import PublicPageCall, PublicPages
from functions.http.pagination import Pager, requested_page
from shared.domain.errors.base import NotFound
from shared.domain.names import parse_org
from shared.domain.search import Query, ResultPage, Sort
from shared.runtime.answers import Answer

PACKAGES_PER_PAGE = 20

pages = PublicPages()
FACES = (pages,)


@pages.read("orgs/{org}")
async def web_org(call: PublicPageCall) -> Answer:
    org, organizations = parse_org(call.redacted_route["org"]), call.registry.organizations
    organization = await organizations.organizations.show(org, by=call.caller)
    organization = await organizations.continuation.as_seen(organization, by=call.caller)
    offset = (requested_page(call.redacted_query) - 1) * PACKAGES_PER_PAGE
    page = ResultPage(offset, PACKAGES_PER_PAGE, Sort.CREATED)
    query = Query(include_deprecated=True).within(frozenset({organization.key}))
    results = await call.registry.packages.search.search(query, page, by=call.caller)
    is_member = False
    if not call.caller.is_anonymous:
        with suppress(NotFound):
            is_member = bool(await organizations.organizations.access_context(org, by=call.caller))
    path = f"/orgs/{organization.name}"
    return call.show(
        "web/organization.html",
        organization=organization,
        is_member=is_member,
        results=results,
        pager=Pager.of(results.count, PACKAGES_PER_PAGE, path, call.redacted_query),
    )
