"""Runs of tasks of upkeep: when the last one was, what came of it, and when the next is due."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from shared.domain.package import Record
from shared.domain.schedules import Schedule

PROBLEMS_KEPT = 20  # Sentences; the log has all of them.
PATIENCE = timedelta(minutes=15)  # Longer than any task takes, and than an instance needs to start.


class Result(Enum):
    """What came of a run."""

    DONE = "done"
    PROBLEMS = "problems"  # It did what it could, and found something wrong.
    FAILED = "failed"  # It broke off; what it had done is done.


class Run(Record):
    """One run of a task."""

    task: str
    started_ms: int
    ended_ms: int
    result: Result
    seen: int = 0
    changed: int = 0
    problems: tuple[str, ...] = ()
    unfinished: bool = False  # The next run goes on from where this one stopped.

    @property
    def may_have_more(self) -> bool:
        """Say whether it may have found more problems than are kept."""
        return len(self.problems) == PROBLEMS_KEPT

    @property
    def lasted(self) -> timedelta:
        """Return how long it took."""
        return timedelta(milliseconds=self.ended_ms - self.started_ms)


@dataclass(frozen=True, slots=True)
class Standing:
    """A task: its last run, if there was one, and when the next is due, if it is timed."""

    task: str
    last: Run | None
    due_ms: int | None

    def is_overdue(self, now_ms: int) -> bool:
        """Tell whether a run should have been and was not; of a task that never ran, nobody knows
        since when."""
        if self.last is None or self.due_ms is None:
            return False
        return now_ms - self.due_ms > PATIENCE // timedelta(milliseconds=1)


def standing(task: str, last: Run | None, schedule: Schedule | None, now_ms: int) -> Standing:
    """Return how a task stands."""
    since_ms = last.started_ms if last else now_ms
    return Standing(task, last, schedule.next_after(since_ms) if schedule else None)
