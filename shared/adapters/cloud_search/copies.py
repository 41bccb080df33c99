"""A copy of the search index: an SQLite file of one process, with changes applied in any order.

Beside the index it remembers of each package the revision that it knows, also of those that it
shows no longer. So a change that comes late, or again, does nothing.
"""

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from functools import partial
from pathlib import Path

from shared.adapters.cloud_search.pointer import Unreadable
from shared.adapters.cosmos.listings import Change
from shared.adapters.paths import partial_of
from shared.adapters.sqlite.database import Database, Migration
from shared.adapters.sqlite.failures import Unusable
from shared.adapters.sqlite.search import SqliteSearches
from shared.adapters.sqlite.searching.schema import CURRENT, SEARCH_MIGRATIONS
from shared.adapters.sqlite.searching.writing import Rows

MIGRATIONS: tuple[Migration, ...] = (
    *SEARCH_MIGRATIONS,
    (
        """
        CREATE TABLE revisions (
            key TEXT PRIMARY KEY,
            revision INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
    ),
)
SCHEMA = len(MIGRATIONS)  # It only grows, so that no two schemas have the same number.

BATCH = 200  # Packages of one transaction: about 0.1 s.


class Copy(SqliteSearches):
    """One copy, from the moment that its file is there until it is closed."""

    def __init__(self, file: Path) -> None:
        """Use this file; open nothing."""
        super().__init__(Database(file, MIGRATIONS))
        self.file = file

    def create(self) -> None:
        """Make the file, with nothing in it."""
        self._database.migrate()

    async def check(self) -> None:
        """Raise `Unreadable` unless it is an index that this program can search."""
        try:
            await self._database.scan(_look_through)
        except (Unusable, sqlite3.Error) as wrong:
            raise Unreadable(str(wrong)) from wrong

    async def apply(self, changes: Iterable[Change]) -> int:
        """Apply the changes that are later than what it knows; return how many."""
        waiting, applied = list(changes), 0
        while waiting:
            batch, waiting = waiting[:BATCH], waiting[BATCH:]
            applied += await self._database.write(partial(_apply, changes=batch))
        return applied

    async def compact(self) -> int:
        """Leave no room between what the changes wrote; return the number of packages, closed."""
        await self._database.write(_optimize)
        packages = await self._database.scan(_count)
        await asyncio.to_thread(self._rewrite)
        return packages

    def close(self) -> None:
        """Finish what was begun and close the file, in which everything is from then on."""
        self._database.close()

    def _rewrite(self) -> None:
        self.close()
        written = partial_of(self.file)
        with closing(sqlite3.connect(self.file)) as connection:
            connection.execute("VACUUM INTO ?", (str(written),))
        with closing(sqlite3.connect(written)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        written.replace(self.file)


def _apply(connection: sqlite3.Connection, changes: Iterable[Change]) -> int:
    rows = Rows(connection, CURRENT)
    return sum([_is_applied(connection, rows, change) for change in changes])


def _is_applied(connection: sqlite3.Connection, rows: Rows, change: Change) -> bool:
    known = connection.execute("SELECT revision FROM revisions WHERE key = ?", (change.key,))
    if (known.fetchone() or (0,))[0] >= change.revision:
        return False
    listing = change.listing()
    if listing is None:
        rows.remove(change.key)
    else:
        rows.show(listing)
    connection.execute("REPLACE INTO revisions VALUES (?, ?)", (change.key, change.revision))
    return True


def _optimize(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO texts (texts) VALUES ('optimize')")


def _count(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT count(*) FROM packages").fetchone()[0]


def _look_through(connection: sqlite3.Connection) -> None:
    for table in ("revisions", "packages", "listings", "texts", "words"):
        connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()  # noqa: S608 - ours.
