"""Searches of the Maven face: the words are Base64 in the path, the answer is Maven metadata."""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import cast
from urllib.parse import unquote

from msgspec import Struct
from msgspec.structs import replace

from functions.central.central_face import page_of
from functions.central.editors import item_filter_of
from functions.central.package_model import package_model
from functions.central.search import query_of, symbol_model, symbol_query_of
from functions.http.calls import Call
from functions.http.representations import Representation
from shared.domain.distributions import Distribution
from shared.domain.documents import xml_document, xml_element, xml_flag, xml_leaf
from shared.domain.errors.base import Invalid, quoted
from shared.domain.maven import XML_TYPE, repository_heading
from shared.domain.packages import Release, numeric_id
from shared.domain.search import Hit, Query, ResultPage, SearchKind, SymbolHit
from shared.registry import Registry
from shared.services.api_docs.editor_items import EditorItem, ItemKind

# `bal search` prints all results and requests no second page.
_FIRST_PAGE = ResultPage(limit=100)


class MavenSearch(Enum):
    """The kind of a search, by its path segment."""

    PACKAGES = "__packagesearch__"
    PACKAGES_IN_DETAIL = "__packagesearchsolr__"
    TOOLS = "__toolsearch__"
    SYMBOLS = "__symbolsearch__"
    CONNECTORS = "__connectorsearch__"


class MavenSearchRequest(Struct, frozen=True):
    """A search; `words` are still in Base64, since the answer repeats them."""

    distribution: Distribution
    search: MavenSearch
    words: str


async def search_representation(call: Call, request: MavenSearchRequest) -> Representation:
    """Return the results that the caller may see."""
    words = _decode(request.words)
    query, page = _search_query(request, words)
    found = await _find(call, request, words, query, page)
    content = search_document(request, found, page)
    return Representation(content, XML_TYPE, is_public=call.caller.is_anonymous)


class _Found(Struct, frozen=True):
    """A page of results as elements, and the number of all."""

    items: tuple[str, ...] = ()
    count: int = 0


async def _find(
    call: Call, request: MavenSearchRequest, words: str, query: Query, page: ResultPage
) -> _Found:
    registry = call.registry
    by = call.caller
    match request.search:
        case MavenSearch.SYMBOLS:
            wanted_symbols = symbol_query_of(_fields(words))
            symbols = await registry.packages.search.symbols(wanted_symbols, page, by=by)
            return _Found(tuple(map(_symbol, symbols.hits)), symbols.count)
        case MavenSearch.CONNECTORS:
            wanted = item_filter_of(_fields(words), request.distribution.client)
            kind = ItemKind.CONNECTORS
            found = await registry.api_docs.editor_items.list(kind, wanted, page, by=by)
            items = (_connector(registry, each) for each in found.items)
            return _Found(tuple(items), found.count)
        case _:
            results = await registry.packages.search.search(query, page, by=by)
            items = (_result(request.search, hit, words) for hit in results.hits)
            return _Found(tuple(items), results.count)


def _search_query(request: MavenSearchRequest, words: str) -> tuple[Query, ResultPage]:
    client = request.distribution.client
    if request.search is MavenSearch.PACKAGES:
        return replace(Query.parse(words), client=client), _FIRST_PAGE
    if request.search is MavenSearch.TOOLS:
        return replace(Query.parse(words), client=client, kind=SearchKind.TOOLS), _FIRST_PAGE
    fields = _fields(words)
    return query_of(fields, client), page_of(fields)


# What begins a pair. Values may hold `&`, too, such as the keyword `Cloud & More`.
_NEXT_PAIR = re.compile(r"&(?=[a-zA-Z_-]+=)")


def _fields(words: str) -> Mapping[str, str]:
    """Parse `key=value` pairs, which the language server joins by `&` without encoding."""
    pairs = (pair.partition("=") for pair in _NEXT_PAIR.split(words))
    return {key: value for key, _, value in pairs}


def _decode(words: str) -> str:
    """Decode Base64, padded or not, or raise `search-unreadable`."""
    # Repository managers may escape the slashes, which the Functions host does not unescape.
    plain = unquote(words).rstrip("=")
    try:
        # Proxies may merge two slashes, so the last word may have lost a letter.
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise Invalid(
            "search-unreadable",
            f"{quoted(words)} is not a search: send its words as UTF-8 in standard Base64, "
            "without padding.",
        ) from None


