"""Maintenance tasks: what one is, where a long one continues, which are due, and who runs them."""

import asyncio
from abc import ABC, ABCMeta, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import ClassVar, TypeVar

from msgspec import Struct, StructMeta

from shared.domain.errors.base import InvalidRequest, Unavailable
from shared.domain.packages import Head
from shared.domain.tasks import PROBLEMS_KEPT, TaskReport, TaskResult, TaskRun, TaskState
from shared.domain.times import CLOCK_DIFFERENCE_MS, MS
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.runtime.schedules import next_run
from shared.services.leases import Leases
from shared.services.limits.notices import ReadOnlyMode
from shared.services.record_batches import RECORDS_AT_ONCE, package_batches


class _AbstractStruct(StructMeta, ABCMeta):
    """The metaclass of structs that have abstract methods."""


class Task(Struct, frozen=True, metaclass=_AbstractStruct):
    """A maintenance task: all that the timer, pages, commands and documentation say of it, and its
    work. A run is safe to repeat and to stop halfway.

    The fields of a subclass are what the registry creates it with. A registry has no task that
    requires an adapter or service that is None there.
    """

    id: ClassVar[str]  # Verb and noun; in commands, logs, metrics and stored runs.
    title: ClassVar[str]
    sentence: ClassVar[str]  # For administrators.
    # A cron expression with equal intervals; None for a task that runs on request.
    schedule: ClassVar[str | None]
    runs_first: ClassVar[bool] = False  # At the first call of the timer if it never ran.
    longest_run: ClassVar[timedelta] = timedelta(minutes=10)
    runs_in_read_only_mode: ClassVar[bool] = False  # Only if it changes no records.

    @abstractmethod
    async def run(self) -> TaskReport: ...


class Guarded(ABC):
    """A task that stops with a problem before it does harm, and that an operator may force."""

    @abstractmethod
    async def run_forced(self) -> TaskReport:
        """Do what `run` may refuse; by hand, never by the timer."""
        ...


LONGEST_CALL = timedelta(minutes=30)  # The host ends a Function that runs longer.

MaintenanceTasks = Mapping[str, Task]  # By id.


def require_task(tasks: MaintenanceTasks, name: str) -> Task:
    """Return the task of this id, or raise `InvalidRequest`."""
    task = tasks.get(name)
    if task is None:
        known = ", ".join(tasks)
        sentence = f"This registry has no task of that name. There are: {known}."
        raise InvalidRequest(sentence)
    return task


RUN_TIME = timedelta(minutes=7)  # Less than a run may take: the last package may take a while.
CHECKPOINT_KEPT_FOR = timedelta(days=30)

_CHECKPOINT_KIND = "upkeep-mark"

T = TypeVar("T")
Visit = Callable[[T], Awaitable[None]]


class Checkpoints(Struct, frozen=True):
    """Visits all packages or things, in several runs if one is too short."""

    metadata: MetadataStore
    work: WorkStore
    clock: Clock

    async def visit_packages(self, task: Task, visit: Visit[Head]) -> bool:
        """Visit packages by key, from the last checkpoint on; return whether all were visited.

        The run ends after the package during which its time is over.
        """
        until_ms = self._until()
        after = await self._checkpoint(task)
        async for heads in package_batches(self.metadata, RECORDS_AT_ONCE, after=after):
            for head in heads:
                await visit(head)
                after = head.key
                if self.clock.now_ms() >= until_ms:
                    await self._save(task, after)
                    return False
            await self._save(task, after)
        await self._save(task, "")
        return True

    async def visit(self, task: Task, things: AsyncIterator[T], visit: Visit[T]) -> bool:
        """Visit things, from the last checkpoint; return whether all were visited.

        The checkpoint is a count: of things that change between two runs, some may be visited
        twice, and some not before the next round.
        """
        until_ms = self._until()
        visited = int(await self._checkpoint(task) or 0)
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
        return self.clock.now_ms() + RUN_TIME // MS

    async def _checkpoint(self, task: Task) -> str:
        return await self.work.peek(_CHECKPOINT_KIND, task.id, self.clock.now_ms()) or ""

    async def _save(self, task: Task, after: str) -> None:
        ends_ms = self.clock.now_ms() + CHECKPOINT_KEPT_FOR // MS
        await self.work.put(_CHECKPOINT_KIND, task.id, after, ends_ms)


