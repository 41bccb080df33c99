"""A small database for the tests of the machinery."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from shared.adapters.sqlite.database import Migration

FIRST: Migration = ("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)",)
SECOND: Migration = ("ALTER TABLE notes ADD COLUMN colour TEXT", "CREATE TABLE other (id)")


def adding(text: str) -> Callable[[sqlite3.Connection], int | None]:
    """Return work that adds a note, and returns its number."""

    def add(connection: sqlite3.Connection) -> int | None:
        return connection.execute("INSERT INTO notes (text) VALUES (?)", (text,)).lastrowid

    return add


def notes(connection: sqlite3.Connection) -> list[str]:
    return [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY id")]


def nearly_full(connection: sqlite3.Connection) -> None:
    """Let the database grow by a few pages only, as a disk does that is nearly full."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 10}")


def schema(path: Path) -> tuple[int, set[str]]:
    """Return the number of the last migration, and the names of the tables."""
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return version, {name for (name,) in rows}
