"""The last run of each task is remembered, and when the next is due."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.errors.requests import Busy
from shared.domain.tasks import TaskReport
from shared.services.leases import RENEWALS, Leases
from shared.services.maintenance.delete_orphaned_archives import DeleteOrphanedArchives
from shared.services.maintenance.process_outboxes import ProcessOutboxes
from shared.services.maintenance.tasks import (
    TASK_LEASE,
    TASK_REQUEST_LIFETIME,
    MaintenanceTasks,
    RequestedTasks,
    Task,
    TaskRunner,
    TaskRuns,
)
from tests.fakes.services import changes_allowed
from tests.fakes.stores import FakeWork
from tests.fakes.system import FakeClock, FakeRandomness
from tests.fakes.tasks import fake_task

ORPHANS = fake_task(DeleteOrphanedArchives)


def by_id(*tasks: Task) -> MaintenanceTasks:
    return {each.id: each for each in tasks}


async def due(runner: TaskRunner) -> list[str]:
    return [each.id for each in await runner.due()]


def at(clock: FakeClock, text: str) -> int:
    """Set the clock, and return its time."""
    clock.at_ms = int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
    return clock.at_ms


@dataclass
class SlowTask:
    """A task that notes how many processes are at it."""

    clock: FakeClock
    inside: int = 0
    most: int = 0
    runs: int = 0
    report: TaskReport = field(default_factory=TaskReport)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> TaskReport:
        self.runs += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.release.wait()
        self.inside -= 1
        return self.report

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


def process(work: FakeWork, task: SlowTask, name: str, sleep: Sleep | None = None) -> TaskRunner:
    runs = TaskRuns(work, task.clock)
    tasks = by_id(fake_task(DeleteOrphanedArchives, task))
    leases = Leases(work, task.clock, FakeRandomness(name), sleep or Sleep(task.clock))
    requests = RequestedTasks(work, task.clock)
    return TaskRunner(leases, task.clock, changes_allowed(), runs, requests, tasks)


async def with_a_task_that_is_due() -> tuple[FakeWork, SlowTask, TaskRunner]:
    work = FakeWork()
    task = SlowTask(FakeClock())
    runner = process(work, task, "one")
    at(task.clock, "2026-11-20T03:00:00")
    assert await runner.due() == []
    at(task.clock, "2026-11-20T03:20:20")
    return work, task, runner


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


async def test_of_two_processes_one_runs_a_task_that_was_asked_for() -> None:
    work = FakeWork()
    task = SlowTask(FakeClock())
    one = process(work, task, "one")
    other = process(work, task, "other")
    assert await one.due() == await other.due() == []
    assert await one.requests.add(one.tasks[ORPHANS.id])
    assert not await other.requests.add(other.tasks[ORPHANS.id])  # Somebody asked before.
    assert await due(one) == await due(other) == [ORPHANS.id]
    task.release.set()
    assert await one.run_due(ORPHANS.id) == TaskReport()
    assert await other.run_due(ORPHANS.id) is None
    assert await one.due() == await other.due() == []
    assert task.runs == 1


async def test_a_run_that_was_asked_for_and_is_unfinished_goes_on() -> None:
    work = FakeWork()
    task = SlowTask(FakeClock(), report=TaskReport(unfinished=True))
    runner = process(work, task, "one")
    await runner.requests.add(runner.tasks[ORPHANS.id])
    task.release.set()
    for _ in range(2):
        task.clock.advance(timedelta(minutes=1))
        assert await due(runner) == [ORPHANS.id]
        await runner.run_due(ORPHANS.id)
    task.report = TaskReport()
    task.clock.advance(timedelta(minutes=1))
    assert await due(runner) == [ORPHANS.id]
    await runner.run_due(ORPHANS.id)
    assert await due(runner) == []


async def test_a_request_outlives_a_store_that_fails_when_its_run_begins() -> None:
    work = FailingWork()
    task = SlowTask(FakeClock())
    runner = process(work, task, "one")
    await runner.requests.add(runner.tasks[ORPHANS.id])
    assert await due(runner) == [ORPHANS.id]
    work.failing = "take"
    with pytest.raises(Busy):
        await runner.run_due(ORPHANS.id)
    work.failing = ""
    task.release.set()
    task.clock.advance(timedelta(minutes=1))
    assert await due(runner) == [ORPHANS.id]
    assert await runner.run_due(ORPHANS.id) == TaskReport()
    assert await due(runner) == []


async def test_what_nobody_ran_for_a_day_is_asked_for_no_more() -> None:
    work = FakeWork()
    task = SlowTask(FakeClock())
    await process(work, task, "one").requests.add(fake_task(DeleteOrphanedArchives, task))
    task.clock.advance(TASK_REQUEST_LIFETIME)
    later = process(work, task, "later")
    assert await later.requests.due(later.tasks.values()) == []
    assert await later.requests.read(later.tasks.values()) == {}


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
    work, task, runner = await with_a_task_that_is_due()
    other = process(work, task, "other")
    sleep = Sleep(task.clock)
    running = asyncio.create_task(process(work, task, "one", sleep).run_due(ORPHANS.id))
    await task.begun()
    for _ in range(30):
        await sleep.pass_by(timedelta(minutes=1))
        assert await other.run_due(ORPHANS.id) is None
    task.release.set()
    assert await running == TaskReport()
    assert await runner.run(ORPHANS.id) == TaskReport()  # The lease has ended with the task.
    assert task.most == 1


@dataclass
class FailingWork(FakeWork):
    """Fails while it is told to."""

    failure: Exception | None = None
    failing: str = ""

    async def take(self, kind: str, key: str, now_ms: int) -> str | None:
        if self.failing == "take":
            raise Busy
        return await super().take(kind, key, now_ms)

    async def lease(self, name: str, owner: str, now_ms: int, until_ms: int) -> bool:
        if self.failure is not None:
            raise self.failure
        return await super().lease(name, owner, now_ms, until_ms)


@pytest.mark.parametrize("failure", [Busy(), KeyError("x")], ids=type)
async def test_a_lease_outlives_two_renewals_that_fail(failure: Exception) -> None:
    work = FailingWork()
    task = SlowTask(FakeClock())
    sleep = Sleep(task.clock)
    running = asyncio.create_task(process(work, task, "one", sleep).run(ORPHANS.id))
    await task.begun()
    await sleep.pass_by(RENEWED_EVERY)
    work.failure = failure
    await sleep.pass_by(2 * RENEWED_EVERY)
    work.failure = None
    assert await process(work, task, "other").run(ORPHANS.id) is None
    await sleep.pass_by(2 * RENEWED_EVERY)
    assert await process(work, task, "other").run(ORPHANS.id) is None
    task.release.set()
    await running


async def test_a_lost_lease_is_not_taken_back() -> None:
    work = FakeWork()
    task = SlowTask(FakeClock())
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
    work, task, runner = await with_a_task_that_is_due()
    begun: list[bool] = []
    for _ in range(4):
        before = task.runs
        await runner.due()
        running = asyncio.create_task(runner.run_due(ORPHANS.id))
        async with asyncio.timeout(10):
            while task.runs == before and not running.done():
                await asyncio.sleep(0)
        running.cancel()  # As a killed process, it stores no run.
        await asyncio.gather(running, return_exceptions=True)
        begun.append(task.runs > before)
        task.clock.advance(timedelta(minutes=10))
        runner = process(work, task, "restarted")
    assert begun == [True, True, False, False]
    at(task.clock, "2026-11-21T03:20:20")
    task.release.set()
    assert await due(runner) == [ORPHANS.id]
    assert await runner.run_due(ORPHANS.id) == TaskReport()


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_after_the_clock_was_set_back_a_task_runs_at_once_and_then_by_its_schedule(
    *, is_restarted: bool
) -> None:
    work, task, runner = await with_a_task_that_is_due()
    task.release.set()
    assert await runner.run_due(ORPHANS.id) == TaskReport()
    at(task.clock, "2026-11-18T01:00:00")
    if is_restarted:
        runner = process(work, task, "restarted")
    [state] = await runner.task_states()
    assert state.due_ms == task.clock.now_ms()
    assert await due(runner) == [ORPHANS.id]
    assert await runner.run_due(ORPHANS.id) == TaskReport()
    assert await due(runner) == []
    for day in ("2026-11-18", "2026-11-19"):
        at(task.clock, f"{day}T03:19:59")
        assert await due(runner) == []
        at(task.clock, f"{day}T03:20:20")
        assert await due(runner) == [ORPHANS.id]
        assert await runner.run_due(ORPHANS.id) == TaskReport()


async def test_a_run_of_an_instance_whose_clock_is_ahead_is_not_repeated_at_once() -> None:
    work, task, runner = await with_a_task_that_is_due()
    task.release.set()
    assert await runner.run_due(ORPHANS.id) == TaskReport()
    task.clock.advance(-timedelta(seconds=59))
    assert await due(process(work, task, "behind")) == []


async def test_a_task_that_may_not_begin_is_not_asked_for_again_each_minute() -> None:
    _work, task, runner = await with_a_task_that_is_due()
    for _ in range(2):
        assert await runner.runs.begin(ORPHANS)
    assert await runner.run_due(ORPHANS.id) is None
    assert await runner.due() == []
    assert task.runs == 0
    # A frequent task has its next time before the lease of a killed run would end.
    for _ in range(3):
        assert await runner.runs.begin(fake_task(ProcessOutboxes))


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_tasks_go_on_after_the_clock_was_set_back(*, is_restarted: bool) -> None:
    work, task, runner = await with_a_task_that_is_due()
    task.release.set()
    at(task.clock, "2031-01-01T00:00:00")  # As a machine whose clock has lost its battery.
    assert await runner.run_due(ORPHANS.id) == TaskReport()
    assert await runner.due() == []
    at(task.clock, "2026-11-20T04:00:00")
    if is_restarted:
        runner = process(work, task, "restarted")
    for time in ("20T04:00:10", "21T03:20:20", "22T03:20:20", "23T03:20:20"):
        at(task.clock, f"2026-11-{time}")
        assert await due(runner) == [ORPHANS.id]
        assert await runner.run_due(ORPHANS.id) == TaskReport()
        assert await runner.due() == []


async def test_a_task_that_was_cancelled_stays_due() -> None:
    work, task, runner = await with_a_task_that_is_due()
    running = asyncio.create_task(runner.run_due(ORPHANS.id))
    await asyncio.sleep(0)
    running.cancel()  # The host stops.
    await asyncio.gather(running, return_exceptions=True)
    task.release.set()
    restarted = process(work, task, "other")
    assert await due(restarted) == [ORPHANS.id]
    assert await restarted.run_due(ORPHANS.id) == TaskReport()
