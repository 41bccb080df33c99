"""Connections to a SQLite file, transactions on them, and the errors of SQLite."""

import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from shared.domain.errors.requests import Busy, StorageFull
from shared.runtime.private_files import open_private

BUSY_TIMEOUT = timedelta(
    seconds=10
)  # Longer than any of our transactions; clients wait for at least 30 s.
BUSY_RETRY_INTERVAL = timedelta(milliseconds=1)  # A transaction takes one to five of these.
_LOG_INDEX_BYTES = 32_768  # SQLite needs them before it reads or writes with a log.
CHECKPOINT_PAGES = 1_000  # Of the log, from which a commit moves them into the file: SQLite's own.
PRAGMAS = (
    "synchronous = FULL",  # A commit is on the disk when it returns.
    "journal_size_limit = 67108864",  # Bytes to which the log is truncated after a bulk import.
)


def create_database(path: Path) -> sqlite3.Connection:
    """Open the file for writing; create it if it does not exist."""
    if not path.exists():
        open_private(path, "ab").close()  # SQLite gives its other files the same permissions.
    return _connect(path, "rw", BUSY_TIMEOUT)


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open the file for transactions."""
    return _connect(path, "rw", BUSY_RETRY_INTERVAL)


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open the file for reading alone."""
    # Not `mode=ro`: to read the log that a crash left, SQLite has to write the index of the log.
    return _connect(path, "rw", BUSY_TIMEOUT, "query_only = ON")


def open_without_room(path: Path) -> sqlite3.Connection:
    """Open the file for reading alone, on a disk without room for the index of its log.

    Nothing is locked: what is read stands while the `FileState` is the same. Raises `StorageFull`
    if the log has changes that are not in the file.
    """
    log = path.with_name(f"{path.name}-wal")
    if FileState.of(path).is_shared or (log.exists() and log.stat().st_size):
        raise StorageFull
    return _connect(path, "ro&immutable=1", BUSY_TIMEOUT)


@dataclass(frozen=True, slots=True)
class FileState:
    """A value that changes as soon as another process may write to a database, or has written."""

    changed_ns: int
    size_bytes: int
    is_shared: bool  # A process has opened it with its log.

    @classmethod
    def of(cls, path: Path) -> Self:
        stat, index = path.stat(), path.with_name(f"{path.name}-shm")
        is_shared = index.exists() and index.stat().st_size >= _LOG_INDEX_BYTES
        return cls(stat.st_mtime_ns, stat.st_size, is_shared)


def schema_version(connection: sqlite3.Connection) -> int:
    """Return the number of the last migration."""
    return connection.execute("PRAGMA user_version").fetchone()[0]


@contextmanager
def transaction(connection: sqlite3.Connection, patience: timedelta) -> Generator[None]:
    """Wait for other writers, then commit the changes of the block, or roll all of them back."""
    _begin(connection, patience)
    try:
        yield
    except BaseException:
        roll_back(connection)
        raise
    commit(connection)


def commit(connection: sqlite3.Connection) -> None:
    """Commit the open transaction, or roll it back and raise."""
    try:
        connection.execute("COMMIT")
    except BaseException:
        roll_back(connection)
        raise


def roll_back(connection: sqlite3.Connection) -> None:
    """Roll back the open transaction, if there is one: a full disk may have rolled it back."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


@contextmanager
def unsynced(connection: sqlite3.Connection) -> Generator[None]:
    """Let commits of the block write the log alone, without waiting for the disk."""
    for pragma in ("synchronous = NORMAL", "wal_autocheckpoint = 0"):
        connection.execute(f"PRAGMA {pragma}")
    try:
        yield
    finally:
        for pragma in (PRAGMAS[0], f"wal_autocheckpoint = {CHECKPOINT_PAGES}"):
            connection.execute(f"PRAGMA {pragma}")


def begin_at_once(connection: sqlite3.Connection) -> bool:
    """Begin a write transaction; return False if another process writes."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def _begin(connection: sqlite3.Connection, patience: timedelta) -> None:
    """Begin a write transaction; wait for other writers first.

    SQLite waits by sleeping for up to 100 ms at a time. A process that has just written is faster,
    so with four busy processes one waited for more than three seconds.
    """
    deadline = time.monotonic() + patience.total_seconds()
    while time.monotonic() <= deadline:
        if begin_at_once(connection):
            return
        time.sleep(BUSY_RETRY_INTERVAL.total_seconds())
    connection.execute("BEGIN IMMEDIATE")


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
    except sqlite3.Error:  # The file is not a database, or is damaged.
        connection.close()
        raise
    return connection


_FULL = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,  # A quota is reached: SQLite knows ENOSPC alone.
    sqlite3.SQLITE_IOERR_SHMSIZE,  # The index of the log cannot grow.
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
    """The database has not been created."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} does not exist. Start the registry to create it.")


class SchemaMismatch(DatabaseUnusable):
    """Another version of the program wrote the database."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        way_out = (
            "Install the newer Ballroom again, or restore the backup from before its upgrade "
            "(docs/self-hosting.md, Upgrade)."
            if found > known
            else "Restart the registry, which brings it up to date."
        )
        super().__init__(f"{path} has schema {found}, and this Ballroom needs {known}. {way_out}")


class DatabaseForked(DatabaseUnusable):
    """The process was forked while the database was open, and SQLite's locks with it."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} was open when this process was forked. Close it before that.")


class DatabaseDamaged(DatabaseUnusable):
    """SQLite cannot read the file, or rejects a statement."""

    def __init__(self, path: Path, error: sqlite3.Error) -> None:
        super().__init__(f"{path} answers: {error}. If it is damaged, restore a backup.")


@contextmanager
def translate_sqlite_errors(path: Path) -> Generator[None]:
    """Raise errors of SQLite as failures of the ports."""
    try:
        yield
    except sqlite3.Error as error:
        raise database_error(path, error) from error


def database_error(path: Path, error: sqlite3.Error) -> Exception:
    """Return the failure to raise in place of an error of SQLite."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code in _FULL:
        return StorageFull()
    if code & 0xFF in _OUT_OF_REACH:  # The lowest byte is the kind, the others are details.
        return Busy()
    return DatabaseDamaged(path, error)
