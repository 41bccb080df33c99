"""Upkeep: maintenance tasks with their schedules, leases, runs and checkpoints, and requests of
administrators to run one.
"""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
)
from contextlib import asynccontextmanager, suppress
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
    TaskRequest,
    TaskResult,
    TaskRun,
    TaskState,
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
from shared.schedules import next_run
from shared.services.notices import ReadOnlyMode
from shared.services.records import EntityChange, RecordWriter, package_batches

# After a crash the task waits for so long, and up to a minute more for the next timer.
TASK_LEASE = timedelta(minutes=1)
LEASE_RENEWED_EVERY = timedelta(seconds=20)  # Two renewals may fail.

LONGEST_RUN = timedelta(minutes=10)  # Of a task; those that visit all packages stop before.
LONGEST_RUNS: dict[str, timedelta] = {
    **dict.fromkeys(
        ("snapshot", "search", "search-rebuild"),
        timedelta(minutes=30),  # The longest that the host lets a Function run.
    ),
    "roll-up": timedelta(minutes=15),  # Until it is due again.
}


def longest_run(task: str) -> timedelta:
    """Return how long a run of a task may take."""
    return LONGEST_RUNS.get(task, LONGEST_RUN)


# These change no records, so they run in a read-only registry too.
RUNS_IN_READ_ONLY_MODE = {"snapshot", "search", "search-rebuild", "copy", "pack"}


@dataclass(frozen=True, slots=True)
class TaskReport:
    """How many things a task read and changed, and the problems it found, a sentence each."""

    task: str
    seen: int = 0
    changed: int = 0
    problems: tuple[str, ...] = ()
    unfinished: bool = False  # Its time was over; the next run goes on from its checkpoint.

    def as_event(self) -> dict[str, object]:
        """Return the report as the fields of a log event."""
        return asdict(self)


class TaskRuns:
    """Stores the last run of each task, for all processes, and tells which are due."""

    def __init__(self, work: WorkStore, clock: Clock) -> None:
        self._work = work
        self._clock = clock
        self._cached: list[TaskState] = []
        self._cached_ms = 0
        # When a task is due at the earliest: a run of another process only makes it later.
        self._due_ms: dict[str, int] = {}
        self._first_ms: int | None = None

    async def save(self, task: str, started_ms: int, report: TaskReport | None) -> None:
        """Store a run that ended now; without a report it failed."""
        now_ms = self._clock.now_ms()
        run = _run_of(task, started_ms, now_ms, report)
        ends_ms = now_ms + TASK_RUNS_KEPT_FOR // _MS
        await self._work.put(_RUN_KIND, task, run.model_dump_json(), ends_ms)
        self._set_due(task, started_ms)

    async def read(self, tasks: Iterable[str]) -> list[TaskState]:
        """Return the state of each task."""
        return list(await asyncio.gather(*(self._of(task) for task in tasks)))

    async def read_cached(self, tasks: Iterable[str]) -> list[TaskState]:
        """Return the state of each task as it was a few seconds ago."""
        now_ms = self._clock.monotonic_ms()
        if not self._cached or now_ms - self._cached_ms >= TASK_RUNS_CACHED_FOR // _MS:
            self._cached, self._cached_ms = await self.read(tasks), now_ms
        return self._cached

    async def due(self, tasks: Iterable[str]) -> list[str]:
        """Return the scheduled tasks that are due, as far as this process knows.

        Reads the records of those alone of which it does not know when they are due. Several missed
        runs are one; a task that never ran is due by its schedule, from the first call in this
        registry on.
        """
        scheduled = [task for task in tasks if task in SCHEDULES]
        for task in scheduled:
            if task not in self._due_ms:
                await self._read_due(task)
        now_ms = self._clock.now_ms()
        return [task for task in scheduled if self._due_ms[task] <= now_ms]

    async def is_due(self, task: str) -> bool:
        """Read the record of a scheduled task, and return whether it is due."""
        await self._read_due(task)
        return self._due_ms[task] <= self._clock.now_ms()

    async def begin(self, task: str) -> bool:
        """Note that a scheduled task begins; return False if it may not before its next time.

        A task that was killed twice would kill each process that tries again. The next time of a
        task of each minute comes before the lease of a killed run ends, so nothing is noted of it.
        """
        now_ms = self._clock.now_ms()
        next_ms = next_run(SCHEDULES[task], now_ms)
        if next_ms - now_ms <= TASK_LEASE // _MS:
            return True
        attempts = int(await self._work.peek(_ATTEMPTS_KIND, task, now_ms) or 0)
        if attempts >= MAX_ATTEMPTS:
            self._due_ms[task] = next_ms
            return False
        await self._work.put(_ATTEMPTS_KIND, task, str(attempts + 1), next_ms)
        return True

    async def _read_due(self, task: str) -> None:
        last = await self._last_run(task)
        self._set_due(task, last.started_ms if last else await self._first_call())

    def _set_due(self, task: str, since_ms: int) -> None:
        if task in SCHEDULES:
            self._due_ms[task] = next_run(SCHEDULES[task], since_ms)

    async def _first_call(self) -> int:
        """Return when tasks of this registry were first asked for, in milliseconds since 1970."""
        if self._first_ms is None:
            now_ms = self._clock.now_ms()
            stored = await self._work.peek(_FIRST_CALL_KIND, _FIRST_CALL, now_ms)
            if stored is None:
                ends_ms = now_ms + TASK_RUNS_KEPT_FOR // _MS
                await self._work.put(_FIRST_CALL_KIND, _FIRST_CALL, str(now_ms), ends_ms)
            self._first_ms = int(stored or now_ms)
        return self._first_ms

    async def _of(self, task: str) -> TaskState:
        last = await self._last_run(task)
        schedule = SCHEDULES.get(task)
        since_ms = last.started_ms if last else self._clock.now_ms()
        return TaskState(task, last, next_run(schedule, since_ms) if schedule else None)

    async def _last_run(self, task: str) -> TaskRun | None:
        text = await self._work.peek(_RUN_KIND, task, self._clock.now_ms())
        return None if text is None else TaskRun.model_validate_json(text)


