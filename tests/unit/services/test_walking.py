"""A walk that is too long for one run is gone on with by the next."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.domain.package import Head
from shared.services.walking import A_RUN, Walking
from tests.balas import bala
from tests.world import World

NAMES = ["alpha", "beta", "gamma"]


def walking(world: World) -> Walking:
    return Walking(world.stores.metadata, world.stores.work, world.clock)


async def three(world: World) -> None:
    for name in NAMES:
        await world.push(bala(f"acme/{name}:1.0.0"))


async def test_the_next_run_goes_on_behind_the_last_package_and_the_one_after_begins_anew(
    world: World,
) -> None:
    await three(world)
    seen: list[str] = []

    async def slow(head: Head) -> None:
        seen.append(head.name)
        world.clock.advance(A_RUN / 2)

    assert not await walking(world).over_packages("audit", slow)
    assert seen == NAMES[:2]
    assert await walking(world).over_packages("audit", slow)
    assert seen == NAMES
    assert not await walking(world).over_packages("audit", slow)
    assert seen == [*NAMES, *NAMES[:2]]


async def test_each_task_has_a_place_of_its_own(world: World) -> None:
    await three(world)
    seen: list[str] = []

    async def slow(head: Head) -> None:
        seen.append(head.name)
        world.clock.advance(A_RUN)

    await walking(world).over_packages("audit", slow)
    await walking(world).over_packages("mend", slow)
    assert seen == ["alpha", "alpha"]


async def test_a_walk_that_breaks_off_begins_where_the_last_whole_part_ended(
    world: World,
) -> None:
    await three(world)

    async def break_off(head: Head) -> None:
        raise RuntimeError(head.name)

    for _ in range(2):
        with pytest.raises(RuntimeError, match="alpha"):
            await walking(world).over_packages("audit", break_off)


async def numbers() -> AsyncIterator[int]:
    for number in range(5):
        yield number


async def test_of_other_things_those_that_were_visited_are_passed_over(world: World) -> None:
    seen: list[int] = []

    async def slow(number: int) -> None:
        seen.append(number)
        world.clock.advance(A_RUN / 2 + timedelta(seconds=1))

    over = walking(world).over
    assert [await over("sweep", numbers(), slow) for _ in range(4)] == [False, False, True, False]
    assert seen == [0, 1, 2, 3, 4, 0, 1]
