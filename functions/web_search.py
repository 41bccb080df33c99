"""GET /search: packages by what was typed, narrowed by what they are; and how browsers ask it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape
from urllib.parse import quote_plus

import azure.functions as func
import orjson

from functions._http import JSON
from functions._paging import Pager, asked_page
from functions._public_pages import METHODS, Look, PublicPages
from shared.domain.facets import Facet, Facets, Share, Trait
from shared.domain.query import Hit, Page, Query, Sort
from shared.domain.query_grammar import MAX_LENGTH
from shared.registry import Registry
from shared.services.searching import Exploration

SHOWN = 20  # Results of a page.
FEW = 8  # Values of a facet that are shown at once; the others open.
MOST = 40  # Values of a facet that are shown at all; who wants another one types it.
OPENSEARCH = "application/opensearchdescription+xml"
SUGGESTIONS, SUGGESTING = "application/x-suggestions+json", "suggestions"

SORTS = {
    "relevance": (Sort.RELEVANCE, "Relevance"),
    "pulls": (Sort.PULLS, "Most pulled"),
    "updated": (Sort.CREATED, "Updated last"),
    "new": (Sort.ADDED, "Newest"),
    "name": (Sort.NAME, "Name"),
}
TITLES = {
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
class Asked:
    """What the address of a search says."""

    text: str
    traits: Mapping[Facet, str]
    sort: str
    deprecated: bool
    explain: bool

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Asked":
        """Read the address; what cannot be read is as if it were not there."""
        values = {facet: query.get(facet.value, "")[:MAX_LENGTH].strip() for facet in Facet}
        sort = query.get("sort", "")
        return cls(
            text=query.get("q", "")[:MAX_LENGTH],
            traits={facet: value for facet, value in values.items() if value},
            sort=sort if sort in SORTS else "relevance",
            deprecated=query.get("deprecated", "") == "true",
            explain=query.get("explain", "") == "true",
        )

    @property
    def query(self) -> Query:
        """Return what is looked for."""
        traits = tuple(Trait(facet, value) for facet, value in self.traits.items())
        return replace(Query.parse(self.text), traits=traits, deprecated_only=self.deprecated)

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
class Narrowing:
    """One facet as the page shows it: values to choose from, or the one that was chosen."""

    facet: Facet
    title: str
    chosen: str
    few: tuple[Share, ...]
    more: tuple[Share, ...]


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of searching."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("search", methods=METHODS)
    @pages.page
    async def web_search(look: Look) -> func.HttpResponse:
        asked = Asked.of(look.query)
        if look.query.get("form") == SUGGESTING:
            return await _suggestions(registry, look, asked.text)
        found, pager = await _found(registry, look, asked)
        if look.wants(JSON):
            return look.json(_twin(asked, found, pager))
        return look.show(
            "web/search.html",
            sought=asked.text,
            asked=asked,
            found=found,
            pager=pager,
            narrowings=tuple(_narrowings(asked, found.results.count, found.facets)),
            sorts=SORTS,
            meant=mended(asked.text, found.results.meant),
            problem=asked.query.problem,
        )

    @bp.route("opensearch.xml", methods=METHODS)
    @pages.page
    async def web_search_description(look: Look) -> func.HttpResponse:
        return look.text(description(look.url), OPENSEARCH)

    return bp


async def _suggestions(registry: Registry, look: Look, text: str) -> func.HttpResponse:
    """Return what search fields of browsers show while one types: names, what they are, and where
    they lead (OpenSearch Suggestions)."""
    found = await registry.searching.suggest(text, by=look.principal)
    names = [f"{each.org}/{each.name}" for each in found]
    addresses = [f"{look.url}/packages/{name}" for name in names]
    body = orjson.dumps([text, names, [each.summary for each in found], addresses])
    return look.text(body, SUGGESTIONS)


async def _found(registry: Registry, look: Look, asked: Asked) -> tuple[Exploration, Pager]:
    """Return the page that was asked for; beyond the end it is the last one."""
    sort, descending = asked.order
    number = asked_page(look.query)
    page = Page((number - 1) * SHOWN, SHOWN, sort, descending)
    explore = registry.searching.explore
    found = await explore(asked.query, page, by=look.principal)
    query = {**asked.parameters, "page": str(number)}
    pager = Pager.of(found.results.count, SHOWN, "/search", query)
    if pager.number != number:
        found = await explore(asked.query, replace(page, offset=pager.offset), by=look.principal)
    return found, pager


def _narrowings(asked: Asked, count: int, facets: Facets) -> Iterator[Narrowing]:
    """Yield the facets that divide the results, and those by which they are narrowed."""
    for facet, title in TITLES.items():
        shares = facets.get(facet, ())
        chosen = asked.traits.get(facet, "")
        divides = any(share.count < count for share in shares)
        if chosen or divides:
            yield Narrowing(facet, title, chosen, shares[:FEW], shares[FEW:MOST])


def mended(text: str, meant: tuple[tuple[str, str], ...]) -> str:
    """Return what was perhaps meant by the text; empty where it needs no mending."""
    words = dict(meant)
    mended = " ".join(words.get(word.casefold(), word) for word in text.split())
    return mended if mended != " ".join(text.split()) else ""


def _twin(asked: Asked, found: Exploration, pager: Pager) -> dict[str, object]:
    told: dict[str, object] = {
        "query": asked.text,
        "count": found.results.count,
        "deprecated": found.deprecated,
        "page": pager.number,
        "pages": pager.last,
        "didYouMean": mended(asked.text, found.results.meant),
        "packages": [_package(hit, asked.explain) for hit in found.results.hits],
        "facets": {
            facet.value: [{"value": each.value, "count": each.count} for each in shares]
            for facet, shares in found.facets.items()
        },
    }
    return told | ({"message": asked.query.problem} if asked.query.problem else {})


def _package(hit: Hit, explain: bool) -> dict[str, object]:
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


def description(url: str) -> str:
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
        f' template="{address}/search?q={{searchTerms}}&amp;form={SUGGESTING}"/>\n'
        f'<Url type="{OPENSEARCH}" rel="self" template="{address}/opensearch.xml"/>\n'
        "</OpenSearchDescription>\n"
    )
