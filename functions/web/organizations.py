"""GET /orgs/{org}: an organization and its packages, which are searched, ordered and narrowed as
/search does it."""

from contextlib import suppress

from functions.html.public_pages import PublicPageCall, PublicPages
from functions.web.package.frame import followed_by_visitor, organization_search_path
from functions.web.search import SearchForm, search_results, values_of_results
from shared.domain.errors.base import NotFound
from shared.domain.names import OrgName, parse_org
from shared.runtime.answers import Answer

pages = PublicPages()
FACES = (pages,)


@pages.read("orgs/{org}")
async def web_org(call: PublicPageCall) -> Answer:
    org = parse_org(call.redacted_route["org"])
    organizations = call.registry.organizations
    try:
        organization = await organizations.organizations.show(org, by=call.caller)
    except NotFound:
        if await _is_of_upstream(call, org):
            return call.redirect(organization_search_path(org))
        raise
    organization = await organizations.continuation.as_seen(organization, by=call.caller)
    form = SearchForm.of(call.redacted_query, org=organization.name)
    found, pager = await search_results(call, form)
    is_member = False
    if not call.caller.is_anonymous:
        with suppress(NotFound):
            is_member = bool(await organizations.organizations.access_context(org, by=call.caller))
    return call.show(
        "web/organization.html",
        organization=organization,
        members=await organizations.memberships.count(organization),
        is_member=is_member,
        follows=await followed_by_visitor(call, org),
        form=form,
        found=found,
        pager=pager,
        problem=form.query.problem,
        **await values_of_results(call, form, found),
    )


async def _is_of_upstream(call: PublicPageCall, org: OrgName) -> bool:
    """Check whether packages of an upstream's organization, which has no record here, are found."""
    found, _ = await search_results(call, SearchForm.of({}, org=str(org)))
    return any(hit.listing.release.upstream for hit in found.results.hits)
