"""GET /search: packages by words and facets, and the first symbols; GET /symbols: declarations by
name; suggestions for what is typed so far, and OpenSearch for browsers.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, partial
from html import escape
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from functions.html.formatting import grouped, url_quoted
from functions.html.numbered_pages import Pager, requested_page
from functions.html.public_pages import PublicPageCall, PublicPages
from functions.html.shown_advisories import mark_of
from functions.http.addresses import symbol_path
from shared.domain.listings import Facet, FacetCount, Facets, FacetValue
from shared.domain.search import (
    MAX_QUERY_LENGTH,
    FacetedResults,
    Query,
    ResultPage,
    Sort,
    SymbolQuery,
    SymbolResults,
)
from shared.prose.safe_html import SafeHtml, show_bidi_characters
from shared.runtime.answers import Answer

RESULTS_PER_PAGE = 20
SYMBOLS_BESIDE_PACKAGES = 3
_SYMBOL_NAME = re.compile(r"[a-z][A-Z]|->|\w:|\w\.[A-Za-z]\w*\s*$")  # As parseCsv and Client.get.
# Values of a facet that are shown; the others are in a list that can be opened.
SHOWN_FACET_VALUES = 8
MAX_FACET_VALUES = 40  # Values of a facet in that list; others can be typed.
SUGGESTIONS = "application/x-suggestions+json"
SUGGESTIONS_FORM = "suggestions"
OPENSEARCH = "application/opensearchdescription+xml"

SORTS = {
    "relevance": (Sort.RELEVANCE, "Relevance"),
    "used": (Sort.DEPENDENTS, "Most used"),
    "pulls": (Sort.PULLS, "Most pulled"),
    "updated": (Sort.CREATED, "Recently published"),
    "new": (Sort.ADDED, "Newest"),
    "name": (Sort.NAME, "Name"),
}
FACET_TITLES = {
    Facet.KIND: "Kind",
    Facet.ORG: "Organization",
    Facet.KEYWORD: "Keyword",
    Facet.LICENSE: "License",
    Facet.PLATFORM: "Platform",
    Facet.LANGUAGE: "Ballerina version",
}


class SearchForm(Struct, frozen=True, dict=True):
    """The parameters of a search. What follows from them is made once."""

    text: str
    facet_values: Mapping[Facet, str]
    sort: str
    deprecated: bool
    explain: bool
    # The organization on whose page the search is, and to whose packages it is limited.
    org: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str], org: str = "") -> "SearchForm":
        """Parse the query parameters; invalid ones are ignored."""
        values = {facet: query.get(facet.value, "")[:MAX_QUERY_LENGTH].strip() for facet in Facet}
        if org:
            values[Facet.ORG] = ""
        sort = query.get("sort", "")
        return cls(
            text=query.get("q", "")[:MAX_QUERY_LENGTH],
            facet_values={facet: value for facet, value in values.items() if value},
            sort=sort if sort in SORTS else "relevance",
            deprecated=query.get("deprecated", "") == "true",
            explain=query.get("explain", "") == "true",
            org=org,
        )

    @property
    def path(self) -> str:
        return f"/orgs/{self.org}" if self.org else "/search"

    @cached_property
    def query(self) -> Query:
        values = tuple(FacetValue(facet, value) for facet, value in self.facet_values.items())
        query = replace(
            Query.parse(self.text),
            facet_values=values,
            deprecated_only=self.deprecated,
            deprecated_last=not self.deprecated,
        )
        return query.within(frozenset({self.org})) if self.org else query

    @property
    def order(self) -> tuple[Sort, bool]:
        """The order, and whether it is descending; without words there is no relevance."""
        sort = SORTS[self.sort][0]
        if sort is Sort.RELEVANCE and not self.text.strip():
            sort = Sort.PULLS
        return sort, sort is not Sort.NAME

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The query parameters, without those that have their default."""
        params = {
            "q": self.text.strip(),
            **{facet.value: value for facet, value in self.facet_values.items()},
            "sort": "" if self.sort == "relevance" else self.sort,
            "deprecated": "true" if self.deprecated else "",
            "explain": "true" if self.explain else "",
        }
        return {name: value for name, value in params.items() if value}

    def address(self, **changes: str) -> str:
        """Return the path of this search with some parameters changed; empty values are removed."""
        params = {name: value for name, value in (self.parameters | changes).items() if value}
        pairs = "&".join(f"{name}={url_quoted(value)}" for name, value in params.items())
        return f"{self.path}?{pairs}" if pairs else self.path

    def address_up_to(self, name: str) -> str:
        """Return the path of this search up to another value of a parameter, to which the value is
        added `quoted`: a page has some hundred links to narrow it."""
        address = self.address(**{name: ""})
        return f"{address}{'&' if '?' in address else '?'}{name}="