# How long a task waits after a crash, and up to a minute more for the next timer.
TASK_LEASE = timedelta(minutes=1)


class TaskRuns:
    """Stores the last run of each task, for all processes, and tells which are due."""

    def __init__(self, work: WorkStore, clock: Clock) -> None:
        self._work = work
        self._clock = clock
        self._cached: list[TaskState] = []
        self._cached_ms = 0
        # When a task is due at the earliest: a run of another process only makes it later.
        self._due_ms: dict[str, int] = {}
        self._asked_ms = 0  # When this process asked last which tasks are due.
        self._first_ms: int | None = None

    async def save(self, task: Task, started_ms: int, report: TaskReport | None) -> None:
        """Store a run that ended now; without a report it failed."""
        now_ms = self._clock.now_ms()
        run = _run_of(task, started_ms, now_ms, report).model_dump_json()
        ends_ms = now_ms + TASK_RUNS_KEPT_FOR // MS
        await self._work.put(_RUN_KIND, task.id, run, ends_ms)
        self._set_due(task, started_ms)

    async def read(self, tasks: Iterable[Task]) -> list[TaskState]:
        return list(await asyncio.gather(*(self._of(task) for task in tasks)))

    async def read_cached(self, tasks: Iterable[Task]) -> list[TaskState]:
        """Return the state of each task as it was a few seconds ago."""
        now_ms = self._clock.monotonic_ms()
        if not self._cached or now_ms - self._cached_ms >= TASK_RUNS_CACHED_FOR // MS:
            self._cached = await self.read(tasks)
            self._cached_ms = now_ms
        return self._cached

    async def due(self, tasks: Iterable[Task]) -> list[Task]:
        """Return the scheduled tasks that are due, as far as this process knows.

        Reads only the records of tasks of which it does not know when they are due. Several missed
        runs are one; a task that never ran is due by its schedule, from the first call in this
        registry on, or at that call. After the clock was set back, each that ran later than now is
        due: it may need hours to get there again.
        """
        asked_ms = self._clock.now_ms()
        if asked_ms < self._asked_ms:  # The clock was set back.
            self._due_ms.clear()
        self._asked_ms = asked_ms
        scheduled = [task for task in tasks if task.schedule]
        for task in scheduled:
            if task.id not in self._due_ms:
                await self._read_due(task)
        now_ms = self._clock.now_ms()
        return [task for task in scheduled if self._due_ms[task.id] <= now_ms]

    async def is_due(self, task: Task) -> bool:
        """Read the record of a task, and return whether it is due; never without a schedule."""
        await self._read_due(task)
        return task.id in self._due_ms and self._due_ms[task.id] <= self._clock.now_ms()

    async def begin(self, task: Task) -> bool:
        """Note that a task which is due begins; return False if it may not before its next time.

        A task that was killed twice would kill each process that tries again. The next time of a
        task of each minute comes before the lease of a killed run ends, so nothing is noted of it.
        """
        now_ms = self._clock.now_ms()
        next_ms = next_run(task.schedule, now_ms) if task.schedule else now_ms
        if next_ms - now_ms <= TASK_LEASE // MS:
            return True
        # Another key for each time, or what a clock that ran ahead counted would count for years.
        key = f"{task.id}:{next_ms}"
        attempts = int(await self._work.peek(_ATTEMPTS_KIND, key, now_ms) or 0)
        if attempts >= MAX_ATTEMPTS:
            self._due_ms[task.id] = next_ms
            return False
        await self._work.put(_ATTEMPTS_KIND, key, str(attempts + 1), next_ms)
        return True

    async def _read_due(self, task: Task) -> None:
        last = await self._last_run(task)
        since_ms = last.started_ms if last else await self._first_call()
        if task.runs_first and last is None:
            self._due_ms[task.id] = min(since_ms, self._clock.now_ms())
        else:
            self._set_due(task, since_ms)

    def _set_due(self, task: Task, since_ms: int) -> None:
        due_ms = self._next_ms(task, since_ms)
        if due_ms is not None:
            self._due_ms[task.id] = due_ms

    def _next_ms(self, task: Task, since_ms: int) -> int | None:
        """Return when a task that ran at a time is due next; None without a schedule."""
        now_ms = self._clock.now_ms()
        if not task.schedule:
            return None
        is_set_back = since_ms > now_ms + CLOCK_DIFFERENCE_MS
        return now_ms if is_set_back else next_run(task.schedule, since_ms)

    async def _first_call(self) -> int:
        """Return when tasks of this registry were first asked for, in milliseconds since 1970."""
        if self._first_ms is None:
            now_ms = self._clock.now_ms()
            stored = await self._work.peek(_FIRST_CALL_KIND, _FIRST_CALL, now_ms)
            if stored is None:
                ends_ms = now_ms + TASK_RUNS_KEPT_FOR // MS
                await self._work.put(_FIRST_CALL_KIND, _FIRST_CALL, str(now_ms), ends_ms)
            self._first_ms = int(stored or now_ms)
        return self._first_ms

    async def _of(self, task: Task) -> TaskState:
        last = await self._last_run(task)
        since_ms = last.started_ms if last else self._clock.now_ms()
        return TaskState(task.id, last, self._next_ms(task, since_ms))

    async def _last_run(self, task: Task) -> TaskRun | None:
        text = await self._work.peek(_RUN_KIND, task.id, self._clock.now_ms())
        return None if text is None else TaskRun.model_validate_json(text)


