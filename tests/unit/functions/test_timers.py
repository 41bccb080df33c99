"""One timer runs every task that is due; none waits for a slow one or fails with another."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest
from azure.functions.timer import TimerRequest

from functions import timers
from shared.domain.errors.requests import Busy
from shared.domain.principals import OPERATOR
from shared.domain.tasks import TaskReport
from shared.hosting.triggers import functions_of
from shared.registry import Registry
from shared.runtime.schedules import next_run
from shared.services.maintenance.tasks import Task
from tests.fakes.tasks import fake_task
from tests.support.logs import capture_logs
from tests.support.tasks import TASKS
from tests.support.world import World

MINUTE = timedelta(minutes=1)
NIGHT = datetime(2026, 11, 20, 2, 4, 20, tzinfo=UTC)  # A snapshot is due 40 seconds later.
HOURS = 6  # From then on, in which every task is due at least once.


@dataclass
class Tasks:
    """Stands in for the tasks of a registry; each ends at once unless it is slow."""

    world: World
    slow: frozenset[str] = frozenset()
    failing: frozenset[str] = frozenset()
    ran: list[str] = field(default_factory=list[str])
    waiting: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def install(self) -> None:
        tasks: Any = self.world.registry.maintenance.task_runner.tasks
        for task in TASKS:
            tasks[task.id] = fake_task(task, lambda name=task.id: self._run(name))

    async def _run(self, name: str) -> TaskReport:
        self.ran.append(name)
        if name in self.slow:
            self.waiting += 1
            await self.released.wait()
        if name in self.failing:
            raise LookupError(name)
        return TaskReport()


@dataclass
class Waiting:
    """Waits until slow tasks alone are left, and lets the time pass; at the last look they end.

    What is in `then` happens at the look of that number.
    """

    tasks: Tasks
    looks: int
    then: Mapping[int, Callable[[], Awaitable[object]]] = field(default_factory=dict[int, Any])
    seen: int = 0

    async def __call__(self, jobs: timers.Jobs, seconds: float) -> None:
        self.seen += 1
        if self.seen in self.then:
            await self.then[self.seen]()
        if self.seen == self.looks:
            self.tasks.released.set()
            await asyncio.wait(jobs)
        async with asyncio.timeout(30):
            while sum(not job.done() for job in jobs) > self.tasks.waiting:
                await asyncio.sleep(0)
        self.tasks.world.clock.advance(timedelta(seconds=seconds))


def timer_of(world: World, wait: timers.Wait | None = None) -> Callable[[Any], Awaitable[object]]:
    app = func.FunctionApp()
    more = {} if wait is None else {"wait": wait}
    app.register_functions(timers.blueprint(world.registry, **more))
    [timer] = functions_of(app).timers
    return timer.call


async def fire(world: World, wait: timers.Wait | None = None) -> None:
    await timer_of(world, wait)(TimerRequest(past_due=False))


def set_clock(world: World, when: datetime) -> None:
    world.clock.at_ms = round(when.timestamp() * 1000)


@pytest.fixture
def tasks(world: World) -> Tasks:
    set_clock(world, NIGHT)
    tasks = Tasks(world)
    tasks.install()
    return tasks


def results(events: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(each["event"], each["task"]) for each in events if "task" in each]


async def test_every_task_runs_when_it_is_due(world: World) -> None:
    set_clock(world, NIGHT)
    timer = timer_of(world)
    past_due = TimerRequest(past_due=False)
    await timer(past_due)
    with capture_logs() as events:
        for _ in range(HOURS * 60):
            world.clock.advance(MINUTE)
            await timer(past_due)
    ran = [task for event, task in results(events) if event == "upkeep.done"]
    scheduled = {
        task.id: task.schedule
        for task in world.registry.maintenance.task_runner.tasks.values()
        if task.schedule
    }
    assert set(ran) == set(scheduled)
    assert {task: ran.count(task) for task in scheduled} == {
        task: runs_until(schedule, world.clock.now_ms()) for task, schedule in scheduled.items()
    }


def runs_until(schedule: str, end_ms: int) -> int:
    at_ms = end_ms - timedelta(hours=HOURS) // timedelta(milliseconds=1)
    count = 0
    while (at_ms := next_run(schedule, at_ms)) <= end_ms:
        count += 1
    return count


async def test_a_process_that_starts_anew_makes_up_for_what_never_ran(
    world: World, tasks: Tasks
) -> None:
    await fire(world)
    world.clock.advance(timedelta(minutes=9))
    restarted = Tasks(replace(world, instances=[Registry(world.registry.settings, world.stores)]))
    restarted.install()
    await fire(restarted.world)
    assert not tasks.ran
    assert sorted(restarted.ran) == [
        "count-usage",
        "create-snapshot",
        "delete-expired-records",
        "deliver-webhooks",
        "follow-upstream-withdrawals",
        "freeze-leaves",
        "generate-api-docs",
        "notify-dependents",
        "place-archives",
        "process-outboxes",
        "tell-followers",
        "update-search-index",
        "update-upstream-catalogue",
        "write-log",
    ]


async def test_a_slow_task_does_not_hold_the_others_back(world: World, tasks: Tasks) -> None:
    tasks.slow = frozenset({"create-snapshot"})
    await fire(world)
    world.clock.advance(MINUTE)
    await fire(world, Waiting(tasks, looks=12))
    assert tasks.ran.count("create-snapshot") == 1
    assert tasks.ran.count("process-outboxes") == 12
    assert tasks.ran.count("delete-expired-records") == 1


async def test_a_call_begins_nothing_that_the_host_would_end(world: World, tasks: Tasks) -> None:
    tasks.slow = frozenset({"create-snapshot"})
    await fire(world)
    world.clock.advance(MINUTE)
    await fire(world, Waiting(tasks, looks=29))
    last = timers.LONGEST_CALL - Task.longest_run
    assert tasks.ran.count("process-outboxes") == last // MINUTE + 1
    await fire(world)
    assert tasks.ran.count("process-outboxes") == last // MINUTE + 2


async def test_a_store_that_fails_meanwhile_ends_no_task(world: World, tasks: Tasks) -> None:
    tasks.slow = frozenset({"create-snapshot"})
    await fire(world)
    world.clock.advance(MINUTE)
    due: Any = world.registry.maintenance.task_runner.runs
    working = due.due

    async def fail(_tasks: object) -> list[str]:
        raise Busy

    async def stop_store() -> None:
        due.due = fail

    async def start_store() -> None:
        due.due = working

    with capture_logs() as events:
        await fire(world, Waiting(tasks, looks=5, then={1: stop_store, 3: start_store}))
    assert ("upkeep.done", "create-snapshot") in results(events)
    assert tasks.ran.count("process-outboxes") == 3


async def test_a_read_only_registry_postpones_tasks_that_change_records(
    world: World, tasks: Tasks
) -> None:
    await fire(world)
    await world.registry.limits.notices.enter_read_only_mode("moving house", by=OPERATOR)
    world.clock.advance(MINUTE)
    await fire(world)
    assert tasks.ran == ["create-snapshot"]
    await world.registry.limits.notices.leave_read_only_mode(by=OPERATOR)
    world.clock.advance(MINUTE)
    await fire(world)
    assert sorted(tasks.ran) == [
        "create-snapshot",
        "deliver-webhooks",
        "follow-upstream-withdrawals",
        "freeze-leaves",
        "notify-dependents",
        "place-archives",
        "process-outboxes",
        "tell-followers",
        "update-search-index",
        "update-upstream-catalogue",
        "write-log",
    ]
