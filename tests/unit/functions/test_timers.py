"""Each timer runs the task of upkeep that it is named for, and leaves one line in the log."""

from collections.abc import Awaitable, Callable
from typing import Any

import azure.functions as func
import pytest
from azure.functions.timer import TimerRequest
from structlog.testing import capture_logs

from functions import timers
from shared.domain.identity import OPERATOR
from shared.hosting.triggers import functions_of
from shared.services import upkeep
from tests.support.world import World


def call_of(world: World, name: str) -> Callable[[Any], Awaitable[object]]:
    app = func.FunctionApp()
    app.register_functions(timers.blueprint(world.registry))
    [timer] = [each for each in functions_of(app).timers if each.name == name]
    return timer.call


@pytest.mark.parametrize("task", upkeep.SCHEDULES)
async def test_a_timer_runs_its_task(world: World, task: str) -> None:
    if task not in world.registry.upkeep.tasks:
        pytest.skip("a task of the cloud alone")
    with capture_logs() as events:
        await call_of(world, f"timer_{task.replace('-', '_')}")(TimerRequest(past_due=False))
    shown = [(event["event"], event["task"]) for event in events if "task" in event]
    assert shown == [("upkeep.done", task)]


async def test_a_timer_says_when_another_process_is_at_its_task(world: World) -> None:
    now_ms = world.clock.now_ms()
    assert await world.stores.work.lease("upkeep:sweep", "another", now_ms, now_ms + 60_000)
    with capture_logs() as events:
        await call_of(world, "timer_sweep")(TimerRequest(past_due=False))
    assert [event["event"] for event in events] == ["upkeep.elsewhere"]


async def test_each_schedule_is_of_a_task(world: World) -> None:
    assert set(upkeep.SCHEDULES) - set(world.registry.upkeep.tasks) <= {"search"}  # In the cloud.


async def test_a_task_that_was_asked_for_runs_with_the_next_timer(world: World) -> None:
    await world.registry.task_requests.request("audit", by=OPERATOR)
    with capture_logs() as events:
        await call_of(world, "timer_settle")(TimerRequest(past_due=False))
        await call_of(world, "timer_settle")(TimerRequest(past_due=False))
    shown = [(event["event"], event["task"]) for event in events if "task" in event]
    assert [task for _, task in shown] == ["settle", "audit", "settle"]


async def test_there_is_a_timer_for_each_scheduled_task_that_the_registry_has(
    world: World,
) -> None:
    app = func.FunctionApp()
    app.register_functions(timers.blueprint(world.registry))
    tasks = set(upkeep.SCHEDULES) & set(world.registry.upkeep.tasks)
    names = {f"timer_{task.replace('-', '_')}" for task in tasks}
    assert {each.name for each in functions_of(app).timers} == names


async def test_a_timer_leaves_its_task_while_the_registry_takes_no_changes(world: World) -> None:
    await world.registry.notices.enter_read_only_mode("moving house", by=OPERATOR)
    with capture_logs() as events:
        await call_of(world, "timer_sweep")(TimerRequest(past_due=False))
    assert [event["event"] for event in events] == ["upkeep.read_only"]