class RequestedTasks:
    """Runs that administrators ask for, stored for all processes until a timer begins them.

    A page does not run the task itself: clients give up on a response that takes minutes, and a
    host may stop an instance that seems idle after its response.
    """

    def __init__(self, work: WorkStore, clock: Clock) -> None:
        self._work = work
        self._clock = clock
        self._known = set[str]()  # The ids of requested tasks that have not begun in this process.
        self._seen = ""  # The last request when the requested tasks were read.

    async def add(self, task: Task) -> bool:
        """Ask for a run within a minute; return False if that was asked for before."""
        now_ms = self._clock.now_ms()
        ends_ms = now_ms + TASK_REQUEST_LIFETIME // MS
        is_new = await self._work.claim(
            _REQUEST_KIND, task.id, str(now_ms), expires_ms=ends_ms, now_ms=now_ms
        )
        # Written last: who reads that there is a request finds it.
        await self._work.put(_LAST_REQUEST_KIND, _LAST_REQUEST, f"{task.id} {now_ms}", ends_ms)
        return is_new

    async def read(self, tasks: Iterable[Task]) -> dict[str, int]:
        """Return when runs that have not begun were asked for, by the ids of their tasks."""
        return await self._read(tasks) if await self._last() else {}

    async def due(self, tasks: Iterable[Task]) -> list[Task]:
        """Return the tasks of all of these that were asked for. Reads one record, unless there is
        a request that this process has not seen."""
        every = list(tasks)
        last = await self._last()
        if last != self._seen:
            self._known = {*await self._read(every)}
            self._seen = last
        return [task for task in every if task.id in self._known]

    async def take(self, task: Task) -> bool:
        """Check whether a run that begins now was asked for, which ends the request. Of concurrent
        calls exactly one gets it. If the store fails, the request stays."""
        if task.id not in self._known:
            return False
        self._known.discard(task.id)
        try:
            return await self._work.take(_REQUEST_KIND, task.id, self._clock.now_ms()) is not None
        except Unavailable:
            self._known.add(task.id)
            raise

    async def _last(self) -> str:
        found = await self._work.peek(_LAST_REQUEST_KIND, _LAST_REQUEST, self._clock.now_ms())
        return found or ""

    async def _read(self, tasks: Iterable[Task]) -> dict[str, int]:
        every = list(tasks)
        now_ms = self._clock.now_ms()
        peek = self._work.peek
        found = await asyncio.gather(*(peek(_REQUEST_KIND, each.id, now_ms) for each in every))
        return {
            task.id: int(text) for task, text in zip(every, found, strict=True) if text is not None
        }