class FacetView(Struct, frozen=True):
    """One facet of the page: links to its values with their counts, or the chosen one."""

    facet: Facet
    title: str
    chosen: str
    few: SafeHtml
    more: SafeHtml
    more_count: int


pages = PublicPages()


@pages.read("search")
async def web_search(call: PublicPageCall) -> Answer:
    form = SearchForm.of(call.redacted_query)
    if call.redacted_query.get("form") == SUGGESTIONS_FORM:
        return await _suggestions(call, form.text)
    found, pager = await search_results(call, form)
    symbols = await _first_symbols(call, form, found)
    return call.show(
        "web/search.html",
        sought=form.text,
        form=form,
        found=found,
        symbols=symbols,
        shows_symbols=bool(symbols.hits),
        symbol_path=symbol_path,
        pager=pager,
        **await values_of_results(call, form, found),
        suggestion=corrected_text(form.text, found.results.corrections),
        as_typed=quoted_words(form.text, found.results.corrections),
        problem=form.query.problem,
    )


@pages.read("opensearch.xml", serves_anonymous_always=True)
async def web_opensearch(call: PublicPageCall) -> Answer:
    """Return the OpenSearch 1.1 description, with which browsers search from their address bar."""
    address = escape(call.base_url)
    description = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/">\n'
        "<ShortName>Ballroom</ShortName>\n"
        "<Description>Packages of Ballerina</Description>\n"
        "<InputEncoding>UTF-8</InputEncoding>\n"
        f'<Image width="32" height="32" type="image/x-icon">{address}/favicon.ico</Image>\n'
        f'<Url type="text/html" template="{address}/search?q={{searchTerms}}"/>\n'
        f'<Url type="{SUGGESTIONS}"'
        f' template="{address}/search?q={{searchTerms}}&amp;form={SUGGESTIONS_FORM}"/>\n'
        f'<Url type="{OPENSEARCH}" rel="self" template="{address}/opensearch.xml"/>\n'
        "</OpenSearchDescription>\n"
    )
    return call.text(description, OPENSEARCH)


async def _suggestions(call: PublicPageCall, text: str) -> Answer:
    """Respond as OpenSearch Suggestions: names, summaries and URLs for what is typed so far."""
    found = await call.registry.packages.search.every_suggestion(text, by=call.caller)
    names = [f"{each.org}/{each.name}" for each in found]
    addresses = [f"{call.base_url}/packages/{name}" for name in names]
    summaries = [show_bidi_characters(each.summary) for each in found]
    body = orjson.dumps([text, names, summaries, addresses])
    return call.text(body, SUGGESTIONS)


async def _first_symbols(
    call: PublicPageCall, form: SearchForm, found: FacetedResults
) -> SymbolResults:
    """Return the count of the symbols of that text, which the tab has, and the first of them if
    they are shown."""
    if not form.text.strip():
        return SymbolResults((), 0)
    page = ResultPage(limit=SYMBOLS_BESIDE_PACKAGES if _shows_symbols(form, found) else 0)
    return await call.registry.packages.search.every_symbol(
        SymbolQuery.parse(form.text), page, by=call.caller
    )


def _shows_symbols(form: SearchForm, found: FacetedResults) -> bool:
    """Say whether to show symbols beside packages: for a text that reads as the name of one, and
    where no package matches."""
    is_narrowed = bool(form.facet_values) or form.deprecated
    is_named = _SYMBOL_NAME.search(form.text) is not None
    return not is_narrowed and (is_named or not found.results.hits)


async def search_results(call: PublicPageCall, form: SearchForm) -> tuple[FacetedResults, Pager]:
    """Return the requested page, or the last one for a page beyond the end."""
    sort, descending = form.order
    number = requested_page(call.redacted_query)
    offset = (number - 1) * RESULTS_PER_PAGE
    page = ResultPage(offset, RESULTS_PER_PAGE, sort, descending, explains=form.explain)
    search = call.registry.packages.search.search_with_facets
    found = await search(form.query, page, by=call.caller)
    query = {**form.parameters, "page": str(number)}
    pager = Pager.of(found.results.count, RESULTS_PER_PAGE, form.path, query)
    if pager.number != number:
        found = await search(form.query, replace(page, offset=pager.offset), by=call.caller)
    return found, pager


