"""Retries of writes that lost to another writer, with or without a pause between two attempts."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from shared.domain.errors.requests import Busy
from shared.ports import Stale

Result = TypeVar("Result")

MAX_ATTEMPTS = 8  # Each attempt that fails is another writer that succeeded.
BACK_OFF_STEP = timedelta(milliseconds=20)
MAX_BACK_OFF = timedelta(seconds=1)


async def no_pause(_attempt: int) -> None:
    """Repeat at once."""


async def back_off(attempt: int) -> None:
    """Wait for a random time, whose maximum grows with each attempt, so that every writer wins."""
    longest = min(BACK_OFF_STEP * (attempt + 1), MAX_BACK_OFF)
    await asyncio.sleep(random.uniform(0, longest.total_seconds()))  # noqa: S311 - no secret.


async def retry_when_stale(
    attempt: Callable[[], Awaitable[Result]],
    max_attempts: int = MAX_ATTEMPTS,
    pause: Callable[[int], Awaitable[None]] = no_pause,
) -> Result:
    """Await `attempt` again while it raises `Stale`; raise `Busy` after the last time."""
    for number in range(max_attempts):
        try:
            return await attempt()
        except Stale:
            await pause(number)
    raise Busy
