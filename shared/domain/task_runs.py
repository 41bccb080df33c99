"""Runs of maintenance tasks, when they are overdue, and the requests of administrators to
run them.
"""

from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import Enum
from typing import ClassVar

from shared.domain.records import Entity, Place, Record
from shared.domain.times import MS

PROBLEMS_KEPT = 20  # Sentences; the log has all of them.
# Longer than any task takes, and than an instance needs to start.
OVERDUE_AFTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class TaskReport:
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


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task: its last run, if any, and when the next is due, if it has a schedule."""

    task: str
    last_run: TaskRun | None
    due_ms: int | None

    def is_overdue(self, now_ms: int) -> bool:
        """Check whether a run is missing. A task that never ran is never overdue."""
        if self.last_run is None or self.due_ms is None:
            return False
        return now_ms - self.due_ms > OVERDUE_AFTER // MS


TASK_REQUESTS_OWNER = "upkeep"
# After a day without a timer, the administrator asks again.
TASK_REQUEST_LIFETIME = timedelta(days=1)


class TaskRequest(Entity):
    """A request to run a task; it is removed when the task has run."""

    kind: ClassVar[str] = "upkeep-wish"

    task: str
    asked_by: str
    asked_ms: int
    begun_ms: int | None = None  # When an instance last started it.
    is_held_up: bool = False  # Waits for a run that started before the request.

    @property
    def place(self) -> Place:
        """One for each task: of several requests the first is kept."""
        return Place(TASK_REQUESTS_OWNER, self.task)

    @property
    def ends_ms(self) -> int:
        """When the request expires."""
        return self.asked_ms + TASK_REQUEST_LIFETIME // MS