_LISTS = {
    MavenSearch.PACKAGES: "packages",
    MavenSearch.PACKAGES_IN_DETAIL: "packages",
    MavenSearch.TOOLS: "tools",
    MavenSearch.SYMBOLS: "symbols",
    MavenSearch.CONNECTORS: "connectors",
}


def search_document(request: MavenSearchRequest, found: _Found, page: ResultPage) -> bytes:
    """Return a page of results; the list element is present even if it is empty."""
    items = xml_element(_LISTS[request.search], *found.items)
    group = f"{request.distribution.text}.{request.search.value}"
    counts = "" if request.search is MavenSearch.PACKAGES else _counts(found.count, page)
    return xml_document(
        xml_element("metadata", repository_heading(group, request.words), counts, items)
    )


def _counts(count: int, page: ResultPage) -> str:
    return (
        xml_leaf("count", count) + xml_leaf("limit", page.limit) + xml_leaf("offset", page.offset)
    )


def _result(search: MavenSearch, hit: Hit, words: str) -> str:
    match search:
        case MavenSearch.TOOLS:
            return _tool(hit.listing.release, words)
        case MavenSearch.PACKAGES:
            return _package(hit.listing.release)
        case _:
            return _detailed_package(hit)


def _package(release: Release) -> str:
    return xml_element("package", _names(release), _created(release), _authors(release))


def _detailed_package(hit: Hit) -> str:
    release = hit.listing.release
    return xml_element(
        "package",
        xml_leaf("id", numeric_id(release.coordinate)),
        _names(release),
        _created(release),
        _tool_id(release),
        xml_leaf("pullCount", min(hit.listing.head.pulls, 2**31 - 1)),
        _authors(release),
        xml_element("keywords", *(xml_leaf("keyword", each) for each in release.keywords)),
    )


def _tool(release: Release, words: str) -> str:
    return xml_element("tool", _names(release), _tool_id(release, words), _created(release))


def _names(release: Release) -> str:
    return "".join(
        [
            xml_leaf("org", release.org),
            xml_leaf("name", release.name),
            xml_leaf("version", release.version),
            xml_leaf("summary", release.summary),
        ]
    )


def _created(release: Release) -> str:
    return xml_leaf("createdDate", release.created_ms)


def _tool_id(release: Release, words: str = "") -> str:
    return xml_leaf("balToolId", release.tool_named(words))


def _authors(release: Release) -> str:
    return xml_element("authors", *(xml_leaf("author", each) for each in release.authors))


def _symbol(hit: SymbolHit) -> str:
    """Return the Symbol of Central, whose organization is `org` in this document."""
    names = {"organization": "org"}
    values = ((key, value) for key, value in symbol_model(hit).items() if key != "upstream")
    return xml_element("symbol", *(_scalar(names.get(key, key), value) for key, value in values))


# Keys of a package of Central in the order of its clients' documents, and the elements of lists.
_PACKAGE_KEYS = (
    "id",
    "organization",
    "name",
    "version",
    "platform",
    "languageSpecificationVersion",
    "isDeprecated",
    "deprecateMessage",
    "URL",
    "balaVersion",
    "balaURL",
    "digest",
    "summary",
    "template",
    "sourceCodeLocation",
    "ballerinaVersion",
    "icon",
    "ownerUUID",
    "createdDate",
    "pullCount",
    "visibility",
    "balToolId",
    "graalvmCompatible",
)
_PACKAGE_LISTS = {"licenses": "license", "authors": "author", "keywords": "keyword"}


def _connector(registry: Registry, item: EditorItem) -> str:
    summary = item.summary
    return xml_element(
        "connector",
        xml_leaf("id", summary.id),
        xml_leaf("name", summary.name),
        xml_leaf("displayName", summary.label or summary.module),
        xml_leaf("moduleName", summary.module),
        xml_leaf("icon", item.listing.release.icon),
        xml_leaf("documentation", summary.documentation),
        _connector_package(package_model(registry, item.listing)),
    )


def _connector_package(model: Mapping[str, object]) -> str:
    lists = {key: cast("Iterable[object]", model[key]) for key in _PACKAGE_LISTS}
    return xml_element(
        "package",
        *(_scalar(key, model[key]) for key in _PACKAGE_KEYS),
        *(
            xml_element(key, *(xml_leaf(_PACKAGE_LISTS[key], each) for each in values))
            for key, values in lists.items()
        ),
    )


def _scalar(name: str, value: object) -> str:
    return xml_flag(name, value) if isinstance(value, bool) else xml_leaf(name, value)
