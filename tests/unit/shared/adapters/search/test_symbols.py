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


def names(connection: sqlite3.Connection) -> set[str]:
    """Return the names that a typo is mended to."""
    return {word for (word,) in connection.execute("SELECT word FROM symbol_names")}


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


def test_exact_names_come_first_then_what_is_used_most(
    rows: SymbolRows, connection: sqlite3.Connection
) -> None:
    rows.put(1, packed("Client.get", "getAll", "getter"), 0.5)
    rows.put(2, packed("Client.get", "get", "getAll"), 0.1)

    found = [(each.package, each.place) for each in find_symbols(connection, "get")]

    assert found == [(2, 1), (1, 0), (2, 0), (1, 1), (2, 2), (1, 2)]


def test_a_part_of_a_module_name_stands_for_the_module(
    rows: SymbolRows, connection: sqlite3.Connection
) -> None:
    rows.put(1, packed("parseString", module="data.jsondata"), 1)

    for text in ("jsondata:parseString", "data.jsondata:parseString"):
        assert find_symbols(connection, text) == (SymbolPlace(1, 0),)


def test_removed_symbols_are_not_found(rows: SymbolRows, connection: sqlite3.Connection) -> None:
    rows.put(1, packed("get", "Client.get"), 0.333333)
    rows.put(2, packed("get"), 0)
    rows.put(3, PackageSymbols("", EVERYBODY), 0)

    rows.remove(1)
    rows.remove(3)

    assert find_symbols(connection, "get") == (SymbolPlace(2, 0),)
    left = connection.execute("SELECT count(*) FROM symbol_words WHERE symbol >> 20 = 1")
    assert left.fetchone() == (0,)
    assert rows.packed(1) == ""
    assert rows.of_package(2) == packed("get")
    assert names(connection) == {"get"}


def test_as_many_symbols_are_found_as_a_person_may_read(
    rows: SymbolRows, connection: sqlite3.Connection
) -> None:
    declared = [f"get{number}" for number in range(MAX_SYMBOLS_FOUND + 10)]
    rows.put(1, packed(*declared), 0)

    assert len(find_symbols(connection, "get")) == MAX_SYMBOLS_FOUND


def test_a_query_has_a_bounded_number_of_words() -> None:
    assert len(query_words("a b " * 1_000)) == 6


ACME, OTHER = (Viewer(frozenset({OrgName(org)})) for org in ("acme", "other"))
OPERATOR = Viewer(sees_everything=True)


def test_the_symbols_of_a_private_package_are_found_by_its_audience(
    rows: SymbolRows, connection: sqlite3.Connection
) -> None:
    rows.put(1, packed("parse"), 0)
    rows.put(2, packed("parse", "parseAll", audience="acme"), 1)
    rows.put(3, packed("parse", audience="other"), 2)

    found = {
        viewer: [each.package for each in find_symbols(connection, "parse", viewer)]
        for viewer in (ANYONE, ACME, OTHER, OPERATOR)
    }

    assert found == {ANYONE: [1], ACME: [2, 1, 2], OTHER: [3, 1], OPERATOR: [3, 2, 1, 2]}


def test_symbols_of_others_take_no_place_among_those_that_are_found(
    rows: SymbolRows, connection: sqlite3.Connection
) -> None:
    many = [f"get{number}" for number in range(MAX_SYMBOLS_FOUND + 10)]
    rows.put(1, packed(*many, audience="other"), 9)
    rows.put(2, packed("get", "getAll"), 0)

    assert len(find_symbols(connection, "get")) == len(find_symbols(connection, "get", ACME)) == 2


def test_a_change_of_the_audience_moves_the_symbols(
    rows: SymbolRows, connection: sqlite3.Connection
) -> None:
    rows.put(1, packed("parse"), 0)
    rows.put(1, packed("parse", audience="acme"), 0)

    assert find_symbols(connection, "parse") == ()
    assert names(connection) == set()
    assert find_symbols(connection, "parse", ACME) == (SymbolPlace(1, 0),)
    rows.put(1, None, 5)  # Pulls were counted.
    assert find_symbols(connection, "parse") == ()


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
