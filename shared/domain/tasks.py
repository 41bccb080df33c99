"""Maintenance tasks: the report of a run, its result, and whether a run is overdue."""

from datetime import timedelta
from enum import Enum

from msgspec import Struct
from msgspec.structs import asdict

from shared.domain.records import Record
from shared.domain.times import MS

PROBLEMS_KEPT = 20  # Sentences; the log has all of them.
# Longer than any task takes, and than an instance needs to start.
OVERDUE_AFTER = timedelta(minutes=15)


class TaskReport(Struct, frozen=True):
    """How many things a run read and changed, and the problems it found, a sentence each."""

    seen: int = 0
    changed: int = 0
    problems: tuple[str, ...] = ()
    unfinished: bool = False  # Its time was over; the next run goes on from its checkpoint.

    def as_event(self) -> dict[str, object]:
        """Return the report as fields of a log event."""
        return asdict(self)


class TaskResult(Enum):
    """The outcome of a run."""

    DONE = "done"
    PROBLEMS = "problems"  # It finished, and found problems.
    FAILED = "failed"  # It stopped; what it had done stays.


class TaskRun(Record):
    task: str
    started_ms: int
    ended_ms: int
    result: TaskResult
    seen: int = 0
    changed: int = 0
    problems: tuple[str, ...] = ()
    unfinished: bool = False  # The next run continues where this one stopped.

    @property
    def may_have_more(self) -> bool:
        """Whether the run may have found more problems than are stored."""
        return len(self.problems) == PROBLEMS_KEPT

    @property
    def duration(self) -> timedelta:
        return timedelta(milliseconds=self.ended_ms - self.started_ms)


class TaskState(Struct, frozen=True):
    """A task: its last run, if any, when the next is due, if it has a schedule, and when somebody
    asked for a run that has not begun."""

    task: str
    last_run: TaskRun | None
    due_ms: int | None
    requested_ms: int | None = None

    def is_overdue(self, now_ms: int) -> bool:
        """Check whether a run is missing. A task that never ran is never overdue."""
        if self.last_run is None or self.due_ms is None:
            return False
        return now_ms - self.due_ms > OVERDUE_AFTER // MS
