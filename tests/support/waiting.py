"""Wait for what another thread, process or task does, with one bound of time."""

import asyncio
from collections.abc import Callable
from threading import Event
from time import monotonic

BOUND_SECONDS = 60.0  # Generous: a slow machine is no failure.
_PAUSE_SECONDS = 0.05
_SHORT_PAUSE_SECONDS = 0.01  # Of a task: it lets the other tasks go on.
_TURNS = 50  # Of the event loop. No task of a test needs so many between two times it waits.


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds; raise `TimeoutError` if it takes too long."""
    deadline = monotonic() + BOUND_SECONDS
    pause = Event()
    while not holds():
        if monotonic() > deadline:
            message = "it did not happen in time"
            raise TimeoutError(message)
        pause.wait(_PAUSE_SECONDS)


async def eventually_in_tasks(holds: Callable[[], bool]) -> None:
    """Let the other tasks go on until something holds; raise `TimeoutError` if it takes too
    long."""
    async with asyncio.timeout(BOUND_SECONDS):
        while not holds():
            await asyncio.sleep(_SHORT_PAUSE_SECONDS)


async def let_tasks_run() -> None:
    """Let the other tasks go on until each of them has ended or waits for something, before a test
    says that one has not ended. A task that waits for a thread or a clock may end later."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
