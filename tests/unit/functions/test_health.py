"""Probes are told whether the registry serves, and strangers nothing of what is in it."""

import json
from datetime import timedelta
from typing import Any

from tests.support.archives import bala
from tests.support.world import URL, World


async def ready(world: World) -> Any:
    answer = await world.get(f"{URL}/health/ready")
    assert answer.status_code == 200
    return answer.json()


async def test_a_registry_that_serves_is_ready_before_any_task_has_run(world: World) -> None:
    shown = await ready(world)
    assert shown["status"] == "ready"
    sweep = shown["upkeep"]["delete-orphaned-archives"]
    assert (sweep["last"], sweep["result"], sweep["overdue"]) == (None, None, False)


async def test_the_last_run_of_each_timed_task_is_shown_with_the_next(world: World) -> None:
    await world.registry.maintenance.upkeep.run("process-outboxes")
    settle = (await ready(world))["upkeep"]["process-outboxes"]
    assert settle == {
        "last": "2026-09-21T14:13:20Z",
        "seconds": 0,
        "result": "done",
        "due": "2026-09-21T14:14:15Z",
        "overdue": False,
    }


async def test_a_task_that_runs_by_hand_is_not_shown(world: World) -> None:
    assert "rebuild-derived-data" not in (await ready(world))["upkeep"]


async def test_a_task_that_failed_or_is_overdue_is_shown_and_the_registry_still_ready(
    world: World,
) -> None:
    content = bala("acme/greet:1.0.0")
    await world.push(content)
    for file in (world.registry.settings.data / "archives" / "sha256").glob("*/*/*"):
        file.unlink()
    await world.registry.maintenance.upkeep.run("audit-archives")
    world.clock.advance(timedelta(days=2))
    shown = await ready(world)
    assert shown["status"] == "ready"
    audit = shown["upkeep"]["audit-archives"]
    assert (audit["result"], audit["overdue"]) == ("problems", True)
    # What is wrong names packages, which may be private.
    assert "greet" not in json.dumps(shown)


async def test_health_answers_what_ready_does(world: World) -> None:
    ready = await world.get(f"{URL}/health/ready")
    answer = await world.get(f"{URL}/health")
    assert (answer.status_code, answer.json()) == (200, ready.json())
