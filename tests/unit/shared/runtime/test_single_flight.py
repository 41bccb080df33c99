"""Calls for the same thing at the same time share one result."""

import asyncio

from shared.runtime.single_flight import SingleFlight


async def test_calls_for_the_same_key_at_the_same_time_share_one_result() -> None:
    single_flight = SingleFlight[int]()
    made = list[int]()

    async def make() -> int:
        made.append(len(made))
        await asyncio.sleep(0)
        return made[-1]

    assert await asyncio.gather(*(single_flight.answer("a", make) for _ in range(3))) == [0, 0, 0]
    assert await single_flight.answer("a", make) == 1


async def test_a_caller_that_gives_up_leaves_the_result_to_the_others() -> None:
    single_flight = SingleFlight[int]()
    gate = asyncio.Event()

    async def make() -> int:
        await gate.wait()
        return 1

    first, second = (asyncio.create_task(single_flight.answer("a", make)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    gate.set()
    assert await second == 1
    assert first.cancelled()
