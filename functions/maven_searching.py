"""Searches of the Maven face: their words are Base64 in the path, their answers are metadata."""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote

from functions._documents import Document
from functions._maven import XML
from shared.domain.derived_maven_search import Asked, Search, search_document
from shared.domain.errors import SearchUnreadable
from shared.domain.identity import Principal
from shared.domain.query import Kind, Page, Query, Results
from shared.registry import Registry

# `bal search` prints everything that it gets and asks for no second page.
_PRINTED = Page(limit=100)
_NOTHING = Results((), 0)


async def found_document(registry: Registry, asked: Asked, by: Principal) -> Document:
    """Return the results of a search that `by` may see."""
    words = _decoded(asked.words)
    query, page = _wanted(asked, words)
    results = _NOTHING
    if asked.search not in (Search.SYMBOLS, Search.CONNECTORS):
        # The two come out of API documentation, and none is read yet.
        results = await registry.searching.search(query, page, by=by)
    return Document(search_document(asked, results, page, words), XML, by.is_anonymous)


def _wanted(asked: Asked, text: str) -> tuple[Query, Page]:
    client = asked.distribution.client
    if asked.search is Search.PACKAGES:
        return replace(Query.parse(text), client=client), _PRINTED
    if asked.search is Search.TOOLS:
        return replace(Query.parse(text), client=client, kind=Kind.TOOLS), _PRINTED
    fields = _fields(text)
    query = replace(Query.parse(fields.get("q", "")), client=client)
    org = fields.get("org", "")
    page = Page.parse(fields.get("limit", ""), fields.get("offset", ""), fields.get("sort", ""))
    return query.within(frozenset({org})) if org else query, page


def _fields(text: str) -> Mapping[str, str]:
    """Read `key=value` pairs; the language server joins them by `&` and encodes nothing."""
    pairs = (pair.partition("=") for pair in text.split("&"))
    return {key: value for key, _, value in pairs}


def _decoded(words: str) -> str:
    """Return the text behind standard Base64, padded or not, or raise `SearchUnreadable`."""
    # Repositories in front of this one may escape the slashes, which a host leaves as they are.
    plain = unquote(words).rstrip("=")
    try:
        # Two slashes become one on the way, so the last of the words may have lost a letter.
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise SearchUnreadable(words) from None
