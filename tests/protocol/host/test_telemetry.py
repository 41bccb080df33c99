"""Requests and tasks tell of themselves what docs/run/telemetry.md says, as metrics and lines."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest
from azure.functions.timer import TimerRequest

from functions import timers
from functions.faces import build_app
from shared.domain.archives.digests import Digest
from shared.domain.principals import OPERATOR
from shared.hosting.triggers import functions_of
from shared.telemetry.metrics import PUSHES, REQUESTS, STORE_CALLS, UPKEEP, UPKEEP_PROBLEMS
from tests.fakes.tasks import fake_task
from tests.support.archives import bala
from tests.support.instances import shared_records_read
from tests.support.logs import logged
from tests.support.telemetry import collect_metrics
from tests.support.world import OpenWorld, World

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
SENT = f"00-{TRACE}-{SPAN}-00"


async def test_a_push_records_every_call_of_a_store(world: World) -> None:
    with collect_metrics() as metrics:
        await world.push(bala("acme/greet:1.0.0"))
        [pushes] = metrics.points(PUSHES)
        stores = {point["store"] for point in metrics.points(STORE_CALLS)}
    assert (pushes["state"], pushes["value"]) == ("live", 1)
    assert {"metadata", "archives", "events", "search", "directory"} <= stores


async def test_a_repeated_push_publishes_nothing_more(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    with collect_metrics() as metrics:
        await world.push(bala("acme/greet:1.0.0"))
        assert metrics.points(PUSHES) == []


async def test_each_request_is_recorded_with_face_operation_and_outcome(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    with collect_metrics() as metrics:
        for version in ("1.0.0", "1.0.0", "2.0.0"):
            await world.get(f"/packages/acme/greet/{version}")
        shown = metrics.points(REQUESTS)
    counted = {
        (each["operation"], each["outcome"], each["status"]): each["count"] for each in shown
    }
    assert sum(counted.values()) == 3
    assert {each["face"] for each in shown} == {"central"}
    assert sorted(status for _, _, status in counted) == [200, 404]


async def test_the_line_of_a_request_counts_what_was_asked_of_stores_and_names_its_trace(
    worlds: OpenWorld, capfd: pytest.CaptureFixture[str]
) -> None:
    world = await worlds(log_level="info")
    await world.push(bala("acme/greet:1.0.0"))
    await shared_records_read(world.registry)
    await world.get("/packages/acme/greet/1.0.0", headers={"traceparent": SENT})
    await world.get("/packages/acme/greet/1.0.0", headers={"traceparent": SENT})
    await world.get("/packages/acme/greet/1.0.0")
    push, *gets = logged(capfd)
    assert push["calls"]["metadata.add_release"] == 1
    assert "trace_id" not in push
    assert [get.get("trace_id") for get in gets] == [TRACE, TRACE, None]
    read = {"metadata.find": 1, "documents.texts": 1, "directory.get": 1}  # The last of the log.
    assert gets[0]["calls"] == read


async def test_the_hosts_trace_counts_and_not_the_one_that_a_client_sends(
    worlds: OpenWorld, capfd: pytest.CaptureFixture[str]
) -> None:
    world = await worlds(log_level="info")
    [live] = [f for f in functions_of(build_app(world.registry)).http if f.name == "health_live"]
    context = SimpleNamespace(trace_context=SimpleNamespace(trace_parent=SENT))
    request = func.HttpRequest("GET", "/health/live", body=b"", headers={"traceparent": "00-x"})
    call: Callable[..., Awaitable[object]] = live.call
    await call(request, context=context)
    [line] = logged(capfd)
    assert (line["trace_id"], line["span_id"]) == (TRACE, SPAN)


async def test_a_task_records_its_outcome(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    run_audit = audit_timer(world)
    archive = Digest.of(bala("acme/greet:1.0.0"))
    with collect_metrics() as metrics:
        await run_audit()
        assert await world.stores.archives.delete(archive, world.clock.now_ms() + 1)
        await run_audit()
        runs = {each["result"]: each["count"] for each in metrics.points(UPKEEP)}
        [problems] = metrics.points(UPKEEP_PROBLEMS)
    assert runs == {"done": 1, "problems": 1}
    assert (problems["task"], problems["value"]) == ("audit-archives", 1)


def audit_timer(world: World) -> Callable[[], Awaitable[None]]:
    """Return a call of the timer that runs the task `audit-archives` alone."""
    app = func.FunctionApp()
    app.register_functions(timers.blueprint(world.registry))
    [timer] = functions_of(app).timers

    runner: Any = world.registry.maintenance.task_runner
    for other in {*runner.tasks} - {"audit-archives"}:
        del runner.tasks[other]

    async def run() -> None:
        await runner.due()
        world.clock.advance(timedelta(days=1))
        await timer.call(TimerRequest(past_due=False))

    return run


async def test_a_task_that_read_only_mode_postpones_is_recorded_and_has_not_stopped(
    world: World,
) -> None:
    run_audit = audit_timer(world)
    await world.registry.limits.notices.enter_read_only_mode("moving house", by=OPERATOR)
    with collect_metrics() as metrics:
        await run_audit()
        [run] = metrics.points(UPKEEP)
    assert (run["task"], run["result"]) == ("audit-archives", "read-only")


async def test_a_task_that_fails_is_recorded_as_failed(world: World) -> None:
    run_audit = audit_timer(world)

    async def breaking() -> Any:
        raise RuntimeError

    world.registry.maintenance.task_runner.tasks["audit-archives"] = fake_task(work=breaking)  # pyright: ignore[reportIndexIssue]
    with collect_metrics() as metrics:
        await run_audit()
        [run] = metrics.points(UPKEEP)
    assert run["result"] == "failed"
