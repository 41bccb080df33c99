"""One SQLite file: who reads it where, who writes it, and its migrations.

- Point reads by key run on the event loop, over one connection a process: a thread costs more than
  the read. Every other read runs on a few threads.
- Writes run on one thread a process, each in a transaction that begins IMMEDIATE: one that begins
  with a read fails as soon as another process writes.
- Connections are opened when they are first needed, so a process that only starts workers has none.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Generator, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from shared.adapters.locking import locked
from shared.adapters.paths import lock_of, mark_of
from shared.adapters.sqlite.connecting import PATIENCE, create, open_to_read, schema_of, transaction
from shared.adapters.sqlite.failures import Forked, Missing, OtherSchema, failure, translated
from shared.adapters.sqlite.marking import Mark
from shared.adapters.sqlite.writing import Writer

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
Migration = Sequence[str]  # Statements; a script would commit on its own.

ASKED_EVERY = timedelta(seconds=1)  # What is withdrawn is so everywhere within five.
SCANNING_THREADS = 4  # They wait for the disk most of the time.


class _Forks:
    """How many forks lie between this process and the first one; asking for its id costs a call of
    the system, and every read would."""

    def __init__(self) -> None:
        self.count = 0
        if hasattr(os, "register_at_fork"):  # There is no fork on Windows.
            os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        self.count += 1


_forks = _Forks()


class Database:
    """A SQLite file and what one process does with it."""

    def __init__(
        self,
        path: Path,
        migrations: Sequence[Migration],
        *,
        patience: timedelta = PATIENCE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Name the file and what brings it from each version to the next; open nothing.

        `patience` is how long a write waits for those of other processes before it is `Busy`.
        """
        self._path = path
        self._patience = patience
        self._migrations = migrations
        self._opened: _Opened | None = None
        self._openings = 0
        self._monotonic = monotonic
        self._ask_at = 0.0
        self._version: object = None

    def migrate(self) -> None:
        """Create the database or bring it up to date; of several processes one does it."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (
            translated(self._path),
            locked(lock_of(self._path)),
            closing(create(self._path)) as connection,
        ):
            connection.execute("PRAGMA journal_mode = WAL")
            self._apply(connection)

    def row(self, statement: str, *values: object) -> tuple[Any, ...] | None:
        """Return the first row of a point read, on the event loop."""
        try:
            return self._here().reader.execute(statement, values).fetchone()
        except sqlite3.Error as error:
            raise failure(self._path, error) from error

    def edition(self) -> Hashable:
        """Return a value that differs from all before the last write of any process.

        Writes that did not come by way of this module, or whose process was killed before it could
        tell anybody of them, count within a second.
        """
        now = self._monotonic()
        if now >= self._ask_at:
            # A connection counts what all others commit, and the reader commits nothing itself.
            self._version = self.row("PRAGMA data_version")
            self._ask_at = now + ASKED_EVERY.total_seconds()
        return self._here().mark.read(), self._version, self._openings

    def read(self, work: Work[T]) -> T:
        """Do short reading work on the event loop: some rows by key, at most 64 KiB."""
        with translated(self._path):
            return work(self._here().reader)

    async def scan(self, work: Work[T]) -> T:
        """Do reading work of any length on a thread."""
        opened = self._here()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(opened.threads, self._scan, opened, work)

    async def write(self, work: Work[T]) -> T:
        """Do the work in a transaction, durable when this returns.

        The work touches nothing but its connection: it is done again where the transaction that it
        shared with others failed.
        """
        return await asyncio.wrap_future(self._here().writer.submit(work))

    def close(self) -> None:
        """Close every connection of this process; the next use opens them again."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def _apply(self, connection: sqlite3.Connection) -> None:
        done = schema_of(connection)
        if done > len(self._migrations):
            raise OtherSchema(self._path, done, len(self._migrations))
        for number, statements in enumerate(self._migrations[done:], start=done + 1):
            with transaction(connection, self._patience):
                for statement in statements:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")

    def _here(self) -> "_Opened":
        opened = self._opened
        if opened is None:
            opened = self._opened = self._open()
        elif opened.forks != _forks.count:
            # SQLite forgets its locks in a fork, and the next close would break the database.
            raise Forked(self._path)
        return opened

    def _open(self) -> "_Opened":
        if not self._path.exists():
            raise Missing(self._path)
        with translated(self._path):
            self._check()
            self._openings += 1
            self._ask_at = 0.0
            return _Opened(self._path, self._patience)

    def _check(self) -> None:
        with closing(open_to_read(self._path)) as connection:
            found = schema_of(connection)
        if found != len(self._migrations):
            raise OtherSchema(self._path, found, len(self._migrations))

    def _scan(self, opened: "_Opened", work: Work[T]) -> T:
        with translated(self._path), opened.scanner() as connection:
            return work(connection)


class _Opened:
    """The connections and threads of one process."""

    def __init__(self, path: Path, patience: timedelta) -> None:
        self.forks = _forks.count
        self.reader = open_to_read(path)
        self.mark = Mark(mark_of(path))
        self.writer = Writer(path, patience, self.mark)
        self.threads = ThreadPoolExecutor(SCANNING_THREADS, f"{path.stem}-scanning")
        self._path = path
        self._scanners: list[sqlite3.Connection] = []

    @contextmanager
    def scanner(self) -> Generator[sqlite3.Connection]:
        """Lend a connection to the calling thread."""
        try:
            connection = self._scanners.pop()
        except IndexError:
            connection = open_to_read(self._path)
        try:
            yield connection
        finally:
            self._scanners.append(connection)

    def close(self) -> None:
        """Finish what was begun, then close."""
        self.writer.close()
        self.threads.shutdown()
        for connection in (*self._scanners, self.reader):
            connection.close()
        self.mark.close()
