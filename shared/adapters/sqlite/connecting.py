"""Connections to a SQLite file and transactions on them."""

import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

PATIENCE = timedelta(seconds=10)  # Longer than any transaction of ours; clients wait 30 s and more.
RETRY = timedelta(milliseconds=1)  # A transaction takes one to five of these.
PRAGMAS = (
    "synchronous = FULL",  # A commit is on the disk when it returns.
    "journal_size_limit = 67108864",  # Bytes that the log shrinks back to after a bulk import.
)


def create(path: Path) -> sqlite3.Connection:
    """Open the file to write; create it if it is not there."""
    return _connect(path, "rwc", PATIENCE)


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open the file for transactions."""
    return _connect(path, "rw", RETRY)


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open the file for reading alone."""
    # Not as `mode=ro`: reading the log that a crash left takes writing its index.
    return _connect(path, "rw", PATIENCE, "query_only = ON")


def schema_of(connection: sqlite3.Connection) -> int:
    """Return the number of the last migration."""
    return connection.execute("PRAGMA user_version").fetchone()[0]


@contextmanager
def transaction(connection: sqlite3.Connection, patience: timedelta) -> Generator[None]:
    """Commit what is done inside, or none of it; wait for other writers first."""
    _begin(connection, patience)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # A full disk may have ended it already.
            connection.execute("ROLLBACK")
        raise


def _begin(connection: sqlite3.Connection, patience: timedelta) -> None:
    """Wait for other writers, then keep them out.

    SQLite waits by sleeping up to 100 ms at a time. Whoever has just written is back sooner than
    that, so with four busy processes one waited for more than three seconds.
    """
    deadline = time.monotonic() + patience.total_seconds()
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        else:
            return
        time.sleep(RETRY.total_seconds())


def _connect(path: Path, mode: str, patience: timedelta, *pragmas: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=patience.total_seconds(),
        isolation_level=None,  # Transactions begin and end where this module says so.
        check_same_thread=False,  # Each is used by one thread at a time.
    )
    try:
        for pragma in (*PRAGMAS, *pragmas):
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:  # It is no database, or a damaged one.
        connection.close()
        raise
    return connection
