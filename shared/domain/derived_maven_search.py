"""The lists that Maven clients search: packages, tools, and what is empty until docs are read."""

from dataclasses import dataclass
from enum import Enum

from shared.domain.derived_maven import heading
from shared.domain.distribution import Distribution
from shared.domain.markup import document, element, leaf
from shared.domain.package import Release, numeric_id
from shared.domain.query import Hit, Page, Results


class Search(Enum):
    """What is searched, by the segment of its path."""

    PACKAGES = "__packagesearch__"
    PACKAGES_IN_DETAIL = "__packagesearchsolr__"
    TOOLS = "__toolsearch__"
    SYMBOLS = "__symbolsearch__"
    CONNECTORS = "__connectorsearch__"


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as its path says it; `words` are still Base64, and its answer repeats them."""

    distribution: Distribution
    search: Search
    words: str


_LISTS = {
    Search.PACKAGES: "packages",
    Search.PACKAGES_IN_DETAIL: "packages",
    Search.TOOLS: "tools",
    Search.SYMBOLS: "symbols",
    Search.CONNECTORS: "connectors",
}


def search_document(asked: Asked, results: Results, page: Page, words: str = "") -> bytes:
    """Return one page of results for the words; the list is there even when it is empty."""
    found = element(
        _LISTS[asked.search], *(_item(asked.search, hit, words) for hit in results.hits)
    )
    group = f"{asked.distribution.text}.{asked.search.value}"
    counts = "" if asked.search is Search.PACKAGES else _counts(results, page)
    return document(element("metadata", heading(group, asked.words), counts, found))


def _counts(results: Results, page: Page) -> str:
    return leaf("count", results.count) + leaf("limit", page.limit) + leaf("offset", page.offset)


def _item(search: Search, hit: Hit, words: str) -> str:
    match search:
        case Search.TOOLS:
            return _tool(hit.listing.release, words)
        case Search.PACKAGES:
            return _package(hit.listing.release)
        case _:
            return _detailed_package(hit)


def _package(release: Release) -> str:
    return element("package", _names(release), _created(release), _authors(release))


def _detailed_package(hit: Hit) -> str:
    release = hit.listing.release
    return element(
        "package",
        leaf("id", numeric_id(release.coordinate)),
        _names(release),
        _created(release),
        _tool_id(release),
        leaf("pullCount", min(hit.listing.head.pulls, 2**31 - 1)),
        _authors(release),
        element("keywords", *(leaf("keyword", each) for each in release.keywords)),
    )


def _tool(release: Release, words: str) -> str:
    return element("tool", _names(release), _tool_id(release, words), _created(release))


def _names(release: Release) -> str:
    return "".join(
        [
            leaf("org", release.org),
            leaf("name", release.name),
            leaf("version", release.version),
            leaf("summary", release.summary),
        ]
    )


def _created(release: Release) -> str:
    return leaf("createdDate", release.created_ms)


def _tool_id(release: Release, words: str = "") -> str:
    return leaf("balToolId", release.tool_named(words))


def _authors(release: Release) -> str:
    return element("authors", *(leaf("author", each) for each in release.authors))