MaintenanceTask = Callable[[], Awaitable[TaskReport]]
MaintenanceTasks = Mapping[str, MaintenanceTask]
Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True)
class Upkeep:
    """Runs tasks by name, each in one process at a time."""

    work: WorkStore
    clock: Clock
    randomness: Randomness
    read_only_mode: ReadOnlyMode
    runs: TaskRuns
    tasks: MaintenanceTasks
    sleep: Sleep = asyncio.sleep

    async def due(self) -> list[str]:
        """Return the tasks that are due, without those that a read-only registry postpones."""
        try:
            await self.read_only_mode.require_changes_allowed()
            return await self.runs.due(self.tasks)
        except TakesNoChanges:
            return await self.runs.due(
                task for task in self.tasks if task in RUNS_IN_READ_ONLY_MODE
            )

    async def run(self, name: str) -> TaskReport | None:
        """Run the task, or return None if another process is running it.

        Raises `TakesNoChanges` in a read-only registry, for a task that changes records.
        """
        async with self._leased(name) as is_leased:
            return await self._run(name) if is_leased else None

    async def run_due(self, name: str) -> TaskReport | None:
        """Run a task that is due, or return None if another process is running it or has run it,
        or if it was killed too often.

        Raises what `run` raises.
        """
        async with self._leased(name) as is_leased:
            is_due = is_leased and await self.runs.is_due(name)
            return await self._run(name) if is_due and await self.runs.begin(name) else None

    async def _run(self, name: str) -> TaskReport:
        started_ms = self.clock.now_ms()
        try:
            report = await self.tasks[name]()
        except Exception:  # Not if it is cancelled: then it stays due.
            await self._save(name, started_ms, None)
            raise
        await self._save(name, started_ms, report)
        return report

    async def _save(self, name: str, started_ms: int, report: TaskReport | None) -> None:
        with suppress(Unavailable):  # The task has run even if this fails.
            await self.runs.save(name, started_ms, report)

    @asynccontextmanager
    async def _leased(self, name: str) -> AsyncGenerator[bool]:
        if name not in RUNS_IN_READ_ONLY_MODE:
            await self.read_only_mode.require_changes_allowed()
        owner = self.randomness.token_bytes(8).hex()
        if not await self._lease(name, owner, TASK_LEASE):
            yield False
            return
        renewal = asyncio.create_task(self._renew(name, owner))
        try:
            yield True
        finally:
            renewal.cancel()
            with suppress(Unavailable):  # The lease expires by itself.
                await self._lease(name, owner, timedelta(0))

    async def _renew(self, name: str, owner: str) -> None:
        """Renew the lease until this is cancelled, or another process has taken it, since the store
        was out of reach for too long: tasks may run twice at the same time."""
        is_leased = True
        while is_leased:
            await self.sleep(LEASE_RENEWED_EVERY.total_seconds())
            with suppress(Unavailable):  # The next renewal comes before the lease ends.
                is_leased = await self._lease(name, owner, TASK_LEASE)

    async def task_states(self) -> list[TaskState]:
        """Return the state of each task: its last run, and when the next is due."""
        return await self.runs.read(self.tasks)

    async def cached_task_states(self) -> list[TaskState]:
        """Return the states as they were a few seconds ago, mostly without a read."""
        return await self.runs.read_cached(self.tasks)

    async def _lease(self, name: str, owner: str, lifetime: timedelta) -> bool:
        now_ms = self.clock.now_ms()
        until_ms = now_ms + lifetime // timedelta(milliseconds=1)
        return await self.work.lease(f"upkeep:{name}", owner, now_ms, until_ms)


