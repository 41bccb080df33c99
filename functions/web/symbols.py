"""GET /symbols: declarations and their members in all public packages, by name."""

import azure.functions as func

from functions.http.formatting import symbol_address, symbol_fields
from functions.http.pagination import Pager, requested_page
from functions.http.public_pages import PageRequest, PublicPages
from functions.http.requests import READ_METHODS
from functions.http.responses import JSON
from shared.composition import Registry
from shared.domain.search import MAX_QUERY_LENGTH, ResultPage, SymbolResults

SYMBOLS_PER_PAGE = 20


def blueprint(registry: Registry) -> func.Blueprint:
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("symbols", methods=READ_METHODS)
    @pages.page
    async def web_symbols(request: PageRequest) -> func.HttpResponse:
        text = request.query.get("q", "")[:MAX_QUERY_LENGTH].strip()
        found, pager = await _results(request, text)
        if request.wants(JSON):
            return request.json(_symbols_json(text, found, pager))
        return request.show(
            "web/symbols.html", sought=text, found=found, pager=pager, address_of=symbol_address
        )

    return bp


async def _results(request: PageRequest, text: str) -> tuple[SymbolResults, Pager]:
    """Return the requested page, or the last one for a page beyond the end."""
    number = requested_page(request.query)
    search = request.registry.search.symbols
    page = ResultPage((number - 1) * SYMBOLS_PER_PAGE, SYMBOLS_PER_PAGE)
    found = await search(text, page)
    pager = Pager.of(found.count, SYMBOLS_PER_PAGE, "/symbols", {"q": text, "page": str(number)})
    if pager.number != number:
        found = await search(text, ResultPage(pager.offset, SYMBOLS_PER_PAGE))
    return found, pager


def _symbols_json(text: str, found: SymbolResults, pager: Pager) -> dict[str, object]:
    return {
        "query": text,
        "count": found.count,
        "page": pager.number,
        "pages": pager.last,
        "symbols": [{**symbol_fields(hit), "address": symbol_address(hit)} for hit in found.hits],
    }
