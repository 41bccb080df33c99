"""Connections to a SQLite file, transactions on them, the writes of a process, of which those that
wait together are one commit, and the errors of SQLite.
"""

import sqlite3
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Self

from msgspec import Struct, field

from shared.domain.errors.requests import Busy, StorageFull
from shared.runtime.file_existence import exists
from shared.runtime.private_files import open_private

# Longer than any transaction of the registry; clients wait for at least 30 s.
BUSY_TIMEOUT = timedelta(seconds=10)
# A transaction takes one to five of these intervals.
BUSY_RETRY_INTERVAL = timedelta(milliseconds=1)
LOG_RETRY_INTERVAL = timedelta(milliseconds=100)  # While another process copies a log of gigabytes.
_LOG_INDEX_BYTES = 32_768  # SQLite needs them before it reads or writes with a log.
# From this number of pages in the log on, a commit moves them into the file: the default of SQLite.
CHECKPOINT_PAGES = 1_000
PRAGMAS = (
    "synchronous = FULL",  # A commit is on the disk when it returns.
    "journal_size_limit = 67108864",  # Bytes to which the log is truncated after a bulk import.
    "secure_delete = ON",  # Deleted bytes are overwritten; not every SQLite does so by default.
)


def create_database(path: Path) -> sqlite3.Connection:
    """Open the file for writing; create it if it does not exist."""
    if not exists(path):
        open_private(path, "ab").close()  # SQLite gives its other files the same permissions.
    return _connect(path, "rw", BUSY_TIMEOUT)


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open the file for transactions."""
    return _connect(path, "rw", BUSY_RETRY_INTERVAL)


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open the file read-only."""
    # Not `mode=ro`: to read the log that a crash left, SQLite has to write the index of the log.
    return _connect(path, "rw", BUSY_TIMEOUT, "query_only = ON")


def open_without_room(path: Path) -> sqlite3.Connection:
    """Open the file read-only, on a disk without room for the index of its log.

    Nothing is locked: what is read stands while the `FileState` is the same. Raises `StorageFull`
    if the log has changes that are not in the file.
    """
    log = path.with_name(f"{path.name}-wal")
    if FileState.of(path).is_shared or (exists(log) and log.stat().st_size):
        raise StorageFull
    return _connect(path, "ro&immutable=1", BUSY_TIMEOUT)


class FileState(Struct, frozen=True):
    """A value that changes as soon as another process may write to a database, or has written."""

    changed_ns: int
    size_bytes: int
    is_shared: bool  # A process has opened it with its log.

    @classmethod
    def of(cls, path: Path) -> Self:
        stat = path.stat()
        index = path.with_name(f"{path.name}-shm")
        is_shared = exists(index) and index.stat().st_size >= _LOG_INDEX_BYTES
        return cls(stat.st_mtime_ns, stat.st_size, is_shared)


def rebuild(path: Path, patience: timedelta) -> None:
    """Rewrite the whole file and empty its log, so that neither has bytes of deleted rows.

    Rows that SQLite moved to another page leave copies in the first one, which `secure_delete`
    does not overwrite when the row is deleted. Readers go on; writers of all processes wait, as
    this waits for them. Raises `sqlite3.Error`, and `Busy` if somebody keeps the log from being
    emptied for longer than `patience` and the time that the file took.
    """
    with closing(_connect(path, "rw", patience)) as connection:
        began = time.monotonic()
        connection.execute("VACUUM")
        now = time.monotonic()
        # The log has the whole file now. Another connection whose commit came first may be copying
        # it into the file, and SQLite does not wait for that.
        deadline = now + (now - began) + patience.total_seconds()
        while not _empty_log(connection):
            if time.monotonic() > deadline:
                raise Busy
            time.sleep(LOG_RETRY_INTERVAL.total_seconds())


def _empty_log(connection: sqlite3.Connection) -> bool:
    """Copy the log into the file and empty it; return False if somebody uses it."""
    [is_busy, *_] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_busy


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


