"""The last run of each task is remembered, and when the next is due."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from shared.auth.authorization import Administration
from shared.domain.accounts import Account
from shared.domain.errors.requests import Busy
from shared.domain.identity import Grant, Principal
from shared.domain.records import Entity, Place
from shared.domain.status import TASK_REQUEST_LIFETIME, TaskReport, TaskRequest
from shared.services.leases import RENEWALS, Leases
from shared.services.limits.notices import ReadOnlyMode
from shared.services.maintenance.package_tasks import DeleteOrphanedArchives
from shared.services.maintenance.record_tasks import ProcessOutboxes
from shared.services.maintenance.snapshots import CreateSnapshot
from shared.services.maintenance.tasks import (
    BEGINS_WITHIN,
    TASK_LEASE,
    MaintenanceTasks,
    Task,
    TaskRequests,
    TaskRuns,
    Upkeep,
)
from tests.fakes.services import changes_allowed, changes_refused, fake_record_writer
from tests.fakes.stores import FakeDirectory, FakeEvents, FakeWork
from tests.fakes.system import FakeClock, FakeRandomness
from tests.fakes.tasks import fake_task

AUDIT = fake_task()
SNAPSHOT = fake_task(CreateSnapshot)
ORPHANS = fake_task(DeleteOrphanedArchives)
OUTBOXES = fake_task(ProcessOutboxes)


def by_id(*tasks: Task) -> MaintenanceTasks:
    return {each.id: each for each in tasks}


async def due(upkeep: Upkeep) -> list[str]:
    return [each.id for each in await upkeep.due()]


def at(clock: FakeClock, text: str) -> int:
    """Set the clock, and return its time."""
    clock.at_ms = int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
    return clock.at_ms


# --- Which tasks are due -----------------------------------------------------------------------


@dataclass
class CountedWork(FakeWork):
    """Counts the reads of records."""

    reads: int = 0

    async def peek(self, kind: str, key: str, now_ms: int) -> str | None:
        self.reads += 1
        return await super().peek(kind, key, now_ms)


@dataclass
class SlowTask:
    """A task that notes how many processes are at it."""

    clock: FakeClock
    inside: int = 0
    most: int = 0
    runs: int = 0
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> TaskReport:
        self.runs += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.release.wait()
        self.inside -= 1
        return TaskReport()

    async def begun(self, runs: int = 1) -> None:
        """Wait until the task has begun so many times."""
        async with asyncio.timeout(10):
            while self.runs < runs:
                await asyncio.sleep(0)


RENEWED_EVERY = TASK_LEASE / RENEWALS


@dataclass
class Sleep:
    """A sleep that ends when the test lets time pass."""

    clock: FakeClock
    ends: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def __call__(self, _seconds: float) -> None:
        await self.ends.acquire()

    async def pass_by(self, time: timedelta) -> None:
        """Let time pass, and everything happen that is due in it."""
        for _ in range(time // RENEWED_EVERY):
            self.clock.advance(RENEWED_EVERY)
            self.ends.release()
            for _ in range(4):
                await asyncio.sleep(0)


def process(work: FakeWork, task: SlowTask, name: str, sleep: Sleep | None = None) -> Upkeep:
    runs, tasks = TaskRuns(work, task.clock), by_id(fake_task(DeleteOrphanedArchives, task))
    leases = Leases(work, task.clock, FakeRandomness(name), sleep or Sleep(task.clock))
    return Upkeep(leases, task.clock, changes_allowed(), runs, tasks)


async def with_a_task_that_is_due() -> tuple[FakeWork, SlowTask, Upkeep]:
    work, task = FakeWork(), SlowTask(FakeClock())
    upkeep = process(work, task, "one")
    at(task.clock, "2026-11-20T03:00:00")
    assert await upkeep.due() == []
    at(task.clock, "2026-11-20T03:20:20")
    return work, task, upkeep


async def test_of_two_processes_one_runs_a_task_that_is_due() -> None:
    work, task, one = await with_a_task_that_is_due()
    other = process(work, task, "other")
    assert await due(one) == await due(other) == [ORPHANS.id]
    running = asyncio.create_task(one.run_due(ORPHANS.id))
    await asyncio.sleep(0)
    assert await other.run_due(ORPHANS.id) is None  # It is running.
    task.release.set()
    assert await running == TaskReport()
    assert await due(other) == [ORPHANS.id]
    assert await other.run_due(ORPHANS.id) is None  # It has run.
    assert await other.due() == []
    assert (task.runs, task.most) == (1, 1)


async def test_a_task_of_a_killed_process_runs_again_within_two_minutes() -> None:
    work, task, other = await with_a_task_that_is_due()
    sleep = Sleep(task.clock)
    killed = asyncio.create_task(process(work, task, "killed", sleep).run_due(ORPHANS.id))
    await task.begun()
    await sleep.pass_by(timedelta(minutes=15))
    assert await other.run_due(ORPHANS.id) is None
    task.clock.advance(timedelta(minutes=1))  # The timer fires each minute.
    task.release.set()
    assert await due(other) == [ORPHANS.id]
    assert await other.run_due(ORPHANS.id) == TaskReport()
    await killed


async def test_a_task_that_runs_for_long_keeps_its_lease() -> None:
    work, task, upkeep = await with_a_task_that_is_due()
    other, sleep = process(work, task, "other"), Sleep(task.clock)
    running = asyncio.create_task(process(work, task, "one", sleep).run_due(ORPHANS.id))
    await task.begun()
    for _ in range(30):
        await sleep.pass_by(timedelta(minutes=1))
        assert await other.run_due(ORPHANS.id) is None
    task.release.set()
    assert await running == TaskReport()
    assert await upkeep.run(ORPHANS.id) == TaskReport()  # The lease has ended with the task.
    assert task.most == 1


@dataclass
class FailingWork(FakeWork):
    """Fails while it is told to."""

    fails: bool = False

    async def lease(self, name: str, owner: str, now_ms: int, until_ms: int) -> bool:
        if self.fails:
            raise Busy
        return await super().lease(name, owner, now_ms, until_ms)


async def test_a_lease_outlives_two_renewals_that_fail() -> None:
    work, task = FailingWork(), SlowTask(FakeClock())
    sleep = Sleep(task.clock)
    running = asyncio.create_task(process(work, task, "one", sleep).run(ORPHANS.id))
    await task.begun()
    await sleep.pass_by(RENEWED_EVERY)
    work.fails = True
    await sleep.pass_by(2 * RENEWED_EVERY)
    work.fails = False
    assert await process(work, task, "other").run(ORPHANS.id) is None
    await sleep.pass_by(2 * RENEWED_EVERY)
    assert await process(work, task, "other").run(ORPHANS.id) is None
    task.release.set()
    await running


async def test_a_lost_lease_is_not_taken_back() -> None:
    work, task = FakeWork(), SlowTask(FakeClock())
    sleep = Sleep(task.clock)
    running = asyncio.create_task(process(work, task, "one", sleep).run(ORPHANS.id))
    await task.begun()
    await sleep.pass_by(RENEWED_EVERY)
    task.clock.advance(TASK_LEASE)
    other = asyncio.create_task(process(work, task, "other").run(ORPHANS.id))
    await task.begun(2)
    taken = dict(work.leases)
    await sleep.pass_by(2 * RENEWED_EVERY)
    assert work.leases == taken
    task.release.set()
    assert [await running, await other] == [TaskReport()] * 2


async def test_a_task_that_kills_its_process_runs_twice_and_then_at_its_next_time() -> None:
    work, task, upkeep = await with_a_task_that_is_due()
    begun: list[bool] = []
    for _ in range(4):
        before = task.runs
        await upkeep.due()
        running = asyncio.create_task(upkeep.run_due(ORPHANS.id))
        await asyncio.sleep(0)
        running.cancel()  # As a killed process, it stores no run.
        await asyncio.gather(running, return_exceptions=True)
        begun.append(task.runs > before)
        task.clock.advance(timedelta(minutes=10))
        upkeep = process(work, task, "restarted")
    assert begun == [True, True, False, False]
    at(task.clock, "2026-11-21T03:20:20")
    task.release.set()
    assert await due(upkeep) == [ORPHANS.id]
    assert await upkeep.run_due(ORPHANS.id) == TaskReport()


async def test_a_task_that_may_not_begin_is_not_asked_for_again_each_minute() -> None:
    _work, task, upkeep = await with_a_task_that_is_due()
    for _ in range(2):
        assert await upkeep.runs.begin(ORPHANS)
    assert await upkeep.run_due(ORPHANS.id) is None
    assert await upkeep.due() == []
    assert task.runs == 0
    # A frequent task has its next time before the lease of a killed run would end.
    reads = CountedWork()
    assert await TaskRuns(reads, task.clock).begin(OUTBOXES)
    assert reads.reads == 0


async def test_a_task_that_was_cancelled_stays_due() -> None:
    work, task, upkeep = await with_a_task_that_is_due()
    running = asyncio.create_task(upkeep.run_due(ORPHANS.id))
    await asyncio.sleep(0)
    running.cancel()  # The host stops.
    await asyncio.gather(running, return_exceptions=True)
    task.release.set()
    restarted = process(work, task, "other")
    assert await due(restarted) == [ORPHANS.id]
    assert await restarted.run_due(ORPHANS.id) == TaskReport()


E = TypeVar("E", bound=Entity)

ADMIN = Account(id="admin00000", name="kim", administrator=True, created_ms=1)
MEMBER = Account(id="member0000", name="ann", created_ms=1)


TASKS = by_id(AUDIT, SNAPSHOT, ORPHANS)
A_SECOND = timedelta(seconds=1)


@dataclass
class Running:
    """Runs tasks, each for a while, and says of each what it was told to."""

    clock: FakeClock
    lasts: timedelta
    reports: list[TaskReport | Exception | None]
    ran: list[str] = field(default_factory=list[str])

    async def __call__(self, task: str) -> TaskReport | None:
        """Run a task."""
        self.ran.append(task)
        self.clock.advance(self.lasts)
        report = self.reports.pop(0) if self.reports else TaskReport()
        if isinstance(report, Exception):
            raise report
        return report


@dataclass
class Desk:
    """What wishes are noted with."""

    clock: FakeClock = field(default_factory=FakeClock)
    events: FakeEvents = field(default_factory=FakeEvents)
    read_only_mode: ReadOnlyMode = field(default_factory=changes_allowed)
    randomness: FakeRandomness = field(default_factory=lambda: FakeRandomness("wishes"))
    directory: FakeDirectory = field(default_factory=lambda: FakeDirectory.holding(ADMIN, MEMBER))

    @property
    def task_requests(self) -> TaskRequests:
        administration = Administration(self.directory, self.clock)
        notes = fake_record_writer(
            self.directory, self.events, self.clock, randomness=self.randomness
        )
        return TaskRequests(
            administration, TASKS, self.directory, notes, self.read_only_mode, self.clock
        )

    def signed_in(self, account: Account = ADMIN, *, ago: timedelta = timedelta(0)) -> Principal:
        at_ms = self.clock.now_ms() - ago // timedelta(milliseconds=1)
        return Principal(account.id, "session", (Grant(),), signed_in_ms=at_ms)

    async def ask(self, *tasks: str) -> None:
        for task in tasks:
            await self.task_requests.request(task, by=self.signed_in())
            self.clock.advance(timedelta(milliseconds=1))

    async def serve(
        self, *reports: TaskReport | Exception | None, lasts: timedelta = A_SECOND
    ) -> list[str]:
        running = Running(self.clock, lasts, list(reports))
        await self.task_requests.run_requested(running)
        return running.ran


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_a_task_request_that_was_not_run_for_a_day_is_made_again(desk: Desk) -> None:
    await desk.ask(AUDIT.id)
    desk.clock.advance(TASK_REQUEST_LIFETIME)
    assert await desk.serve() == []
    await desk.ask(AUDIT.id)
    assert await desk.serve() == [AUDIT.id]
    assert len(await desk.events.since(0, 10)) == 2


async def test_an_unfinished_task_continues_after_those_that_have_not_begun(desk: Desk) -> None:
    await desk.ask(AUDIT.id)
    await desk.serve(TaskReport(unfinished=True))
    await desk.ask(ORPHANS.id)
    assert await desk.serve() == [ORPHANS.id, AUDIT.id]
    assert await desk.task_requests.pending() == {}


async def test_nothing_is_taken_up_while_the_registry_takes_no_changes(desk: Desk) -> None:
    await desk.ask(AUDIT.id)
    desk.read_only_mode = changes_refused()
    before = desk.directory.every(TaskRequest)
    assert await desk.serve() == []
    assert desk.directory.every(TaskRequest) == before


async def test_a_failed_task_is_not_repeated_by_itself(desk: Desk) -> None:
    await desk.ask(AUDIT.id, ORPHANS.id)
    with pytest.raises(ValueError, match="no such thing"):
        await desk.serve(ValueError("no such thing"))
    assert await desk.serve() == [ORPHANS.id]


async def test_a_task_that_cannot_begin_in_time_waits_for_the_next_minute(desk: Desk) -> None:
    await desk.ask(*TASKS)
    assert await desk.serve(lasts=BEGINS_WITHIN / 2) == [AUDIT.id, SNAPSHOT.id]
    assert await desk.serve() == [ORPHANS.id]


async def test_a_task_request_that_another_instance_runs_is_left_to_it(desk: Desk) -> None:
    await desk.ask(AUDIT.id, ORPHANS.id)

    async def meanwhile(_task: str) -> TaskReport:
        for task_request in desk.directory.every(TaskRequest):
            await desk.directory.replace(task_request)  # As another instance does that takes it up.
        return TaskReport()

    await desk.task_requests.run_requested(meanwhile)
    assert set(await desk.task_requests.pending()) == {AUDIT.id, ORPHANS.id}


@dataclass
class Late(FakeDirectory):
    """A directory that shows no entity that is there."""

    async def get(self, kind: type[E], place: Place) -> E | None:
        """Return accounts alone."""
        return await FakeDirectory.get(self, kind, place) if kind is Account else None


async def test_one_of_two_concurrent_task_requests_is_stored(desk: Desk) -> None:
    await desk.ask(AUDIT.id)
    desk.directory = Late(desk.directory.entities)
    await desk.ask(AUDIT.id)
    assert list(await desk.task_requests.pending()) == [AUDIT.id]


async def test_a_task_request_that_was_made_again_meanwhile_remains(desk: Desk) -> None:
    await desk.ask(AUDIT.id)

    async def lasting_for_a_day(task: str) -> TaskReport:
        desk.clock.advance(TASK_REQUEST_LIFETIME)
        await desk.ask(task)
        return TaskReport()

    await desk.task_requests.run_requested(lasting_for_a_day)
    assert list(await desk.task_requests.pending()) == [AUDIT.id]
