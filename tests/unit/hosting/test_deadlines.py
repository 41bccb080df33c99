"""A Function that takes too long is cancelled, and nothing else is."""

import asyncio
from dataclasses import dataclass

import pytest

from shared.hosting.deadlines import Deadlines


@dataclass
class Stopwatch:
    """Seconds that a test sets."""

    seconds: float = 0.0

    def read(self) -> float:
        return self.seconds


async def handle(deadlines: Deadlines) -> str:
    task = deadlines.enter()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        if deadlines.excuse(task):
            await asyncio.sleep(0)  # It may go on and answer.
            return "too slow"
        raise
    finally:
        deadlines.leave(task)
    return "answered"


async def test_a_task_that_takes_too_long_is_cancelled_and_may_still_answer() -> None:
    watch = Stopwatch()
    deadlines = Deadlines(230, watch.read)
    early = asyncio.create_task(handle(deadlines))
    await asyncio.sleep(0)
    watch.seconds = 100
    late = asyncio.create_task(handle(deadlines))
    await asyncio.sleep(0)
    watch.seconds = 231
    deadlines.sweep()
    assert await early == "too slow"
    assert not late.done()
    late.cancel()
    with pytest.raises(asyncio.CancelledError):
        await late


async def test_nothing_is_left_of_a_task_that_has_ended() -> None:
    watch = Stopwatch()
    deadlines = Deadlines(230, watch.read)
    deadlines.leave(deadlines.enter())
    watch.seconds = 1000
    deadlines.sweep()
    await asyncio.sleep(0)  # A cancellation of this task would arrive here.
