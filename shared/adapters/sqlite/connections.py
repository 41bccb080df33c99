"""Connections to a SQLite file, transactions on them, and the errors of SQLite."""

import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from shared.domain.errors.requests import Busy, StorageFull

BUSY_TIMEOUT = timedelta(
    seconds=10
)  # Longer than any transaction of ours; clients wait 30 s and more.
BUSY_RETRY_INTERVAL = timedelta(milliseconds=1)  # A transaction takes one to five of these.
PRAGMAS = (
    "synchronous = FULL",  # A commit is on the disk when it returns.
    "journal_size_limit = 67108864",  # Bytes that the log shrinks back to after a bulk import.
)


def create_database(path: Path) -> sqlite3.Connection:
    """Open the file to write; create it if it is not there."""
    return _connect(path, "rwc", BUSY_TIMEOUT)


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open the file for transactions."""
    return _connect(path, "rw", BUSY_RETRY_INTERVAL)


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open the file for reading alone."""
    # Not as `mode=ro`: reading the log that a crash left takes writing its index.
    return _connect(path, "rw", BUSY_TIMEOUT, "query_only = ON")


def schema_version(connection: sqlite3.Connection) -> int:
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
        time.sleep(BUSY_RETRY_INTERVAL.total_seconds())


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


_FULL = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,  # A quota is reached: SQLite knows ENOSPC alone.
    sqlite3.SQLITE_IOERR_SHMSIZE,  # The log's index has no room to grow.
}
_OUT_OF_REACH = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOMEM,
}


class DatabaseUnusable(Exception):
    """The database cannot be used by this program; `str()` is one sentence for the operator."""


class DatabaseMissing(DatabaseUnusable):
    """Nobody has created the database yet."""

    def __init__(self, path: Path) -> None:
        """Say who creates it."""
        super().__init__(f"{path} does not exist. Start the registry to create it.")


class SchemaMismatch(DatabaseUnusable):
    """Another version of the program wrote the database."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        """Say which of the two is newer."""
        way_out = (
            "Install the newer Ballroom again, or restore a backup of this one's."
            if found > known
            else "Restart the registry, which brings it up to date."
        )
        super().__init__(f"{path} has schema {found}, and this Ballroom needs {known}. {way_out}")


class DatabaseForked(DatabaseUnusable):
    """The process was forked while the database was open, and SQLite's locks with it."""

    def __init__(self, path: Path) -> None:
        """Say what to do before a fork."""
        super().__init__(f"{path} was open when this process was forked. Close it before that.")


class DatabaseDamaged(DatabaseUnusable):
    """SQLite cannot make sense of the file, or of what it was asked."""

    def __init__(self, path: Path, error: sqlite3.Error) -> None:
        """Show SQLite's own words."""
        super().__init__(f"{path} answers: {error}. If it is damaged, restore a backup.")


@contextmanager
def translate_sqlite_errors(path: Path) -> Generator[None]:
    """Raise what SQLite raises inside as a failure that others know."""
    try:
        yield
    except sqlite3.Error as error:
        raise database_error(path, error) from error


def database_error(path: Path, error: sqlite3.Error) -> Exception:
    """Return what to raise in place of an error of SQLite."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code in _FULL:
        return StorageFull()
    if code & 0xFF in _OUT_OF_REACH:  # The lowest byte is the kind, the others are details.
        return Busy()
    return DatabaseDamaged(path, error)
