"""GET /search: packages by words and facets; suggestions and OpenSearch for browsers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape
from urllib.parse import quote_plus

import azure.functions as func
import orjson

from functions.http.pagination import Pager, requested_page
from functions.http.public_pages import READ_METHODS, PageRequest, PublicPages
from functions.http.responses import JSON
from shared.composition import Registry
from shared.domain.search import (
    MAX_QUERY_LENGTH,
    Facet,
    FacetCount,
    Facets,
    FacetValue,
    Hit,
    Query,
    ResultPage,
    Sort,
)
from shared.services.search import FacetedResults

RESULTS_PER_PAGE = 20  # Results of a page.
SHOWN_FACET_VALUES = 8  # Values of a facet that are shown at once; the others open.
MAX_FACET_VALUES = 40  # Values of a facet that are shown at all; who wants another one types it.
OPENSEARCH = "application/opensearchdescription+xml"
SUGGESTIONS, SUGGESTIONS_FORM = "application/x-suggestions+json", "suggestions"

SORTS = {
    "relevance": (Sort.RELEVANCE, "Relevance"),
    "pulls": (Sort.PULLS, "Most pulled"),
    "updated": (Sort.CREATED, "Updated last"),
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


@lru_cache(maxsize=4_096)  # A page of results says the same words in some two hundred addresses.
def _quoted(value: str) -> str:
    return quote_plus(value)


@dataclass(frozen=True, slots=True)
class SearchForm:
    """What the address of a search says."""

    text: str
    traits: Mapping[Facet, str]
    sort: str
    deprecated: bool
    explain: bool

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "SearchForm":
        """Read the address; what cannot be read is as if it were not there."""
        values = {facet: query.get(facet.value, "")[:MAX_QUERY_LENGTH].strip() for facet in Facet}
        sort = query.get("sort", "")
        return cls(
            text=query.get("q", "")[:MAX_QUERY_LENGTH],
            traits={facet: value for facet, value in values.items() if value},
            sort=sort if sort in SORTS else "relevance",
            deprecated=query.get("deprecated", "") == "true",
            explain=query.get("explain", "") == "true",
        )

    @property
    def query(self) -> Query:
        """Return what is looked for."""
        traits = tuple(FacetValue(facet, value) for facet, value in self.traits.items())
        return replace(Query.parse(self.text), facet_values=traits, deprecated_only=self.deprecated)

    @property
    def order(self) -> tuple[Sort, bool]:
        """Return the order, and whether it goes down; without words there is no relevance."""
        sort = SORTS[self.sort][0]
        if sort is Sort.RELEVANCE and not self.text.strip():
            sort = Sort.PULLS
        return sort, sort is not Sort.NAME

    @property
    def parameters(self) -> dict[str, str]:
        """Return what an address says of this, and nothing that goes without saying."""
        said = {
            "q": self.text.strip(),
            **{facet.value: value for facet, value in self.traits.items()},
            "sort": "" if self.sort == "relevance" else self.sort,
            "deprecated": "true" if self.deprecated else "",
            "explain": "true" if self.explain else "",
        }
        return {name: value for name, value in said.items() if value}

    def address(self, **changes: str) -> str:
        """Return the address of this search with some changes; an empty value is taken out."""
        said = {name: value for name, value in (self.parameters | changes).items() if value}
        pairs = "&".join(f"{name}={_quoted(value)}" for name, value in said.items())
        return f"/search?{pairs}" if pairs else "/search"


@dataclass(frozen=True, slots=True)
class FacetView:
    """One facet as the page shows it: values to choose from, or the one that was chosen."""

    facet: Facet
    title: str
    chosen: str
    few: tuple[FacetCount, ...]
    more: tuple[FacetCount, ...]


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of searching."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("search", methods=READ_METHODS)
    @pages.page
    async def web_search(request: PageRequest) -> func.HttpResponse:
        asked = SearchForm.of(request.query)
        if request.query.get("form") == SUGGESTIONS_FORM:
            return await _suggestions(request, asked.text)
        found, pager = await _found(request, asked)
        if request.wants(JSON):
            return request.json(_search_json(asked, found, pager))
        return request.show(
            "web/search.html",
            sought=asked.text,
            asked=asked,
            found=found,
            pager=pager,
            narrowings=tuple(_facet_views(asked, found.results.count, found.facets)),
            sorts=SORTS,
            meant=corrected_text(asked.text, found.results.corrections),
            problem=asked.query.problem,
        )

    @bp.route("opensearch.xml", methods=READ_METHODS)
    @pages.page
    async def web_search_description(request: PageRequest) -> func.HttpResponse:
        return request.text(opensearch_description(request.url), OPENSEARCH)

    return bp


async def _suggestions(request: PageRequest, text: str) -> func.HttpResponse:
    """Return what search fields of browsers show while one types: names, what they are, and where
    they lead (OpenSearch Suggestions)."""
    found = await request.registry.search.suggest(text, by=request.principal)
    names = [f"{each.org}/{each.name}" for each in found]
    addresses = [f"{request.url}/packages/{name}" for name in names]
    body = orjson.dumps([text, names, [each.summary for each in found], addresses])
    return request.text(body, SUGGESTIONS)


async def _found(request: PageRequest, asked: SearchForm) -> tuple[FacetedResults, Pager]:
    """Return the page that was asked for; beyond the end it is the last one."""
    sort, descending = asked.order
    number = requested_page(request.query)
    page = ResultPage((number - 1) * RESULTS_PER_PAGE, RESULTS_PER_PAGE, sort, descending)
    explore = request.registry.search.search_with_facets
    found = await explore(asked.query, page, by=request.principal)
    query = {**asked.parameters, "page": str(number)}
    pager = Pager.of(found.results.count, RESULTS_PER_PAGE, "/search", query)
    if pager.number != number:
        found = await explore(asked.query, replace(page, offset=pager.offset), by=request.principal)
    return found, pager


def _facet_views(asked: SearchForm, count: int, facets: Facets) -> Iterator[FacetView]:
    """Yield the facets that divide the results, and those by which they are narrowed."""
    for facet, title in FACET_TITLES.items():
        shares = facets.get(facet, ())
        chosen = asked.traits.get(facet, "")
        divides = any(share.count < count for share in shares)
        if chosen or divides:
            yield FacetView(
                facet,
                title,
                chosen,
                shares[:SHOWN_FACET_VALUES],
                shares[SHOWN_FACET_VALUES:MAX_FACET_VALUES],
            )


def corrected_text(text: str, meant: tuple[tuple[str, str], ...]) -> str:
    """Return what was perhaps meant by the text; empty where it needs no mending."""
    words = dict(meant)
    mended = " ".join(words.get(word.casefold(), word) for word in text.split())
    return mended if mended != " ".join(text.split()) else ""


def _search_json(asked: SearchForm, found: FacetedResults, pager: Pager) -> dict[str, object]:
    told: dict[str, object] = {
        "query": asked.text,
        "count": found.results.count,
        "deprecated": found.deprecated,
        "page": pager.number,
        "pages": pager.last,
        "didYouMean": corrected_text(asked.text, found.results.corrections),
        "packages": [_package_json(hit, asked.explain) for hit in found.results.hits],
        "facets": {
            facet.value: [{"value": each.value, "count": each.count} for each in shares]
            for facet, shares in found.facets.items()
        },
    }
    return told | ({"message": asked.query.problem} if asked.query.problem else {})


def _package_json(hit: Hit, explain: bool) -> dict[str, object]:
    head, release = hit.listing.head, hit.listing.release
    told: dict[str, object] = {
        "org": head.org,
        "name": head.name,
        "version": release.version,
        "summary": release.summary,
        "keywords": list(release.keywords),
        "licenses": list(release.licenses),
        "platform": release.platform,
        "ballerinaVersion": release.ballerina_version,
        "pulls": head.pulls,
        "updatedMs": release.created_ms,
        "deprecation": hit.listing.deprecation,
        "visibility": head.visibility.value,
    }
    return told | {"score": hit.score, "parts": hit.parts} if explain else told


def opensearch_description(url: str) -> str:
    """Return how a browser searches here from its own search field (OpenSearch 1.1)."""
    address = escape(url)
    return (
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
