"""GET /organizations and /keywords: everything that packages are published under, with counts."""

from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import quote, quote_plus

from msgspec import Struct

from functions.html.numbered_pages import Pager, requested_page
from functions.html.public_pages import PublicPageCall, PublicPages
from shared.domain.search import MAX_QUERY_LENGTH, FacetPage, ResultPage
from shared.runtime.answers import Answer

pages = PublicPages()
FACES = (pages,)
VALUES_PER_PAGE = 60  # Three columns of twenty rows.


class Directory(Struct, frozen=True):
    """One of the directories: its path, its words, and where its values lead."""

    path: str
    title: str
    noun: str
    target: str

    def target_of(self, value: str) -> str:
        quoted = quote_plus(value) if "?" in self.target else quote(value, safe="")
        return f"{self.target}{quoted}"


ORGANIZATIONS = Directory("/organizations", "Organizations", "organization", "/orgs/")
KEYWORDS = Directory("/keywords", "Keywords", "keyword", "/search?keyword=")


@pages.read("organizations")
async def web_organizations(call: PublicPageCall) -> Answer:
    find = call.registry.packages.search.organizations
    return await _directory_page(call, ORGANIZATIONS, partial(find, by=call.caller))


@pages.read("keywords")
async def web_keywords(call: PublicPageCall) -> Answer:
    find = call.registry.packages.search.keywords
    return await _directory_page(call, KEYWORDS, partial(find, by=call.caller))


async def _directory_page(
    call: PublicPageCall,
    directory: Directory,
    find: Callable[[str, ResultPage], Awaitable[FacetPage]],
) -> Answer:
    """Show the requested page, or the last one for a page beyond the end."""
    text = call.redacted_query.get("q", "")[:MAX_QUERY_LENGTH].strip()
    query = {"q": text, "page": call.redacted_query.get("page", "")}
    number = requested_page(query)
    found = await find(text, ResultPage((number - 1) * VALUES_PER_PAGE, VALUES_PER_PAGE))
    pager = Pager.of(found.count, VALUES_PER_PAGE, directory.path, query)
    if pager.number != number:
        found = await find(text, ResultPage(pager.offset, VALUES_PER_PAGE))
    return call.show(
        "web/directory.html",
        directory=directory,
        sought=text,
        pager=pager,
        values=found.values,
    )