# Of the half hour that a host gives a Function; a task that has begun may use the rest.
BEGINS_WITHIN = timedelta(minutes=1)

_MS = timedelta(milliseconds=1)

RunTask = Callable[[str], Awaitable[TaskReport | None]]


@dataclass(frozen=True)
class TaskRequests:
    """Takes requests of administrators to run a task, and runs it within a minute.

    A page does not run the task itself: clients give up on a response that takes minutes, and a
    host may stop an instance that seems idle after its response. So the request is stored, and the
    timer runs it, on one machine as in the cloud.
    """

    administration: Administration
    tasks: MaintenanceTasks
    directory: DirectoryStore
    record_writer: RecordWriter
    read_only_mode: ReadOnlyMode
    clock: Clock

    async def request(self, task: str, by: Principal) -> None:
        """Request a run of the task within a minute; a repeat changes nothing.

        Raises `InvalidRequest` if there is no such task.
        """
        await self.administration.require_fresh(by, "run", "tasks of upkeep")
        if task not in self.tasks:
            known = ", ".join(self.tasks)
            sentence = f"This registry has no task of that name. There are: {known}."
            raise InvalidRequest(sentence)
        request = TaskRequest(task=task, asked_by=by.id, asked_ms=self.clock.now_ms())
        try:
            await self._store(request, by)
        except (AlreadyThere, Stale):
            return  # Somebody else requested it at the same moment.

    async def pending(self) -> list[TaskRequest]:
        """Return the requests that have not run yet, in the order in which they will."""
        requests = [
            each
            for each in await self.directory.list_by_owner(TaskRequest, TASK_REQUESTS_OWNER)
            if self._is_current(each)
        ]
        # A run that goes on from a checkpoint comes after those that have not begun.
        return sorted(requests, key=lambda each: (each.begun_ms or 0, each.asked_ms))

    async def run_requested(self, run: RunTask) -> None:
        """Run the requested tasks by `run`; those that do not begin in time wait for a minute.

        An unfinished task goes on in the next minutes until it is finished. In a read-only registry
        nothing is run.
        """
        try:
            await self.read_only_mode.require_changes_allowed()
        except TakesNoChanges:
            return
        until_ms = self.clock.now_ms() + BEGINS_WITHIN // _MS
        for request in await self.pending():
            if self.clock.now_ms() < until_ms:
                await self._run_request(request, run)

    async def _store(self, request: TaskRequest, by: Principal) -> None:
        subject = f"task:{request.task}"
        change = EntityChange("task.asked", subject, account=by.id, details={"name": request.task})
        there = await self.directory.get(TaskRequest, request.place)
        if there is None:
            await self.record_writer.add(request, change=change, by=by)
        elif not self._is_current(there):
            again = request.model_copy(update={"revision": there.revision, "outbox": there.outbox})
            await self.record_writer.replace(again, change=change, by=by)

    async def _run_request(self, request: TaskRequest, run: RunTask) -> None:
        begun = await self._replace(request, begun_ms=self.clock.now_ms(), is_held_up=False)
        if begun is None:
            return  # Another instance runs it.
        try:
            report = await run(request.task)
        except Exception:
            await self._remove(begun)  # It has run, and its stored run says that it failed.
            raise
        if report is None:
            await self._replace(begun, is_held_up=True)
        elif not report.unfinished:
            await self._remove(begun)

    async def _replace(self, request: TaskRequest, **changes: object) -> TaskRequest | None:
        try:
            return await self.directory.replace(request.model_copy(update=changes))
        except Stale:
            return None

    async def _remove(self, request: TaskRequest) -> None:
        with suppress(Stale):
            await self.directory.remove(request)

    def _is_current(self, request: TaskRequest) -> bool:
        return self.clock.now_ms() < request.ends_ms


