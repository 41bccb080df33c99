"""Upkeep: runs maintenance tasks under leases, keeps their schedules, runs and checkpoints, and
takes
requests to run one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import TypeVar

from shared.auth.authorization import Administration
from shared.domain.errors.base import InvalidRequest, Unavailable
from shared.domain.errors.requests import TakesNoChanges
from shared.domain.identity import Principal
from shared.domain.maintenance_tasks import (
    PROBLEMS_KEPT,
    TASK_REQUESTS_OWNER,
    Schedule,
    TaskRequest,
    TaskResult,
    TaskRun,
    TaskState,
    task_state,
)
from shared.domain.packages import Head
from shared.ports import (
    AlreadyThere,
    Clock,
    DirectoryStore,
    MetadataStore,
    Randomness,
    Stale,
    WorkStore,
)
from shared.services.notices import ReadOnlyMode
from shared.services.records import EntityChange, RecordWriter, package_batches

TASK_LEASE = timedelta(minutes=10)  # Longer than most tasks take; what died is taken over then.
TASK_LEASES: dict[str, timedelta] = dict.fromkeys(
    ("snapshot", "search", "search-rebuild"),
    timedelta(minutes=30),  # The host lets no Function run for longer.
)

# What a registry that takes no changes may do as well: a copy of its records, and its search.
RUNS_IN_READ_ONLY_MODE = {"snapshot", "search", "search-rebuild"}


@dataclass(frozen=True, slots=True)
class TaskReport:
    """How many things a task looked at, how many it changed, and what is wrong, a sentence each."""

    task: str
    seen: int = 0
    changed: int = 0
    problems: tuple[str, ...] = ()
    unfinished: bool = False  # The time was up; the next run goes on from there.

    def as_event(self) -> dict[str, object]:
        """Return the report as the fields of a log event."""
        return asdict(self)


class TaskRuns:
    """Remembers the last run of each task, for all processes."""

    def __init__(self, work: WorkStore, clock: Clock) -> None:
        """Keep them beside the leases."""
        self._work = work
        self._clock = clock
        self._shown: list[TaskState] = []
        self._shown_ms = 0

    async def save(self, task: str, started_ms: int, report: TaskReport | None) -> None:
        """Remember a run that ended now; one without a report broke off."""
        now_ms = self._clock.now_ms()
        run = _run_of(task, started_ms, now_ms, report)
        ends_ms = now_ms + TASK_RUNS_KEPT_FOR // _MS
        await self._work.put(_RUN_KIND, task, run.model_dump_json(), ends_ms)

    async def read(self, tasks: Iterable[str]) -> list[TaskState]:
        """Return how each task stands."""
        return list(await asyncio.gather(*(self._of(task) for task in tasks)))

    async def read_cached(self, tasks: Iterable[str]) -> list[TaskState]:
        """Return how each task stood a moment ago: for those who ask again and again."""
        now_ms = self._clock.monotonic_ms()
        if not self._shown or now_ms - self._shown_ms >= TASK_RUNS_CACHED_FOR // _MS:
            self._shown, self._shown_ms = await self.read(tasks), now_ms
        return self._shown

    async def _of(self, task: str) -> TaskState:
        now_ms = self._clock.now_ms()
        noted = await self._work.peek(_RUN_KIND, task, now_ms)
        last = None if noted is None else TaskRun.model_validate_json(noted)
        return task_state(task, last, schedule_of(task), now_ms)


MaintenanceTask = Callable[[], Awaitable[TaskReport]]
MaintenanceTasks = Mapping[str, MaintenanceTask]


@dataclass(frozen=True)
class Upkeep:
    """Runs the tasks by name, one at a time over all processes."""

    work: WorkStore
    clock: Clock
    randomness: Randomness
    read_only_mode: ReadOnlyMode
    runs: TaskRuns
    tasks: MaintenanceTasks

    async def run(self, name: str) -> TaskReport | None:
        """Run the task, unless another process is at it: then return None.

        Raises `TakesNoChanges` while the registry is read-only, for what changes records.
        """
        if name not in RUNS_IN_READ_ONLY_MODE:
            await self.read_only_mode.require_changes_allowed()
        owner = self.randomness.token_bytes(8).hex()
        if not await self._lease(name, owner, TASK_LEASES.get(name, TASK_LEASE)):
            return None
        started_ms, report = self.clock.now_ms(), None
        try:
            report = await self.tasks[name]()
            return report
        finally:
            # What is done is done, noted or not; and the lease ends by itself.
            with suppress(Unavailable):
                await self.runs.save(name, started_ms, report)
            with suppress(Unavailable):
                await self._lease(name, owner, timedelta(0))

    async def task_states(self) -> list[TaskState]:
        """Return how each task stands: its last run, and when the next is due."""
        return await self.runs.read(self.tasks)

    async def cached_task_states(self) -> list[TaskState]:
        """Return how each task stood a few seconds ago: at no cost, however often it is asked."""
        return await self.runs.read_cached(self.tasks)

    async def _lease(self, name: str, owner: str, lifetime: timedelta) -> bool:
        now_ms = self.clock.now_ms()
        until_ms = now_ms + lifetime // timedelta(milliseconds=1)
        return await self.work.lease(f"upkeep:{name}", owner, now_ms, until_ms)


# Wishing: tasks of upkeep that run because somebody asked for them.
#
# A page does not run them itself: an answer that waits for minutes is given up on, and work after
# the answer ends wherever a host stops an instance that seems to be idle. So a wish is noted, and
# the
# timer that settles takes it up within a minute, on one machine as in the cloud. What a crash left
# half listed waits that long for it.

# Of the half hour that a host gives a Function: a task that is begun has all the rest.
BEGINS_WITHIN = timedelta(minutes=1)

_MS = timedelta(milliseconds=1)

RunTask = Callable[[str], Awaitable[TaskReport | None]]


@dataclass(frozen=True)
class TaskRequests:
    """Notes what administrators ask for, and runs it."""

    administration: Administration
    tasks: MaintenanceTasks
    directory: DirectoryStore
    record_writer: RecordWriter
    read_only_mode: ReadOnlyMode
    clock: Clock

    async def request(self, task: str, by: Principal) -> None:
        """Have the task run within a minute; whoever asks again changes nothing.

        Raises `InvalidRequest` where there is no such task.
        """
        await self.administration.require_fresh(by, "run", "tasks of upkeep")
        if task not in self.tasks:
            known = ", ".join(self.tasks)
            sentence = f"This registry has no task of that name. There are: {known}."
            raise InvalidRequest(sentence)
        wish = TaskRequest(task=task, asked_by=by.id, asked_ms=self.clock.now_ms())
        try:
            await self._note(wish, by)
        except (AlreadyThere, Stale):
            return  # Somebody else has asked at this moment.

    async def pending(self) -> list[TaskRequest]:
        """Return what was asked for and has not run yet, in the order in which it will."""
        wishes = [
            each
            for each in await self.directory.of(TaskRequest, TASK_REQUESTS_OWNER)
            if self._lasts(each)
        ]
        # What goes on from where it stopped comes after what has not begun.
        return sorted(wishes, key=lambda each: (each.begun_ms or 0, each.asked_ms))

    async def run_requested(self, run: RunTask) -> None:
        """Run by `run` what was asked for; what does not begin in time does a minute later.

        A task that stops halfway goes on as well, until it has seen everything. While the registry
        is read-only nothing is taken up.
        """
        try:
            await self.read_only_mode.require_changes_allowed()
        except TakesNoChanges:
            return
        until_ms = self.clock.now_ms() + BEGINS_WITHIN // _MS
        for wish in await self.pending():
            if self.clock.now_ms() < until_ms:
                await self._serve(wish, run)

    async def _note(self, wish: TaskRequest, by: Principal) -> None:
        subject = f"task:{wish.task}"
        change = EntityChange("task.asked", subject, account=by.id, details={"name": wish.task})
        there = await self.directory.get(TaskRequest, wish.place)
        if there is None:
            await self.record_writer.add(wish, change=change, by=by)
        elif not self._lasts(there):
            again = wish.model_copy(update={"revision": there.revision, "outbox": there.outbox})
            await self.record_writer.replace(again, change=change, by=by)

    async def _serve(self, wish: TaskRequest, run: RunTask) -> None:
        taken_up = await self._replace(wish, begun_ms=self.clock.now_ms(), is_held_up=False)
        if taken_up is None:
            return  # Another instance has it.
        try:
            report = await run(wish.task)
        except Exception:
            await self._remove(taken_up)  # It has run, and what is noted of that says how.
            raise
        if report is None:
            await self._replace(taken_up, is_held_up=True)
        elif not report.unfinished:
            await self._remove(taken_up)

    async def _replace(self, wish: TaskRequest, **changes: object) -> TaskRequest | None:
        try:
            return await self.directory.replace(wish.model_copy(update=changes))
        except Stale:
            return None

    async def _remove(self, wish: TaskRequest) -> None:
        with suppress(Stale):
            await self.directory.remove(wish)

    def _lasts(self, wish: TaskRequest) -> bool:
        return self.clock.now_ms() < wish.ends_ms


TASK_RUNS_KEPT_FOR = timedelta(
    days=400
)  # Of a task that runs no more it is told for that long when it did.
TASK_RUNS_CACHED_FOR = timedelta(seconds=10)  # Whoever asks more often is shown what was read last.

_RUN_KIND = "upkeep-run"


def _run_of(task: str, started_ms: int, ended_ms: int, report: TaskReport | None) -> TaskRun:
    if report is None:
        return TaskRun(
            task=task, started_ms=started_ms, ended_ms=ended_ms, result=TaskResult.FAILED
        )
    return TaskRun(
        task=task,
        started_ms=started_ms,
        ended_ms=ended_ms,
        result=TaskResult.PROBLEMS if report.problems else TaskResult.DONE,
        seen=report.seen,
        changed=report.changed,
        problems=report.problems[:PROBLEMS_KEPT],
        unfinished=report.unfinished,
    )


SCHEDULES = MappingProxyType(
    {
        "settle": "15 * * * * *",  # What a crash left half listed is listed within a minute.
        "search": "45 */5 * * * *",  # What the change feed did not bring; in the cloud alone.
        "roll-up": "0 */5 * * * *",
        "expire": "30 7 * * * *",
        "remind": "30 37 * * * *",
        "snapshot": "0 5 2 * * *",  # Before the sweep: what it names is there for a day and more.
        "sweep": "0 20 3 * * *",
        "audit": "0 40 3 * * *",
        "forget": "0 50 3 * * *",
        "prove": "0 10 4 * * *",
        "mend": "0 30 4 * * *",
        "keep": "0 15 */6 * * *",
    }
)

# After it runs what somebody asked for: a timer of its own would keep an instance busy each minute.
TASK_THAT_RUNS_REQUESTS = "settle"


def schedule_of(task: str) -> Schedule | None:
    """Return when the task runs by itself, or None."""
    text = SCHEDULES.get(task)
    return None if text is None else Schedule.parse(text)


RUN_TIME = timedelta(minutes=7)  # Less than a lease: the last package may take a while.
CHECKPOINT_KEPT_FOR = timedelta(days=30)

_CHECKPOINT_KIND = "upkeep-mark"

T = TypeVar("T")
Visit = Callable[[T], Awaitable[None]]


@dataclass(frozen=True)
class Checkpoints:
    """Visits all there is, in several runs where one is too short."""

    metadata: MetadataStore
    work: WorkStore
    clock: Clock

    async def visit_packages(self, task: str, visit: Visit[Head]) -> bool:
        """Visit packages in order of key, from where the task stopped or died last; say whether the
        last one was reached. One that is visited when the time is up is the last of this run.
        """
        until_ms, after = self._until(), await self._marked(task)
        async for heads in package_batches(self.metadata, UPKEEP_BATCH, after=after):
            for head in heads:
                await visit(head)
                after = head.package.key
                if self.clock.now_ms() >= until_ms:
                    await self._mark(task, after)
                    return False
            await self._mark(task, after)
        await self._mark(task, "")
        return True

    async def visit(self, task: str, things: AsyncIterator[T], visit: Visit[T]) -> bool:
        """Visit things, from where the task stopped last; say whether the last one was reached.

        What is passed over is counted: in a list that changed meanwhile some are visited twice,
        and some not before the next time.
        """
        until_ms, passed = self._until(), int(await self._marked(task) or 0)
        place = 0
        async for thing in things:
            place += 1
            if place <= passed:
                continue
            await visit(thing)
            if self.clock.now_ms() >= until_ms:
                await self._mark(task, str(place))
                return False
        await self._mark(task, "")
        return True

    def _until(self) -> int:
        return self.clock.now_ms() + RUN_TIME // _MS

    async def _marked(self, task: str) -> str:
        return await self.work.peek(_CHECKPOINT_KIND, task, self.clock.now_ms()) or ""

    async def _mark(self, task: str, after: str) -> None:
        ends_ms = self.clock.now_ms() + CHECKPOINT_KEPT_FOR // _MS
        await self.work.put(_CHECKPOINT_KIND, task, after, ends_ms)


UPKEEP_BATCH = 200  # Records that a task holds at once, so that its memory stays bounded.