class TaskRunner(Struct, frozen=True):
    """Runs tasks by id, each in one process at a time."""

    leases: Leases
    clock: Clock
    read_only_mode: ReadOnlyMode
    runs: TaskRuns
    requests: RequestedTasks
    tasks: MaintenanceTasks

    async def due(self) -> list[Task]:
        """Return the tasks that are due or were asked for. Those that a read-only registry
        postpones are among them, and their runs say so: an alert tells them from stopped ones."""
        tasks = list(self.tasks.values())
        requested = await self.requests.due(tasks)
        due = await self.runs.due(tasks)
        return [*due, *(each for each in requested if each not in due)]

    async def run(self, task_id: str) -> TaskReport | None:
        """Run the task, or return None if another process is running it.

        Raises `TakesNoChanges` in a read-only registry, for a task that changes records.
        """
        task = self.tasks[task_id]
        async with self._leased(task) as is_leased:
            return await self._run(task, task.run) if is_leased else None

    async def run_forced(self, task_id: str) -> TaskReport | None:
        """Run the task as `run` does, without what guards it; raise `InvalidRequest` if nothing
        does."""
        task = self.tasks[task_id]
        if not isinstance(task, Guarded):
            guarded = [each.id for each in self.tasks.values() if isinstance(each, Guarded)]
            sentence = f"{task_id} cannot be forced. --force is for: {', '.join(guarded)}."
            raise InvalidRequest(sentence)
        async with self._leased(task) as is_leased:
            return await self._run(task, task.run_forced) if is_leased else None

    async def run_due(self, task_id: str) -> TaskReport | None:
        """Run a task that is due or was asked for, or return None if another process is running it
        or has run it, or if it was killed too often.

        A run that was asked for and is unfinished goes on a minute later. Raises what `run` raises.
        """
        task = self.tasks[task_id]
        async with self._leased(task) as is_leased:
            if not is_leased:
                return None
            is_requested = await self.requests.take(task)
            if not is_requested and not await self._may_begin(task):
                return None
            report = await self._run(task, task.run)
            if is_requested and report.unfinished:
                await self.requests.add(task)
            return report

    async def task_states(self) -> list[TaskState]:
        """Return the state of each task: its last run, and when the next is due."""
        return await self.runs.read(self.tasks.values())

    async def cached_task_states(self) -> list[TaskState]:
        """Return the states as they were a few seconds ago, mostly without a read."""
        return await self.runs.read_cached(self.tasks.values())

    async def _may_begin(self, task: Task) -> bool:
        return await self.runs.is_due(task) and await self.runs.begin(task)

    async def _run(self, task: Task, work: Callable[[], Awaitable[TaskReport]]) -> TaskReport:
        started_ms = self.clock.now_ms()
        try:
            report = await work()
        except Exception:  # A cancelled task is not saved, so that it stays due.
            await self._save(task, started_ms, None)
            raise
        await self._save(task, started_ms, report)
        return report

    async def _save(self, task: Task, started_ms: int, report: TaskReport | None) -> None:
        with suppress(Unavailable):  # The task has run even if this fails.
            await self.runs.save(task, started_ms, report)

    @asynccontextmanager
    async def _leased(self, task: Task) -> AsyncGenerator[bool]:
        if not task.runs_in_read_only_mode:
            await self.read_only_mode.require_changes_allowed()
        async with self.leases.held(f"upkeep:{task.id}", TASK_LEASE) as is_leased:
            yield is_leased


# How long the last run of a task is kept after the task no longer runs.
TASK_RUNS_KEPT_FOR = timedelta(days=400)
TASK_RUNS_CACHED_FOR = timedelta(seconds=10)

# If no timer ran for a day, the request has to be repeated.
TASK_REQUEST_LIFETIME = timedelta(days=1)

_REQUEST_KIND = "upkeep-request"
_LAST_REQUEST_KIND = "upkeep-last-request"
_LAST_REQUEST = "any"

_RUN_KIND = "upkeep-run"
# Attempts to run a task until its next scheduled time; killed runs are not stored.
MAX_ATTEMPTS = 2

_ATTEMPTS_KIND = "upkeep-attempts"
_FIRST_CALL_KIND = "upkeep-first"
_FIRST_CALL = "timer"


def _run_of(task: Task, started_ms: int, ended_ms: int, report: TaskReport | None) -> TaskRun:
    if report is None:
        return TaskRun(
            task=task.id, started_ms=started_ms, ended_ms=ended_ms, result=TaskResult.FAILED
        )
    return TaskRun(
        task=task.id,
        started_ms=started_ms,
        ended_ms=ended_ms,
        result=TaskResult.PROBLEMS if report.problems else TaskResult.DONE,
        seen=report.seen,
        changed=report.changed,
        problems=report.problems[:PROBLEMS_KEPT],
        unfinished=report.unfinished,
    )
