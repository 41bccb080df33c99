"""GET /symbols: declarations and their members in the packages that the caller may see, by name."""

from functions.http.answers import JSON
from functions.http.formatting import symbol_address, symbol_fields
from functions.http.pagination import Pager, requested_page
from functions.http.public_pages import PublicPageCall, PublicPages
from functions.web.search import SearchForm
from shared.domain.search import MAX_QUERY_LENGTH, ResultPage, SymbolQuery, SymbolResults
from shared.runtime.answers import Answer

SYMBOLS_PER_PAGE = 20


pages = PublicPages()
FACES = (pages,)


@pages.read("symbols")
async def web_symbols(call: PublicPageCall) -> Answer:
    text = call.redacted_query.get("q", "")[:MAX_QUERY_LENGTH].strip()
    found, pager = await _results(call, text)
    if call.wants(JSON):
        return call.json(_symbols_json(text, found, pager))
    return call.show(
        "web/symbols.html",
        sought=text,
        found=found,
        # As many packages as /search lists.
        package_count=await call.registry.packages.search.count(
            SearchForm.of({"q": text}).query, by=call.caller
        ),
        pager=pager,
        address_of=symbol_address,
    )


async def _results(call: PublicPageCall, text: str) -> tuple[SymbolResults, Pager]:
    """Return the requested page, or the last one for a page beyond the end."""
    number = requested_page(call.redacted_query)
    search = call.registry.packages.search.symbols
    page = ResultPage((number - 1) * SYMBOLS_PER_PAGE, SYMBOLS_PER_PAGE)
    query = SymbolQuery.parse(text)
    found = await search(query, page, by=call.caller)
    pager = Pager.of(found.count, SYMBOLS_PER_PAGE, "/symbols", {"q": text, "page": str(number)})
    if pager.number != number:
        found = await search(query, ResultPage(pager.offset, SYMBOLS_PER_PAGE), by=call.caller)
    return found, pager


def _symbols_json(text: str, found: SymbolResults, pager: Pager) -> dict[str, object]:
    return {
        "query": text,
        "count": found.count,
        "page": pager.number,
        "pages": pager.last,
        "symbols": [{**symbol_fields(hit), "address": symbol_address(hit)} for hit in found.hits],
    }