@contextmanager
def without_writers(connection: sqlite3.Connection, patience: timedelta) -> Generator[None]:
    """Wait for other writers, and let none begin in the block, which changes nothing."""
    _begin(connection, patience)
    try:
        yield
    finally:
        # Not a commit: in a file without a log of its own, it would wait for the block's readers.
        roll_back(connection)


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
    """Let commits of the block write only the log, without waiting for the disk."""
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
    # This is how a reached quota appears: SQLite only recognizes ENOSPC.
    sqlite3.SQLITE_IOERR_WRITE,
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
            "(docs/run/self-hosting.md, Upgrade)."
            if found > known
            else "Restart the registry, which brings it up to date."
        )
        super().__init__(f"{path} has schema {found}, and this Ballroom needs {known}. {way_out}")


SEARCH_FILE = "search.db"
SEARCH_WAY_OUT = (
    f"Stop the registry, move {SEARCH_FILE} away, and start: the start builds it again from the "
    "records, and nothing is lost."
)


class DatabaseDamaged(DatabaseUnusable):
    """SQLite cannot read the file, or rejects a statement."""

    def __init__(self, path: Path, error: sqlite3.Error) -> None:
        super().__init__(f"{path} answers: {error}. {_way_out(path)}")


def _way_out(path: Path) -> str:
    """Return what to do about a damaged file: the search index alone is made from the others."""
    if path.name == SEARCH_FILE:
        return f"If it is damaged: {SEARCH_WAY_OUT[0].lower()}{SEARCH_WAY_OUT[1:]}"
    return "If it is damaged, restore a backup."


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


# Without one that waits for the disk in between: no such commit truncates the log.
UNSYNCED_COMMITS = 100
JOBS_PER_COMMIT = 64  # More would delay the first write of a commit, and its visibility to readers.


class _Job(Struct, frozen=True, eq=False):
    """Queued work, and the future of its result."""

    work: Callable[[sqlite3.Connection], Any]
    done: Future[Any] = field(default_factory=Future[Any])


_Done = tuple[_Job, object]  # A job, and what came of it: its result, or the exception.


