"""One SQLite file: its connections, transactions and migrations.

- Point reads by key run on the event loop, over one connection a process: a thread costs more than
  the read. Everything else runs on threads.
- Writes run one after the other on a thread of their own, each in a transaction that begins
  IMMEDIATE: one that begins with a read fails as soon as another process writes.
- Connections are opened when they are first needed, so a process that starts workers opens none.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from shared.adapters.locking import locked
from shared.adapters.paths import lock_of
from shared.adapters.sqlite.failures import Forked, Missing, OtherSchema, failure, translated

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
Migration = Sequence[str]  # Statements; a script would commit on its own.

BUSY_TIMEOUT_SECONDS = 10  # Longer than any writer of ours; a client waits 30 s and more.
SCANNING_THREADS = 4  # They wait for the disk most of the time.
WAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024  # What the log shrinks back to after a bulk import.


class Database:
    """A SQLite file and what one process does with it."""

    def __init__(self, path: Path, migrations: Sequence[Migration]) -> None:
        """Name the file and what brings it from each version to the next; open nothing."""
        self._path = path
        self._migrations = migrations
        self._opened: _Opened | None = None

    def migrate(self) -> None:
        """Create the database or bring it up to date; of several processes one does it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with (
            translated(self._path),
            locked(lock_of(self._path)),
            closing(_connect(self._path, "rwc")) as connection,
        ):
            connection.execute("PRAGMA journal_mode = WAL")
            self._apply(connection)

    def read(self, work: Work[T]) -> T:
        """Do short work on the event loop: a few rows by key, at most 64 KiB."""
        with translated(self._path):
            return work(self._here().reader)

    def row(self, statement: str, *values: object) -> tuple[Any, ...] | None:
        """Return the first row of a point read, on the event loop."""
        try:
            return self._here().reader.execute(statement, values).fetchone()
        except sqlite3.Error as error:
            raise failure(self._path, error) from error

    async def scan(self, work: Work[T]) -> T:
        """Do reading work of any length on a thread."""
        opened = self._here()
        return await _on(opened.scanning, self._scan, opened, work)

    async def write(self, work: Work[T]) -> T:
        """Do the work in one transaction, durable when this returns."""
        opened = self._here()
        return await _on(opened.writing, self._write, opened, work)

    def close(self) -> None:
        """Close every connection of this process; the next use opens them again."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def _apply(self, connection: sqlite3.Connection) -> None:
        version = _version(connection)
        if version > len(self._migrations):
            raise OtherSchema(self._path, version, len(self._migrations))
        for number, statements in enumerate(self._migrations[version:], start=version + 1):
            with _transaction(connection):
                for statement in statements:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")

    def _here(self) -> "_Opened":
        opened = self._opened
        if opened is None:
            opened = self._opened = self._open()
        elif opened.pid != os.getpid():
            # SQLite forgets its locks in a fork, and the next close would break the database.
            raise Forked(self._path)
        return opened

    def _open(self) -> "_Opened":
        if not self._path.exists():
            raise Missing(self._path)
        with translated(self._path):
            opened = _Opened(self._path)
        version = _version(opened.reader)
        if version != len(self._migrations):
            opened.close()
            raise OtherSchema(self._path, version, len(self._migrations))
        return opened

    def _scan(self, opened: "_Opened", work: Work[T]) -> T:
        with translated(self._path), opened.scanner() as connection:
            return work(connection)

    def _write(self, opened: "_Opened", work: Work[T]) -> T:
        with translated(self._path), _transaction(opened.writer) as connection:
            return work(connection)


class _Opened:
    """The connections and threads of one process."""

    def __init__(self, path: Path) -> None:
        self.pid = os.getpid()
        self._path = path
        self._scanners: list[sqlite3.Connection] = []
        self.reader = _read_only(path)
        self.writer = _connect(path, "rw")
        self.writing = ThreadPoolExecutor(1, f"{path.stem}-writing")
        self.scanning = ThreadPoolExecutor(SCANNING_THREADS, f"{path.stem}-scanning")

    @contextmanager
    def scanner(self) -> Generator[sqlite3.Connection]:
        """Lend a connection to the calling thread."""
        try:
            connection = self._scanners.pop()
        except IndexError:
            connection = _read_only(self._path)
        try:
            yield connection
        finally:
            self._scanners.append(connection)

    def close(self) -> None:
        """Finish what was begun, then close."""
        self.writing.shutdown()
        self.scanning.shutdown()
        for connection in (*self._scanners, self.reader, self.writer):
            connection.close()


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_SECONDS,
        isolation_level=None,  # Transactions begin and end where this module says so.
        check_same_thread=False,  # Each is used by one thread at a time.
    )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_SIZE_LIMIT_BYTES}")
    return connection


def _read_only(path: Path) -> sqlite3.Connection:
    connection = _connect(path, "rw")  # Reading a log that a crash left takes writing its index.
    connection.execute("PRAGMA query_only = ON")
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Generator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # A full disk may have ended it already.
            connection.execute("ROLLBACK")
        raise


async def _on(threads: ThreadPoolExecutor, work: Callable[..., T], *values: object) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work, *values)
