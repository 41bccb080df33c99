"""A task that needs several runs goes on where its last run stopped."""

import pytest

from shared.domain.packages import Head
from shared.services.maintenance import tasks
from shared.services.maintenance.tasks import RUN_TIME, Checkpoints
from tests.fakes.tasks import fake_task
from tests.support.archives import bala
from tests.support.world import World

AUDIT = fake_task()
NAMES = ["alpha", "beta", "gamma"]


def checkpoints(world: World) -> Checkpoints:
    return Checkpoints(world.stores.metadata, world.stores.work, world.clock)


async def three(world: World) -> None:
    for name in NAMES:
        await world.push(bala(f"acme/{name}:1.0.0"))


async def test_the_next_run_continues_after_the_last_package_and_the_one_after_starts_again(
    world: World,
) -> None:
    await three(world)
    seen: list[str] = []

    async def slow(head: Head) -> None:
        seen.append(head.name)
        world.clock.advance(RUN_TIME / 2)

    assert not await checkpoints(world).visit_packages(AUDIT, slow)
    assert seen == NAMES[:2]
    assert await checkpoints(world).visit_packages(AUDIT, slow)
    assert seen == NAMES
    assert not await checkpoints(world).visit_packages(AUDIT, slow)
    assert seen == [*NAMES, *NAMES[:2]]


async def break_off(head: Head) -> None:
    raise RuntimeError(head.name)


async def test_an_interrupted_run_continues_after_its_last_checkpoint(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "RECORDS_AT_ONCE", 2)
    await three(world)

    async def break_off_at_the_third(head: Head) -> None:
        if head.name == NAMES[2]:
            raise RuntimeError(head.name)

    with pytest.raises(RuntimeError, match="gamma"):
        await checkpoints(world).visit_packages(AUDIT, break_off_at_the_third)
    with pytest.raises(RuntimeError, match="gamma"):
        await checkpoints(world).visit_packages(AUDIT, break_off)


async def test_a_run_that_is_interrupted_before_its_first_checkpoint_starts_again(
    world: World,
) -> None:
    await three(world)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="alpha"):
            await checkpoints(world).visit_packages(AUDIT, break_off)
