"""Symbols in the search index."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from shared.adapters.search.rows import SEARCH_MIGRATIONS
from shared.adapters.search.symbols import (
    EVERYBODY,
    PackageSymbols,
    SymbolPlace,
    SymbolRows,
    SymbolSearch,
    near_queries,
    query_words,
)
from shared.domain.api_docs.symbols import Symbol, pack_symbols
from shared.domain.names import OrgName
from shared.domain.search import ANYONE, MAX_SYMBOLS_FOUND, Viewer


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


def find_symbols(
    connection: sqlite3.Connection, text: str, viewer: Viewer = ANYONE
) -> tuple[SymbolPlace, ...]:
    return SymbolSearch(connection, viewer).find(query_words(text))


def symbol(name: str, module: str) -> Symbol:
    """Return a symbol named like `parse`, `Client.get` or `Client.get users/[int id]`."""
    spelled, blank, path = name.partition(" ")
    parent, _, last = spelled.rpartition(".")
    return Symbol(kind="function", module=module, parent=parent, name=f"{last}{blank}{path}")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("parseCsv", [0]),
        ("PARSECSV", [0]),
        ("parse_csv", [0]),
        ("csv", [0]),
        ("csv parse", [0]),
        ("parseC", [0]),
        ("Client", [1, 2, 3]),
        ("http:Client", [1, 2, 3]),
        ("ballerina/http:Client", [1, 2, 3]),
        ("get", [2, 3]),
        ("Client.get", [2, 3]),
        ("client get", [2, 3]),
        ("http:Client.get", [2, 3]),
        ("http:Client.get()", [2, 3]),
        ("users", [3]),
        ("http:parseCsv", [0]),
        ("http parseCsv", [0]),
        ("http:", [0, 1, 2, 3]),
        ("sql:", []),
        ("sql:Client", []),
        ("parse json", []),
        ("🚀", []),
        ("", []),
        (":", []),
        (".", []),
    ],
)
def test_a_symbol_is_found_by_its_name(
    rows: SymbolRows, connection: sqlite3.Connection, text: str, found: list[int]
) -> None:
    declared = ("parseCsv", "Client", "Client.get", "Client.get users/[int id]")
    rows.put(7, packed(*declared), 1)

    assert find_symbols(connection, text) == tuple(SymbolPlace(7, place) for place in found)


def test_a_part_of_a_module_name_stands_for_the_module(
    rows: SymbolRows, connection: sqlite3.Connection
) -> None:
    rows.put(1, packed("parseString", module="data.jsondata"), 1)

    for text in ("jsondata:parseString", "data.jsondata:parseString"):
        assert find_symbols(connection, text) == (SymbolPlace(1, 0),)


def test_as_many_symbols_are_found_as_a_person_may_read(
    rows: SymbolRows, connection: sqlite3.Connection
) -> None:
    declared = [f"get{number}" for number in range(MAX_SYMBOLS_FOUND + 10)]
    rows.put(1, packed(*declared), 0)

    assert len(find_symbols(connection, "get")) == MAX_SYMBOLS_FOUND


ACME, OTHER = (Viewer(frozenset({OrgName(org)})) for org in ("acme", "other"))


def test_symbols_of_others_take_no_place_among_those_that_are_found(
    rows: SymbolRows, connection: sqlite3.Connection
) -> None:
    many = [f"get{number}" for number in range(MAX_SYMBOLS_FOUND + 10)]
    rows.put(1, packed(*many, audience="other"), 9)
    rows.put(2, packed("get", "getAll"), 0)

    assert len(find_symbols(connection, "get")) == len(find_symbols(connection, "get", ACME)) == 2


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
