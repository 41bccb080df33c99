"""Status of the registry: tasks, backlog, counts and disk space, and problems with what to do about
them.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from enum import Enum

from msgspec import Struct

from shared.domain.notices import ReadOnlyState
from shared.domain.product_releases import ProductRelease
from shared.domain.registry_counts import DatedCounts
from shared.domain.tasks import TaskResult, TaskRun, TaskState
from shared.domain.times import MS

LOW_DISK_BYTES = 5 * 1024**3  # About eighty of the largest archives.
LOW_DISK_FRACTION = 20  # The disk is also low on space if less than one part in 20 is free.
FULL_DISK_BYTES = 1024**3  # Databases need temporary space for writes.
BACKLOG_STUCK_AFTER = timedelta(minutes=10)  # Outboxes are processed every minute.


class Urgency(Enum):
    """How urgent a problem or a notice is."""

    WARN = "warn"  # Packages are still served.
    BAD = "bad"


class StatusProblem(Struct, frozen=True):
    """A problem and what to do about it; `task` is the task concerned, and `page` where somebody
    decides, if any."""

    severity: Urgency
    sentence: str
    way_out: str
    task: str = ""
    page: str = ""


class Backlog(Struct, frozen=True):
    """Records whose changes are not listed yet, counted up to a bound."""

    count: int
    is_more: bool
    oldest_ms: int | None
    task: str  # The id of the task that lists them.

    def is_stuck(self, now_ms: int) -> bool:
        """Check whether a record waits longer than the next run of upkeep."""
        return self.oldest_ms is not None and now_ms - self.oldest_ms > BACKLOG_STUCK_AFTER // MS


class DiskSpace(Struct, frozen=True):
    """Total and free space of the disk with all data."""

    total_bytes: int
    free_bytes: int

    @property
    def is_low(self) -> bool:
        """Whether space is needed within days."""
        return self.free_bytes < max(LOW_DISK_BYTES, self.total_bytes // LOW_DISK_FRACTION)

    @property
    def is_full(self) -> bool:
        """Whether pushes may be refused within hours."""
        return self.free_bytes < FULL_DISK_BYTES


class StatusReport(Struct, frozen=True):
    """The status of the registry; None for what stores did not answer."""

    at_ms: int
    tasks: tuple[TaskState, ...] | None
    backlog: Backlog | None
    counts: DatedCounts | None
    disk_space: DiskSpace | None
    read_only: ReadOnlyState | None = None
    to_decide: tuple[StatusProblem, ...] = ()  # What waits for an administrator.
    newer: tuple[ProductRelease, ...] = ()  # Releases of Ballroom, the newest first.

    @property
    def problems(self) -> tuple[StatusProblem, ...]:
        """The problems, the most severe first."""
        found = [
            *self._store_problems(),
            *self._task_problems(),
            *self._backlog_problems(),
            *self._other_problems(),
            *self.to_decide,
            *release_problems(self.newer),
        ]
        return tuple(sorted(found, key=lambda each: each.severity is not Urgency.BAD))

    @property
    def problem_tasks(self) -> tuple[TaskState, ...]:
        """The tasks that are overdue, failed, or found problems."""
        return tuple(each for each in self.tasks or () if any(self._problems_of(each)))

    def task(self, task: str) -> TaskState | None:
        return next((each for each in self.tasks or () if each.task == task), None)

    def _store_problems(self) -> Iterator[StatusProblem]:
        if self.tasks is None or self.backlog is None:
            yield StatusProblem(
                Urgency.BAD,
                "The stores do not respond.",
                "Packages cannot be read or published until they do; published packages are safe. "
                "The log of the registry has the errors.",
            )

    def _task_problems(self) -> Iterator[StatusProblem]:
        tasks = self.tasks or ()
        for each in tasks:
            yield from self._problems_of(each)
        if tasks and not any(each.last_run for each in tasks):
            yield StatusProblem(
                Urgency.WARN,
                "No task has run yet.",
                "After the first start, this takes a minute. Otherwise no timer is running: "
                "restart the registry.",
            )

    def _problems_of(self, state: TaskState) -> Iterator[StatusProblem]:
        yield from _run_problems(state)
        # Read-only mode postpones tasks.
        if state.is_overdue(self.at_ms) and not self.read_only:
            yield StatusProblem(
                Urgency.WARN,
                f"The task {state.task} is overdue.",
                "Run it now. If others are overdue, no timer is running: restart the registry.",
                state.task,
            )

    def _backlog_problems(self) -> Iterator[StatusProblem]:
        if self.backlog and self.backlog.is_stuck(self.at_ms):
            yield StatusProblem(
                Urgency.WARN,
                "Some changes are not listed yet.",
                "They are stored, but missing in lists, search and logs. Run the task that lists "
                "them; it reports changes that it cannot list.",
                self.backlog.task,
            )

    def _other_problems(self) -> Iterator[StatusProblem]:
        if self.read_only:
            reason = self.read_only.reason.rstrip(".")
            sentence = f"Read-only mode is on: {reason}."
            yield StatusProblem(Urgency.WARN, sentence, "Turn it off when it is no longer needed.")
        if self.disk_space and self.disk_space.is_full:
            sentence = "The disk is almost full."
            way_out = "Free space now: on a full disk, nothing can be published or changed."
            yield StatusProblem(Urgency.BAD, sentence, way_out)
        elif self.disk_space and self.disk_space.is_low:
            sentence = "Disk space is low."
            way_out = "Free space within the next days, or move the registry to a larger disk."
            yield StatusProblem(Urgency.WARN, sentence, way_out)


def release_problems(newer: Sequence[ProductRelease]) -> Iterator[StatusProblem]:
    """Yield a problem if a newer version of Ballroom fixes a vulnerability."""
    if fixing := [each for each in newer if each.is_security]:
        versions = ", ".join(each.version for each in fixing)
        sentence = f"Newer versions of Ballroom fix vulnerabilities: {versions}."
        page = f" {fixing[0].page} says what it fixes." if fixing[0].page else ""
        way_out = f"Upgrade to {newer[0].version}.{page}"
        yield StatusProblem(Urgency.WARN, sentence, way_out)


def _run_problems(state: TaskState) -> Iterator[StatusProblem]:
    last = state.last_run
    if last and last.result is TaskResult.FAILED:
        sentence = f"The task {state.task} failed."
        way_out = "Run it again; the log has the error."
        yield StatusProblem(Urgency.BAD, sentence, way_out, state.task)
    if last and last.result is TaskResult.PROBLEMS:
        sentence = f"The task {state.task} found {_problems(last)}"
        way_out = "This is shown until a run finds no problem."
        yield StatusProblem(Urgency.WARN, sentence, way_out, state.task)


def _problems(run: TaskRun) -> str:
    first, *others = run.problems
    if not others:
        return f"a problem: {first}"
    or_more = " or more" if run.may_have_more else ""
    return f"{len(run.problems)} problems{or_more}, the first: {first}"
