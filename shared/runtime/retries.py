"""Changes of records that start again when another writer was faster."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from functools import wraps
from typing import ParamSpec, TypeVar

from shared.domain.errors.requests import Busy
from shared.ports.conflicts import AlreadyThere, Stale

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

MAX_ATTEMPTS = 8  # Each attempt that fails is another writer that succeeded.
BACK_OFF_STEP = timedelta(milliseconds=20)
MAX_BACK_OFF = timedelta(seconds=1)
BACK_OFF_ATTEMPTS = 16  # They take 1.4 seconds on average: a change may send mail before it ends.


async def back_off(attempt: int) -> None:
    """Wait for a random time, whose maximum grows with each attempt, so that every writer wins."""
    longest = min(BACK_OFF_STEP * (attempt + 1), MAX_BACK_OFF)
    await asyncio.sleep(random.uniform(0, longest.total_seconds()))  # noqa: S311 - no secret.


def retried(
    max_attempts: int = MAX_ATTEMPTS, pause: Callable[[int], Awaitable[None]] | None = None
) -> Callable[
    [Callable[Parameters, Awaitable[Result]]], Callable[Parameters, Coroutine[None, None, Result]]
]:
    """Return the decorator of a change that starts again while it raises `Stale` or `AlreadyThere`,
    with what is stored then; it raises `Busy` after the last attempt."""

    def decorate(
        change: Callable[Parameters, Awaitable[Result]],
    ) -> Callable[Parameters, Coroutine[None, None, Result]]:
        @wraps(change)
        async def change_again(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            for number in range(max_attempts):
                with suppress(Stale, AlreadyThere):
                    return await change(*args, **kwargs)
                if pause is not None:
                    await pause(number)
            raise Busy

        return change_again

    return decorate


retried_when_stale = retried()

# For changes that hold a lease or that many writers make at once: a writer that fails waits.
retried_with_back_off = retried(BACK_OFF_ATTEMPTS, back_off)
