"""GET /orgs/{org}: an organization and its packages, which are searched, ordered and narrowed as
/search does it."""

from contextlib import suppress

from functions.html.public_pages import PublicPageCall, PublicPages
from functions.web.package.frame import followed_by_visitor
from functions.web.search import SearchForm, search_results, values_of_results
from shared.domain.errors.base import NotFound
from shared.domain.names import parse_org
from shared.runtime.answers import Answer

pages = PublicPages()
FACES = (pages,)


@pages.read("orgs/{org}")
async def web_org(call: PublicPageCall) -> Answer:
    org = parse_org(call.redacted_route["org"])
    organizations = call.registry.organizations
    organization = await organizations.organizations.show(org, by=call.caller)
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
