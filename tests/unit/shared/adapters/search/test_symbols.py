"""Symbols in the search index."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from shared.adapters.search.schema import CURRENT_PREFIX
from shared.adapters.search.symbols import (
    MAX_FOUND,
    SymbolPlace,
    SymbolRows,
    create_symbol_tables,
    find_symbols,
    query_words,
)
from shared.domain.api_docs.symbols import Symbol, pack_symbols


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in create_symbol_tables(CURRENT_PREFIX):
            connection.execute(statement)
        yield connection


@pytest.fixture
def rows(connection: sqlite3.Connection) -> SymbolRows:
    return SymbolRows(connection, CURRENT_PREFIX)


def packed(*names: str, module: str = "http") -> str:
    return pack_symbols(tuple(symbol(name, module) for name in names))


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
    names = ("parseCsv", "Client", "Client.get", "Client.get users/[int id]")
    rows.add(7, packed(*names), 1)

    assert find_symbols(connection, text) == tuple(SymbolPlace(7, place) for place in found)


def test_exact_names_come_first_then_what_is_used_most(
    rows: SymbolRows, connection: sqlite3.Connection
) -> None:
    rows.add(1, packed("Client.get", "getAll", "getter"), 0.5)
    rows.add(2, packed("Client.get", "get", "getAll"), 0.1)

    found = [(each.package, each.place) for each in find_symbols(connection, "get")]

    assert found == [(2, 1), (1, 0), (2, 0), (1, 1), (2, 2), (1, 2)]


def test_a_part_of_a_module_name_stands_for_the_module(
    rows: SymbolRows, connection: sqlite3.Connection
) -> None:
    rows.add(1, packed("parseString", module="data.jsondata"), 1)

    for text in ("jsondata:parseString", "data.jsondata:parseString"):
        assert find_symbols(connection, text) == (SymbolPlace(1, 0),)


def test_removed_symbols_are_not_found(rows: SymbolRows, connection: sqlite3.Connection) -> None:
    rows.add(1, packed("get", "Client.get"), 0.333333)
    rows.add(2, packed("get"), 0)
    rows.add(3, "", 0)

    rows.remove(1)
    rows.remove(3)

    assert find_symbols(connection, "get") == (SymbolPlace(2, 0),)
    left = connection.execute("SELECT count(*) FROM symbol_words WHERE symbol >> 20 = 1")
    assert left.fetchone() == (0,)
    assert rows.packed(1) == ""
    assert rows.packed(2) == packed("get")


def test_as_many_symbols_are_found_as_a_person_may_read(
    rows: SymbolRows, connection: sqlite3.Connection
) -> None:
    names = [f"get{number}" for number in range(MAX_FOUND + 10)]
    rows.add(1, packed(*names), 0)

    assert len(find_symbols(connection, "get")) == MAX_FOUND


def test_a_query_has_a_bounded_number_of_words() -> None:
    assert len(query_words("a b " * 1_000)) == 6
