"""Garbage collection of a process that keeps many objects, in short pauses."""

import asyncio
import gc
from collections.abc import Mapping
from datetime import timedelta

# A full collection visits all objects while no request is answered: 150 ms for the 200,000 of our
# caches. So those that survive one are set aside, and the next one visits only newer objects.
# Counting references still deletes them; for cycles among them, all are visited once an hour.
ALL_VISITED_EVERY = timedelta(hours=1)
_OLDEST = 2  # The generation that full collections visit.


async def collect_garbage() -> None:
    """Set aside what survives full collections, and visit all objects once an hour, until it is
    canceled."""
    gc.callbacks.append(_set_survivors_aside)
    try:
        while True:
            await asyncio.sleep(ALL_VISITED_EVERY.total_seconds())
            collect_all_garbage()
    finally:
        gc.callbacks.remove(_set_survivors_aside)


def _set_survivors_aside(phase: str, info: Mapping[str, int]) -> None:
    if phase == "stop" and info["generation"] == _OLDEST:
        gc.freeze()


def collect_all_garbage() -> None:
    """Collect cycles among all objects, also among those that were set aside."""
    gc.unfreeze()
    gc.collect()