async def values_of_results(
    call: PublicPageCall, form: SearchForm, found: FacetedResults
) -> dict[str, Any]:
    """Return what the macros for results read, besides the form, the results and the pager."""
    releases = [hit.listing.release.coordinate for hit in found.results.hits]
    affected = await call.registry.advisories.affected_versions.of_releases(releases)
    return {
        "marks": [mark_of(each) for each in affected.advisories],
        "keyword_links": partial(_keyword_links, escape(form.address_up_to("keyword"))),
        "facets": tuple(_facet_views(form, found.results.count, found.facets)),
        "sorts": SORTS,
    }


def _facet_views(form: SearchForm, count: int, facets: Facets) -> Iterator[FacetView]:
    """Yield the facets that divide the results, and those that filter them."""
    for facet, title in FACET_TITLES.items():
        if form.org and facet is Facet.ORG:
            continue
        shares = facets.get(facet, ())
        chosen = form.facet_values.get(facet, "")
        divides = any(share.count < count for share in shares)
        if chosen or divides:
            few = shares[:SHOWN_FACET_VALUES]
            more = shares[SHOWN_FACET_VALUES:MAX_FACET_VALUES]
            links = partial(_facet_links, form.address_up_to(facet.value))
            yield FacetView(facet, title, chosen, links(few), links(more), len(more))


# Lists of links to narrow a search. A page has some two hundred, which take a template longer than
# all the rest of it.


def _facet_links(address: str, shares: Iterable[FacetCount]) -> SafeHtml:
    """Return items of a list: the values of a facet, each with the number of its packages."""
    address = escape(address)
    return SafeHtml(
        "\n".join(
            f'<li><a href="{address}{url_quoted(share.value)}">'
            f'<span dir="auto">{_shown(share.value)}</span> '
            f'<span class="count">{grouped(share.count)}</span></a></li>'
            for share in shares
        )
    )


def _keyword_links(address: str, keywords: Iterable[str]) -> SafeHtml:
    """Return items of a list: the keywords of a package."""
    return SafeHtml(
        "\n".join(
            f'<li><a class="chip small" href="{address}{url_quoted(each)}" dir="auto">'
            f"{_shown(each)}</a></li>"
            for each in keywords
        )
    )


def _shown(value: str) -> str:
    return escape(show_bidi_characters(value))


def corrected_text(text: str, corrections: tuple[tuple[str, str], ...]) -> str:
    """Return the text with the suggested words, or an empty text if nothing changes."""
    words = dict(corrections)
    corrected = " ".join(words.get(word.casefold(), word) for word in text.split())
    return corrected if corrected != " ".join(text.split()) else ""


def quoted_words(text: str, corrections: tuple[tuple[str, str], ...]) -> str:
    """Return the text with its unknown words in quotation marks: they are only found as typed."""
    unknown = dict(corrections)
    return " ".join(f'"{word}"' if word.casefold() in unknown else word for word in text.split())


SYMBOLS_PER_PAGE = 20


symbol_pages = PublicPages()


@symbol_pages.read("symbols")
async def web_symbols(call: PublicPageCall) -> Answer:
    text = call.redacted_query.get("q", "")[:MAX_QUERY_LENGTH].strip()
    found, pager = await _symbol_results(call, text)
    return call.show(
        "web/symbols.html",
        sought=text,
        found=found,
        # As many packages as /search lists.
        package_count=await call.registry.packages.search.count(
            SearchForm.of({"q": text}).query, by=call.caller
        ),
        pager=pager,
        address_of=symbol_path,
    )


async def _symbol_results(call: PublicPageCall, text: str) -> tuple[SymbolResults, Pager]:
    """Return the requested page, or the last one for a page beyond the end."""
    number = requested_page(call.redacted_query)
    search = call.registry.packages.search.every_symbol
    page = ResultPage((number - 1) * SYMBOLS_PER_PAGE, SYMBOLS_PER_PAGE)
    query = SymbolQuery.parse(text)
    found = await search(query, page, by=call.caller)
    pager = Pager.of(found.count, SYMBOLS_PER_PAGE, "/symbols", {"q": text, "page": str(number)})
    if pager.number != number:
        found = await search(query, ResultPage(pager.offset, SYMBOLS_PER_PAGE), by=call.caller)
    return found, pager


FACES = (pages, symbol_pages)
