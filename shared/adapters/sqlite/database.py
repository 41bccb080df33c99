"""One SQLite file in one process: its readers, its migrations, and whether anything was written.

- Point reads by key run on the event loop, over one connection per process: a thread costs more
  than the read. Every other read runs on a few threads.
- Writes run in transactions that begin IMMEDIATE: one that begins with a read fails as soon as
  another process writes. Short ones run on the event loop as well, and only their commit, which
  waits for the disk, on the one thread that writes: while readers keep the loop busy, a thread
  waits for the interpreter at each statement. All others run on that thread.
- On a disk so full that SQLite has no room for the index of its log, the file is read without
  locks, and refuses writes, until there is room.
- Connections are opened when they are first needed, so a process that only starts workers has
  none.
"""

import asyncio
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Generator, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from itertools import count
from mmap import mmap
from pathlib import Path
from typing import Any, TypeVar

from shared.adapters.data_folder import data_version_path, lock_path
from shared.adapters.disk_errors import translate_full_disk
from shared.adapters.sqlite.connections import (
    BUSY_TIMEOUT,
    DatabaseMissing,
    DatabaseUnusable,
    FileState,
    SchemaMismatch,
    Writer,
    create_database,
    database_error,
    open_to_read,
    open_without_room,
    rebuild,
    schema_version,
    transaction,
    translate_sqlite_errors,
)
from shared.domain.errors.requests import StorageFull
from shared.runtime.file_existence import exists
from shared.runtime.private_files import hold_file_lock, make_private_folder, open_private

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
Migration = Sequence[str]  # Statements; a script would commit on its own.


def read_migrations(file: Path) -> tuple[Migration, ...]:
    """Return the steps of a file of SQL, each below a line that begins with `-- Step`."""
    _, *steps = file.read_text("utf-8").split("\n-- Step ")
    return tuple(list(_statements(step)) for step in steps)


def _statements(step: str) -> Generator[str]:
    statement = ""
    for line in step.splitlines(keepends=True)[1:]:
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""


# The migrations of `ballroom.db`.
MIGRATIONS = read_migrations(Path(__file__).with_name("schema.sql"))

# A withdrawal takes effect everywhere within five seconds.
DATA_VERSION_CHECK_INTERVAL = timedelta(seconds=1)
ROOM_CHECK_INTERVAL = timedelta(seconds=1)  # Between two attempts to open a file on a full disk.

# A scan releases the interpreter at each row, and then waits until the event loop gives it back: a
# loop that is busy keeps it for 5 ms by default, so a search of 60 rows would take 300. More
# threads would only wait for each other.
SCANNING_THREADS = 2
SWITCH_INTERVAL = timedelta(microseconds=200)


DATA_VERSION_BYTES = 16  # The number of a commit of a process.
_PROCESS_BYTES = 10  # Random, so that no two processes leave the same.


class DataVersionFile:
    """The file with the data version of a database, mapped into the memory of a process.

    Every process that writes to the database changes it after each commit. To ask SQLite whether
    anything was written takes three system calls; reading this takes none.
    """

    def __init__(self, path: Path) -> None:
        open_private(path, "ab").close()
        with path.open("r+b", buffering=0) as file:
            if os.fstat(file.fileno()).st_size < DATA_VERSION_BYTES:
                file.write(bytes(DATA_VERSION_BYTES))
            self._memory = mmap(file.fileno(), DATA_VERSION_BYTES)
        self._process = os.urandom(_PROCESS_BYTES)
        self._commits = count()

    def read(self) -> bytes:
        """Return the data version, which differs after each commit that was reported."""
        return self._memory[:]

    def renew(self) -> None:
        """Change the data version; to be called after a commit and before it is reported."""
        # Without a call of the system, after which a thread waits for the interpreter.
        number = next(self._commits)
        self._memory[:] = self._process + number.to_bytes(DATA_VERSION_BYTES - _PROCESS_BYTES)

    def close(self) -> None:
        self._memory.close()


