"""The writer of one process: one thread, and one commit for all the work that waits together."""

import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from shared.adapters.sqlite.connecting import open_to_write, transaction
from shared.adapters.sqlite.failures import failure
from shared.adapters.sqlite.marking import Mark
from shared.domain.errors import Busy

WORK_A_COMMIT = 64  # The first waits for the last, and readers see all of it late.


@dataclass(frozen=True, eq=False)
class _Job:
    """Work that waits, and who waits for it."""

    work: Callable[[sqlite3.Connection], Any]
    done: Future[Any] = field(default_factory=Future[Any])


class Writer:
    """Does work in transactions.

    A commit waits for the disk, and for as long as the next work queues up. It is then done in one
    transaction, so that a hundred pushes at once wait for a few commits, not for hundreds.
    """

    def __init__(self, path: Path, patience: timedelta, mark: Mark) -> None:
        """Open the file; `patience` is how long to wait for writers of other processes.

        The mark is renewed before anybody is told that their work is done.
        """
        self._mark = mark
        self._path = path
        self._patience = patience
        self._connection = open_to_write(path)
        self._thread = ThreadPoolExecutor(1, f"{path.stem}-writing")
        self._jobs: deque[_Job] = deque()

    def submit(self, work: Callable[[sqlite3.Connection], Any]) -> Future[Any]:
        """Queue the work; the future is done when the work is durable, or refused."""
        job = _Job(work)
        self._jobs.append(job)
        self._thread.submit(self._drain)  # It may find that an earlier call took the job along.
        return job.done

    def close(self) -> None:
        """Finish what waits, then close."""
        self._thread.shutdown()
        self._connection.close()

    def _drain(self) -> None:
        jobs = self._take()
        if len(jobs) > 1 and self._together(jobs):
            return
        for job in jobs:
            self._alone(job)

    def _take(self) -> list[_Job]:
        count = min(len(self._jobs), WORK_A_COMMIT)
        taken = [self._jobs.popleft() for _ in range(count)]
        return [job for job in taken if job.done.set_running_or_notify_cancel()]

    def _together(self, jobs: list[_Job]) -> bool:
        """Commit all of it at once; False, and nothing is done, where one may be to blame."""
        try:
            with transaction(self._connection, self._patience):
                outcomes = [self._within(job) for job in jobs]
            self._mark.renew()
        except sqlite3.Error as error:
            refusal = self._refusal(error)
            if not isinstance(refusal, Busy):
                return False
            outcomes = [refusal] * len(jobs)  # None is to blame, and each would wait as long again.
        for job, outcome in zip(jobs, outcomes, strict=True):
            _tell(job, outcome)
        return True

    def _within(self, job: _Job) -> object:
        """Do the work as a part of a transaction, and undo this part alone if it is refused."""
        self._connection.execute("SAVEPOINT work")
        try:
            outcome = job.work(self._connection)
        except sqlite3.Error:
            raise
        except Exception as refusal:  # Whoever waits for the work gets it.
            self._connection.execute("ROLLBACK TO work")
            outcome = refusal
        self._connection.execute("RELEASE work")
        return outcome

    def _alone(self, job: _Job) -> None:
        try:
            with transaction(self._connection, self._patience):
                outcome = job.work(self._connection)
            self._mark.renew()
        except sqlite3.Error as error:
            outcome = self._refusal(error)
        except Exception as refusal:  # Whoever waits for the work gets it.
            outcome = refusal
        _tell(job, outcome)

    def _refusal(self, error: sqlite3.Error) -> Exception:
        refusal = failure(self._path, error)
        refusal.__cause__ = error
        return refusal


def _tell(job: _Job, outcome: object) -> None:
    if isinstance(outcome, Exception):
        job.done.set_exception(outcome)
    else:
        job.done.set_result(outcome)