class Writer:
    """Runs work in transactions: short work at once, and all other work on a thread.

    Work that is queued while a commit waits for the disk runs in one transaction after it, so that
    a hundred pushes at the same time wait for a few commits, not for a hundred.
    """

    def __init__(self, path: Path, patience: timedelta, on_commit: Callable[[], None]) -> None:
        """Open the file; `patience` is how long to wait for writers of other processes.

        `on_commit` is called after each commit, before the result of any work is reported.
        """
        self._on_commit = on_commit
        self._path = path
        self._patience = patience
        self._connection = open_to_write(path)
        self._thread = ThreadPoolExecutor(1, f"{path.stem}-writing")
        self._jobs: deque[_Job] = deque()
        self._in_use = Lock()  # Held by whoever runs statements over the connection.
        self._uncommitted: tuple[_Job, object] | None = None  # What ran, and what came of it.
        self._unsynced = 0  # Commits since the last that waited for the disk.

    def run(self, work: Callable[[sqlite3.Connection], Any]) -> Future[Any]:
        """Run short work in the calling thread if the connection is free, and commit it on the
        thread; else queue it. The future behaves like the one that `submit` returns."""
        job = _Job(work)
        with self._held() as is_free:
            is_run = is_free and self._run_here(job)
        if not is_run:
            return self._queue(job)
        if not job.done.done():
            self._unsynced = 0
            self._thread.submit(self._drain)
        return job.done

    def run_unsynced(self, work: Callable[[sqlite3.Connection], Any]) -> Future[Any]:
        """Run short work as `run` does, and commit it here without waiting for the disk."""
        if self._unsynced == UNSYNCED_COMMITS:
            return self.run(work)
        job = _Job(work)
        with self._held() as is_free:
            is_run = is_free and self._run_and_commit_here(job)
        return job.done if is_run else self._queue(job)

    def submit(self, work: Callable[[sqlite3.Connection], Any]) -> Future[Any]:
        """Queue the work; the future is done when the work is durable, or refused."""
        return self._queue(_Job(work))

    def _queue(self, job: _Job) -> Future[Any]:
        self._jobs.append(job)
        self._thread.submit(self._drain)  # An earlier call may have run the job.
        return job.done

    def close(self) -> None:
        """Run the queued work, then close."""
        self._thread.shutdown()
        self._connection.close()

    @contextmanager
    def _held(self) -> Generator[bool]:
        """Hold the connection; yield False if others are at work or wait for it."""
        if self._jobs or not self._in_use.acquire(blocking=False):
            yield False
            return
        try:
            yield self._uncommitted is None
        finally:
            self._in_use.release()

    def _run_here(self, job: _Job) -> bool:
        """Run the job in a transaction, which stays open unless the job fails; return False if
        another process writes."""
        try:
            if not begin_at_once(self._connection):
                return False
            job.done.set_running_or_notify_cancel()
            self._uncommitted = job, job.work(self._connection)
        except Exception as failure:  # Raised where the result is awaited.
            is_of_sqlite = isinstance(failure, sqlite3.Error)
            _tell(job, self._refusal(failure) if is_of_sqlite else failure)
        finally:
            if self._uncommitted is None:
                roll_back(self._connection)
        return True

    def _run_and_commit_here(self, job: _Job) -> bool:
        with unsynced(self._connection):
            is_run = self._run_here(job)
            for each, outcome in self._commit():
                _tell(each, outcome)
        self._unsynced += 1
        return is_run

    def _drain(self) -> None:
        """Commit what was run, and run what is queued."""
        while True:
            with self._in_use:
                done = self._commit() or self._run(self._take())
            if not done:
                return
            # Callers are told only now, so that the next writer finds the connection free and needs
            # no thread.
            for job, outcome in done:
                _tell(job, outcome)

    def _commit(self) -> Sequence[_Done]:
        """Commit what was run, and is not committed, if there is something."""
        if self._uncommitted is None:
            return ()
        job, outcome = self._uncommitted
        self._uncommitted = None
        try:
            commit(self._connection)
            self._on_commit()
        except sqlite3.Error as error:
            outcome = self._refusal(error)
        return [(job, outcome)]

    def _run(self, jobs: list[_Job]) -> Sequence[_Done]:
        together = self._run_together(jobs) if len(jobs) > 1 else None
        return together or [(job, self._alone(job)) for job in jobs]

    def _take(self) -> list[_Job]:
        count = min(len(self._jobs), JOBS_PER_COMMIT)
        taken = [self._jobs.popleft() for _ in range(count)]
        return [job for job in taken if job.done.set_running_or_notify_cancel()]

    def _run_together(self, jobs: list[_Job]) -> Sequence[_Done] | None:
        """Run all jobs in one transaction; return None, without effect, if a job failed."""
        try:
            with transaction(self._connection, self._patience):
                outcomes = [self._run_in_savepoint(job) for job in jobs]
            self._on_commit()
        except sqlite3.Error as error:
            refusal = self._refusal(error)
            if not isinstance(refusal, Busy):
                return None
            outcomes = [refusal] * len(jobs)  # No job caused it, and each would wait as long again.
        return list(zip(jobs, outcomes, strict=True))

    def _run_in_savepoint(self, job: _Job) -> object:
        """Run the work in a savepoint, and roll back only that if it fails."""
        self._connection.execute("SAVEPOINT work")
        try:
            outcome = job.work(self._connection)
        except sqlite3.Error:
            raise
        except Exception as refusal:  # Raised where the result is awaited.
            self._connection.execute("ROLLBACK TO work")
            outcome = refusal
        self._connection.execute("RELEASE work")
        return outcome

    def _alone(self, job: _Job) -> object:
        try:
            with transaction(self._connection, self._patience):
                outcome = job.work(self._connection)
            self._on_commit()
        except sqlite3.Error as error:
            outcome = self._refusal(error)
        except Exception as refusal:  # Raised where the result is awaited.
            outcome = refusal
        return outcome

    def _refusal(self, error: sqlite3.Error) -> Exception:
        refusal = database_error(self._path, error)
        refusal.__cause__ = error.with_traceback(None)
        return refusal


def _tell(job: _Job, outcome: object) -> None:
    if isinstance(outcome, Exception):
        # Its traceback holds frames of this thread, and they hold it and the job. The cycle would
        # keep what the job writes until the interpreter collects all garbage.
        job.done.set_exception(outcome.with_traceback(None))
    else:
        job.done.set_result(outcome)
