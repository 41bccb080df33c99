"""Calls at the same time, all of which end before the failure of one is raised."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

T = TypeVar("T")


async def gather_all(*calls: Awaitable[T]) -> Sequence[T]:
    """Return the results of the calls in their order. If some fail, raise the failure of the first
    of these once all calls have ended: so no call of a store continues after the answer. The same
    holds for a caller that is cancelled."""
    results = list[T]()
    for each in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(each, BaseException):
            raise each
        results.append(each)
    return results
