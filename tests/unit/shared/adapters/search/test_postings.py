"""Posting lists and columns, and changes of them that are written together."""

import sqlite3
from collections.abc import Generator, Iterable

import pytest

from shared.adapters.search.postings import (
    COLUMN_BLOCK,
    POSTINGS_BLOCK,
    Column,
    PostingChanges,
    Postings,
    ids_of,
)
from shared.adapters.search.rows import SEARCH_MIGRATIONS


@pytest.fixture
def connection() -> Generator[sqlite3.Connection]:
    """Return a connection to an empty index."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in SEARCH_MIGRATIONS[-1]:
        connection.execute(statement)
    yield connection
    connection.close()


def add(
    connection: sqlite3.Connection, packages: Iterable[int], *postings: tuple[str, int]
) -> None:
    changes = PostingChanges()
    for package in packages:
        changes.add(package, postings)
    changes.write(connection)


def remove(
    connection: sqlite3.Connection, packages: Iterable[int], *postings: tuple[str, int]
) -> None:
    changes = PostingChanges()
    for package in packages:
        changes.remove(package, postings)
    changes.write(connection)


def test_a_list_has_the_packages_of_all_blocks_and_batches(connection: sqlite3.Connection) -> None:
    add(connection, [1, POSTINGS_BLOCK, 3 * POSTINGS_BLOCK + 7], ("http", 100))
    add(connection, [2, POSTINGS_BLOCK + 1], ("http", 100))
    found = {1, 2, POSTINGS_BLOCK, POSTINGS_BLOCK + 1, 3 * POSTINGS_BLOCK + 7}
    assert Postings(connection).packages("http") == found


def test_lists_are_read_from_a_weight_on(connection: sqlite3.Connection) -> None:
    add(connection, [1], ("http", 100), ("https", 90))
    add(connection, [2], ("http", 35), ("https", 35))
    postings = Postings(connection)
    words = [(weight, [*ids_of(ids)]) for weight, ids in postings.of_word("http", 36)]
    assert words == [(100, [1])]
    longer = [(*found, [*ids_of(ids)]) for *found, ids in postings.of_longer_words("http", 36)]
    assert longer == [(5, 90, [1])]


def test_a_column_has_a_number_at_the_place_of_each_package(connection: sqlite3.Connection) -> None:
    changes = PostingChanges()
    for package in (1, COLUMN_BLOCK - 1, 3 * COLUMN_BLOCK):  # Two blocks of ids are not in use.
        changes.set_number(Column.PULLS, package, package * 2.0)
    changes.set_number(Column.RANK, 1, 0.5)
    changes.write(connection)
    pulls = Postings(connection).column(Column.PULLS)
    for package in (1, COLUMN_BLOCK - 1, 3 * COLUMN_BLOCK):
        assert pulls[package] == package * 2.0
    assert Postings(connection).column(Column.RANK)[1] == 0.5
    assert len(Postings(connection).column(Column.ADDED)) == 0
