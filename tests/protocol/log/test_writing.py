"""The log is written behind what happens, and stops alone when its records were set back."""

import pytest

from shared.domain.transparency.log_states import PLACE_OF_STATE, LogState
from shared.services.maintenance.tasks import require_task
from shared.services.transparency.log_mending import MendingWay
from tests.support.archives import bala
from tests.support.log_checker import checked_log
from tests.support.published_logs import ORIGIN
from tests.support.world import URL, World

pytestmark = pytest.mark.measured


async def entries(world: World) -> list[bytes]:
    """Return what the log says, after the independent check of everything that is served."""

    async def read(path: str) -> bytes | None:
        answer = await world.get(f"{URL}/log/{path}")
        return answer.content if answer.status_code == 200 else None

    [key] = await world.registry.transparency.publication.keys()
    return await checked_log(read, ORIGIN, key.public)


async def run(world: World) -> tuple[str, ...]:
    """Run the task, and return its problems."""
    return (await require_task(world.registry.maintenance.tasks, "write-log").run()).problems


async def test_the_task_writes_the_leaves_of_all_events(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    assert await run(world) == ()
    leaves = await world.stores.events.leaves(0, 1_000)
    assert len(leaves) > 1
    assert await entries(world) == leaves


async def test_a_log_whose_records_were_set_back_stops_and_the_registry_goes_on(
    world: World,
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await run(world)
    directory = world.stores.directory
    before = await directory.get(LogState, PLACE_OF_STATE)
    assert before is not None
    await world.push(bala("acme/greet:1.1.0"))
    await run(world)
    published = await entries(world)
    now = await directory.get(LogState, PLACE_OF_STATE)
    assert now is not None
    await directory.replace(before.model_copy(update={"revision": now.revision}))
    [problem] = await run(world)
    assert "as after the restore of an older backup" in problem
    assert "ballroom log mend" in problem
    await world.push(bala("acme/greet:1.2.0"))
    assert await entries(world) == published
    plan = await world.registry.transparency.mending.plan()
    assert plan is not None
    assert (plan.way, plan.lost) == (MendingWay.CONTINUE, 0)
    await world.registry.transparency.mending.mend(plan)
    assert await run(world) == ()
    assert await entries(world) == await world.stores.events.leaves(0, 1_000)
