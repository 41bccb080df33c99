"""Writes to one SQLite file: those of a process that wait together are one commit, and each commit
changes the data version that all processes share.
"""

import os
import sqlite3
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from mmap import mmap
from pathlib import Path
from threading import Lock
from typing import Any

from shared.adapters.sqlite.connections import (
    begin_at_once,
    commit,
    database_error,
    open_to_write,
    roll_back,
    transaction,
    unsynced,
)
from shared.domain.errors.requests import Busy
from shared.runtime.private_files import open_private

DATA_VERSION_BYTES = 16  # The number of a commit of a process.
_PROCESS_BYTES = 10  # Random, so that no two processes leave the same.

# Without one that waits for the disk in between: no such commit truncates the log.
UNSYNCED_COMMITS = 100
JOBS_PER_COMMIT = 64  # The first write waits for the last, and readers see all of them late.


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


@dataclass(frozen=True, eq=False)
class _Job:
    """Queued work, and the future of its result."""

    work: Callable[[sqlite3.Connection], Any]
    done: Future[Any] = field(default_factory=Future[Any])


_Done = tuple[_Job, object]  # A job, and what came of it: its result, or the exception.


class Writer:
    """Runs work in transactions: short work at once, and all other work on a thread.

    Work that is queued while a commit waits for the disk runs in one transaction after it, so that
    a hundred pushes at the same time wait for a few commits, not for a hundred.
    """

    def __init__(self, path: Path, patience: timedelta, mark: DataVersionFile) -> None:
        """Open the file; `patience` is how long to wait for writers of other processes.

        The data version changes before the result of any work is reported.
        """
        self._mark = mark
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
        thread; else queue it. The future is as that of `submit`."""
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
            # Not earlier: whoever writes next finds the connection free, and needs no thread.
            for job, outcome in done:
                _tell(job, outcome)

    def _commit(self) -> Sequence[_Done]:
        """Commit what was run, and is not committed, if there is something."""
        if self._uncommitted is None:
            return ()
        (job, outcome), self._uncommitted = self._uncommitted, None
        try:
            commit(self._connection)
            self._mark.renew()
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
            self._mark.renew()
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
            self._mark.renew()
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
