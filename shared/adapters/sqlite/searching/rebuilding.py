"""Filling the index anew, beside the one that is searched, and putting it into its place.

Batches are transactions of their own, so that nobody waits for the whole. A push in between changes
both generations; what is replaced or removed in between is noted, because the batch that is about
to be added may have been read before.
"""

import sqlite3
from collections.abc import Iterable

from shared.adapters.sqlite.searching.schema import CURRENT, NEXT, TABLES, tables
from shared.adapters.sqlite.searching.writing import Rows, is_building
from shared.domain.package import Listing

BATCH = 200  # Packages: about 0.1 s, in which a push waits.


def begin(connection: sqlite3.Connection) -> None:
    """Start an empty next generation, over one that was not finished."""
    if is_building(connection):
        _drop(connection, NEXT)
    connection.execute("DELETE FROM settled")
    for statement in tables(NEXT):
        connection.execute(statement)


def add(connection: sqlite3.Connection, listings: Iterable[Listing]) -> None:
    """Put these into the next generation, except for what was settled since it was begun."""
    rows = Rows(connection, NEXT)
    for listing in listings:
        if not _is_settled(connection, listing.head.package.key):
            rows.offer(listing)


def finish(connection: sqlite3.Connection) -> None:
    """Put the next generation into the place of the current one; a search sees the one or the
    other."""
    _drop(connection, CURRENT)
    for table in TABLES:
        connection.execute(f"ALTER TABLE {NEXT}{table} RENAME TO {table}")
    connection.execute("DELETE FROM settled")


def optimize(connection: sqlite3.Connection) -> None:
    """Merge what the batches wrote into one piece, which is smaller and faster to read."""
    texts = f"{NEXT}texts"
    connection.execute(f"INSERT INTO {texts} ({texts}) VALUES ('optimize')")  # noqa: S608 - ours.


def _is_settled(connection: sqlite3.Connection, key: str) -> bool:
    found = connection.execute("SELECT 1 FROM settled WHERE key = ?", (key,)).fetchone()
    return found is not None


def _drop(connection: sqlite3.Connection, prefix: str) -> None:
    for table in TABLES:
        connection.execute(f"DROP TABLE {prefix}{table}")
