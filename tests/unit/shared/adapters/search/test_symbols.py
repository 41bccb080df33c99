"""Symbols in the search index."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from shared.adapters.search.rows import SEARCH_MIGRATIONS
from shared.adapters.search.symbols import (
    EVERYBODY,
    PackageSymbols,
    SymbolRows,
    near_queries,
    query_words,
)
from shared.domain.api_docs.symbols import Symbol, pack_symbols
from shared.domain.names import OrgName
from shared.domain.search import Viewer


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in SEARCH_MIGRATIONS[-1]:
            connection.execute(statement)
        yield connection


@pytest.fixture
def rows(connection: sqlite3.Connection) -> SymbolRows:
    return SymbolRows(connection)


def packed(*names: str, module: str = "http", audience: str = EVERYBODY) -> PackageSymbols:
    return PackageSymbols(pack_symbols(tuple(symbol(name, module) for name in names)), audience)


def symbol(name: str, module: str) -> Symbol:
    """Return a symbol named like `parse`, `Client.get` or `Client.get users/[int id]`."""
    spelled, blank, path = name.partition(" ")
    parent, _, last = spelled.rpartition(".")
    return Symbol(kind="function", module=module, parent=parent, name=f"{last}{blank}{path}")


ACME, OTHER = (Viewer(frozenset({OrgName(org)})) for org in ("acme", "other"))


def test_mistyped_names_are_those_that_no_public_symbol_has(
    rows: SymbolRows, connection: sqlite3.Connection
) -> None:
    rows.put(1, packed("getJsonPayload", "Client.post"), 0)
    rows.put(2, packed("getJsonPaylode", audience="acme"), 0)

    def near(text: str) -> list[list[str]]:
        return list(near_queries(connection, query_words(text)))

    assert near("getJsonPaylod") == [["getjsonpayload"]]
    assert near("http:Client.posd") == []  # Four letters are not mended.
    assert near("http:Klient.getJsonPaylod") == [["http:klient.getjsonpayload"]]
    assert near("getJsonPayload") == near("zzzzzz") == near("http:") == []
