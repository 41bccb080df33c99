"""/llms.txt: the public packages with a line each, for programs that read and choose by words."""

import azure.functions as func

from functions._paging import asked_page
from functions._public_pages import METHODS, Look, PublicPages
from functions._words import counted
from shared.domain.errors import PageNotFound
from shared.domain.package import Listing
from shared.domain.query import MAX_OFFSET, Page, Query, Results, Sort
from shared.domain.summary import one_line
from shared.registry import Registry

PACKAGES = 200  # On one page: 30 KB, made in some 20 ms.
PLAIN = "text/plain"


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function that lists packages for programs."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("llms.txt", methods=METHODS)
    @pages.same_for_all
    async def web_llms(look: Look) -> func.HttpResponse:
        number = asked_page(look.query)
        offset = min((number - 1) * PACKAGES, MAX_OFFSET)
        page = Page(offset=offset, limit=PACKAGES, sort=Sort.NAME, descending=False)
        found = await registry.searching.search(Query(), page, by=look.principal)
        if number > 1 and not found.hits:
            raise PageNotFound("/llms.txt")
        return look.text(_listed(found, number, look.url), PLAIN)

    return bp


def _listed(found: Results, number: int, base_url: str) -> str:
    """Return one page of the list, in the form of llmstxt.org."""
    how = (
        "Send `Accept: text/markdown` to the address of a package for its readme and how to use "
        "it, or `Accept: application/json` for its facts. How clients read this registry: "
        f"{base_url}/about. The API: {base_url}/api/v1/openapi.json."
    )
    beginning = (
        "# Ballroom",
        "> A registry of Ballerina packages. The words behind each package are its authors' own.",
        how,
        f"## Packages ({counted(found.count, 'package')}, page {number})",
    )
    lines = "\n".join(_line(hit.listing, base_url) for hit in found.hits)
    is_last = number * PACKAGES >= found.count
    more = [] if is_last else [f"## More\n\n- [Next page]({base_url}/llms.txt?page={number + 1})"]
    return "\n\n".join([*beginning, lines or "None yet.", *more]) + "\n"


def _line(listing: Listing, base_url: str) -> str:
    package, summary = listing.head.package, one_line(listing.release.summary)
    said = f": {summary}" if summary else ""
    return f"- [{package}]({base_url}/packages/{package}) {listing.release.version}{said}"