TASK_RUNS_KEPT_FOR = timedelta(days=400)  # So long a task that runs no more has a last run.
TASK_RUNS_CACHED_FOR = timedelta(seconds=10)

_RUN_KIND = "upkeep-run"
MAX_ATTEMPTS = 2  # To run a task until its next time; killed runs are not stored.

_ATTEMPTS_KIND = "upkeep-attempts"
_FIRST_CALL_KIND = "upkeep-first"
_FIRST_CALL = "timer"


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
        "settle": "15 * * * * *",  # Processes within a minute what a crash left.
        "document": "35 */10 * * * *",  # Documents what a crash left, and all after an upgrade.
        "search": "45 */5 * * * *",  # For what the change feed missed; in the cloud alone.
        "roll-up": "0 */15 * * * *",
        "expire": "30 7 * * * *",
        "remind": "30 37 * * * *",
        "snapshot": "0 5 2 * * *",  # Before the sweep: archives that it names exist for a day.
        "sweep": "0 20 3 * * *",
        "audit": "0 40 3 * * *",
        "forget": "0 50 3 * * *",
        "prove": "0 10 4 * * *",
        "mend": "0 30 4 * * *",
        "copy": "0 50 4 * * *",  # For what the change feed missed; behind Front Door alone.
        "keep": "0 15 */6 * * *",
        "pack": "0 10 1-23/6 * * *",  # After the roll-up of a day; in the cloud alone.
    }
)

RUN_TIME = timedelta(minutes=7)  # Less than a lease, because the last package may take a while.
CHECKPOINT_KEPT_FOR = timedelta(days=30)

_CHECKPOINT_KIND = "upkeep-mark"

T = TypeVar("T")
Visit = Callable[[T], Awaitable[None]]


@dataclass(frozen=True)
class Checkpoints:
    """Visits all packages or things, in several runs if one is too short."""

    metadata: MetadataStore
    work: WorkStore
    clock: Clock

    async def visit_packages(self, task: str, visit: Visit[Head]) -> bool:
        """Visit packages by key, from the last checkpoint on; return whether all were visited.

        The run ends after the package during which its time is over.
        """
        until_ms, after = self._until(), await self._checkpoint(task)
        async for heads in package_batches(self.metadata, UPKEEP_BATCH, after=after):
            for head in heads:
                await visit(head)
                after = head.package.key
                if self.clock.now_ms() >= until_ms:
                    await self._save(task, after)
                    return False
            await self._save(task, after)
        await self._save(task, "")
        return True

    async def visit(self, task: str, things: AsyncIterator[T], visit: Visit[T]) -> bool:
        """Visit things, from the last checkpoint; return whether all were visited.

        The checkpoint is a count: of things that change between two runs, some may be visited
        twice, and some not before the next round.
        """
        until_ms, visited = self._until(), int(await self._checkpoint(task) or 0)
        count = 0
        async for thing in things:
            count += 1
            if count <= visited:
                continue
            await visit(thing)
            if self.clock.now_ms() >= until_ms:
                await self._save(task, str(count))
                return False
        await self._save(task, "")
        return True

    def _until(self) -> int:
        return self.clock.now_ms() + RUN_TIME // _MS

    async def _checkpoint(self, task: str) -> str:
        return await self.work.peek(_CHECKPOINT_KIND, task, self.clock.now_ms()) or ""

    async def _save(self, task: str, after: str) -> None:
        ends_ms = self.clock.now_ms() + CHECKPOINT_KEPT_FOR // _MS
        await self.work.put(_CHECKPOINT_KIND, task, after, ends_ms)


UPKEEP_BATCH = 200  # Records that a task holds at once, so that its memory stays bounded.
