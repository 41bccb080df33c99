"""How many rows a search steps through: at each one its thread waits for the event loop."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.adapters.search.queries import find_with_facets
from shared.domain.listings import Facet, Listing
from shared.domain.packages import Texts
from shared.domain.search import ANYONE, Query, ResultPage
from tests.contract.sample_records import head, release
from tests.support.search_files import filled_index

PACKAGES, PER_PAGE = 100, 10


class CountingCursor(sqlite3.Cursor):
    """Counts the statements and the rows that are read of them."""

    steps = 0  # Of all cursors.

    def execute(self, *args: Any) -> sqlite3.Cursor:
        CountingCursor.steps += 1
        return super().execute(*args)

    def __next__(self) -> Any:
        CountingCursor.steps += 1
        return super().__next__()

    def fetchone(self) -> Any:
        CountingCursor.steps += 1
        return super().fetchone()

    def fetchall(self) -> list[Any]:
        rows = super().fetchall()
        CountingCursor.steps += len(rows)
        return rows


class CountingConnection(sqlite3.Connection):
    """Reads through cursors that count."""

    def execute(self, *args: Any) -> sqlite3.Cursor:
        return self.cursor(CountingCursor).execute(*args)


def listings() -> Iterator[Listing]:
    for number in range(PACKAGES):
        name = f"org{number}/greet"
        words = (f"word{number}", "greeting")
        yield Listing(head(name), release(f"{name}:1.0.0", keywords=words), Texts())


def test_facets_take_no_row_for_each_package_and_value(tmp_path: Path) -> None:
    filled_index(tmp_path / "search.db", listings()).close()
    connection = sqlite3.connect(
        tmp_path / "search.db", isolation_level=None, factory=CountingConnection
    )
    found = find_with_facets(connection, Query.parse("greet"), ResultPage(limit=PER_PAGE), ANYONE)
    connection.close()
    assert found.results.count == PACKAGES
    assert found.facets[Facet.KEYWORD][0].count == PACKAGES
    # Packages that tie are sorted by their keys.
    assert PACKAGES < CountingCursor.steps < 2 * PACKAGES