class Database:
    """A SQLite file and what one process does with it."""

    def __init__(
        self,
        path: Path,
        migrations: Sequence[Migration],
        *,
        patience: timedelta = BUSY_TIMEOUT,
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
        self._look_for_room_at = 0.0

    def is_current(self) -> bool:
        """Check whether the database exists and needs no migration; change nothing."""
        if not exists(self._path):
            return False
        with self._path.open("r+b"):  # SQLite says of each reason only that it cannot open it.
            pass
        with (
            translate_sqlite_errors(self._path),
            translate_full_disk(),
            closing(open_to_read(self._path)) as connection,
        ):
            return schema_version(connection) == len(self._migrations)

    def migrate(self) -> None:
        """Create the database or bring it up to date; of several processes one does it."""
        make_private_folder(self._path.parent)
        with (
            translate_sqlite_errors(self._path),
            hold_file_lock(lock_path(self._path)),
            closing(create_database(self._path)) as connection,
        ):
            connection.execute("PRAGMA journal_mode = WAL")
            self._apply(connection)

    def row(self, statement: str, *values: object) -> tuple[Any, ...] | None:
        """Return the first row of a point read, on the event loop."""
        try:
            return self._here().reader.execute(statement, values).fetchone()
        except sqlite3.Error as error:
            raise database_error(self._path, error) from error

    def data_version(self) -> Hashable:
        """Return a value that differs from all before the last write of any process.

        Writes by other programs, or by a process that was killed before it reported them, count
        within a second.
        """
        now = self._monotonic()
        if now >= self._ask_at:
            # A connection counts the commits of all others, and the reader commits nothing.
            self._version = self.row("PRAGMA data_version")
            self._ask_at = now + DATA_VERSION_CHECK_INTERVAL.total_seconds()
        mark = self._here().mark
        return mark.read() if mark else b"", self._version, self._openings

    def read(self, work: Work[T]) -> T:
        """Run a short read on the event loop: some rows by key, at most 64 KiB."""
        try:  # Without `translate_sqlite_errors`, whose generator takes as long as the read.
            return work(self._here().reader)
        except sqlite3.Error as error:
            raise database_error(self._path, error) from error

    async def scan(self, work: Work[T]) -> T:
        """Run a read of any length on a thread."""
        opened = self._here()
        loop = asyncio.get_running_loop()

        def scan() -> T:
            with translate_sqlite_errors(self._path), opened.scanner() as connection:
                return work(connection)

        try:
            result = await loop.run_in_executor(opened.threads, scan)
        except (DatabaseUnusable, StorageFull):
            if not opened.is_outdated():
                raise
        else:
            if not opened.is_outdated():
                return result
        # Nothing was locked on a full disk, and another process found room and wrote meanwhile.
        return await self.scan(work)

    async def decoded(self, decode: Callable[..., T], statement: str, *values: object) -> list[T]:
        """Return what `decode` makes of the columns of each row, on a thread as `scan` does."""
        return await self.scan(
            lambda connection: [decode(*row) for row in connection.execute(statement, values)]
        )

    async def execute(self, statement: str, *values: object) -> int:
        """Run a statement as `write` does; return how many rows it changed."""
        return await self.write(lambda connection: connection.execute(statement, values).rowcount)

    async def execute_few(self, statement: str, *values: object) -> int:
        """Run a statement as `write_few` does; return how many rows it changed."""
        return await self.write_few(
            lambda connection: connection.execute(statement, values).rowcount
        )

    async def write_few(self, work: Work[T]) -> T:
        """Run a short write, which is durable when this returns: some rows by key, at most 64 KiB.

        It runs on the event loop, unless another write is under way. The work must do as for
        `write`.
        """
        return await _outcome(self._writer().run(work))

    async def write_unsynced(self, work: Work[T]) -> T:
        """Run a short write as `write_few` does, and do not wait for the disk: it outlives the
        process. Until the next durable write, a machine that loses its power may forget it."""
        return await _outcome(self._writer().run_unsynced(work))

    async def write(self, work: Work[T]) -> T:
        """Run a write of any length in a transaction, which is durable when this returns.

        The work must use only its connection: it is repeated if the transaction that it shared with
        others failed.
        """
        return await _outcome(self._writer().submit(work))

    async def rebuild(self) -> None:
        """Rewrite the file, so that it has no bytes of deleted rows; raise `Busy` or
        `StorageFull`."""
        self._writer()  # Refuses where there is no room for a log.

        def run() -> None:
            with translate_sqlite_errors(self._path), translate_full_disk():
                rebuild(self._path, self._patience)

        await asyncio.get_running_loop().run_in_executor(self._here().threads, run)

    def close(self) -> None:
        """Close every connection of this process; the next use opens new ones."""
        opened = self._opened
        self._opened = None
        if opened is not None:
            opened.close()

    def _apply(self, connection: sqlite3.Connection) -> None:
        done = schema_version(connection)
        if done > len(self._migrations):
            raise SchemaMismatch(self._path, done, len(self._migrations))
        if done == len(self._migrations):
            return
        # One transaction: if an upgrade is interrupted, the database is still the one that was
        # backed up before it.
        with transaction(connection, self._patience):
            for statements in self._migrations[done:]:
                for statement in statements:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(self._migrations)}")

    def _here(self) -> "_Opened":
        opened = self._opened
        return self._open() if opened is None or opened.is_outdated() else opened

    def _writer(self) -> Writer:
        opened = self._here()
        now = self._monotonic()
        if opened.writer is None and now >= self._look_for_room_at:
            self._look_for_room_at = now + ROOM_CHECK_INTERVAL.total_seconds()
            opened = self._use(self._open_to_write())
        if opened.writer is None:
            raise StorageFull
        return opened.writer

    def _open(self) -> "_Opened":
        if not exists(self._path):
            raise DatabaseMissing(self._path)
        try:
            return self._use(self._open_to_write())
        except StorageFull:
            return self._use(self._open_without_room())

    def _use(self, opened: "_Opened") -> "_Opened":
        """Replace how the file was open before."""
        self._openings += 1
        self._ask_at = 0.0
        if self._opened is not None:
            self._opened.retire()
        self._opened = opened
        return opened

    def _open_to_write(self) -> "_Opened":
        with translate_sqlite_errors(self._path), translate_full_disk():
            self._check(open_to_read)
            return _Opened(self._path, self._patience)

    def _open_without_room(self) -> "_Opened":
        with translate_sqlite_errors(self._path):
            state = FileState.of(self._path)
            self._check(open_without_room)
            return _Opened(self._path, self._patience, state)

    def _check(self, open_file: Callable[[Path], sqlite3.Connection]) -> None:
        with closing(open_file(self._path)) as connection:
            found = schema_version(connection)
        if found != len(self._migrations):
            raise SchemaMismatch(self._path, found, len(self._migrations))


