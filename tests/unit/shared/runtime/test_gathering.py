"""Calls at the same time end before the failure of one is raised."""

import asyncio

import pytest

from shared.runtime.gathering import gather_all


async def test_results_come_in_the_order_of_the_calls() -> None:
    async def call(number: int) -> int:
        await asyncio.sleep(0.0 if number else 0.001)
        return number

    assert await gather_all(*map(call, range(3))) == [0, 1, 2]
    assert await gather_all() == []


async def test_a_failure_is_raised_once_the_other_calls_have_ended() -> None:
    ended = list[str]()
    gate = asyncio.Event()

    async def fail(name: str) -> None:
        raise ValueError(name)

    async def succeed() -> None:
        await gate.wait()
        ended.append("other")

    gathering = asyncio.create_task(gather_all(succeed(), fail("first"), fail("second")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not gathering.done()
    gate.set()
    with pytest.raises(ValueError, match="first"):
        await gathering
    assert ended == ["other"]


async def test_a_caller_that_is_cancelled_waits_for_what_its_calls_clean_up() -> None:
    cleaned = asyncio.Event()

    async def call() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    gathering = asyncio.create_task(gather_all(call()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gathering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathering
    assert cleaned.is_set()