async def _outcome(future: Future[T]) -> T:
    """Wait for a write; one that is done costs no turn of the event loop."""
    return future.result() if future.done() else await asyncio.wrap_future(future)


class _Opened:
    """The connections and threads of one process; with a state, for reading without room."""

    def __init__(self, path: Path, patience: timedelta, state: FileState | None = None) -> None:
        self._open_reader = open_to_read if state is None else open_without_room
        self._state = state
        self.mark = DataVersionFile(data_version_path(path)) if state is None else None
        self.reader = self._open_reader(path)
        self.writer = Writer(path, patience, self.mark.renew) if self.mark else None
        self.threads = ThreadPoolExecutor(SCANNING_THREADS, f"{path.stem}-scanning")
        sys.setswitchinterval(SWITCH_INTERVAL.total_seconds())
        self._path = path
        self._scanners: list[sqlite3.Connection] = []
        self._is_retired = False

    @contextmanager
    def scanner(self) -> Generator[sqlite3.Connection]:
        """Provide a connection for the calling thread."""
        try:
            connection = self._scanners.pop()
        except IndexError:
            connection = self._open_reader(self._path)
        try:
            yield connection
        finally:
            self._scanners.append(connection)
            if self._is_retired:
                self._close_scanners()

    def is_outdated(self) -> bool:
        """Check whether the file was read without locks, and is no longer as it was."""
        return self._state is not None and FileState.of(self._path) != self._state

    def retire(self) -> None:
        """Let the scans that run end; each closes its connection."""
        self._is_retired = True
        self.threads.shutdown(wait=False)
        self._close_scanners()
        self.reader.close()

    def close(self) -> None:
        """Finish running work, then close."""
        if self.writer:
            self.writer.close()
        self.threads.shutdown()
        self._close_scanners()
        self.reader.close()
        if self.mark:
            self.mark.close()

    def _close_scanners(self) -> None:
        """Close the connections that no scan uses, on any thread."""
        with suppress(IndexError):
            while True:
                self._scanners.pop().close()
