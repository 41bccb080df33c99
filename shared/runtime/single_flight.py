"""Single flight: calls for the same thing at the same time share one result."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Generic, TypeVar

Value = TypeVar("Value")


class SingleFlight(Generic[Value]):
    """Lets calls for the same key at the same time share one result."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Value]] = {}

    async def answer(
        self, key: Hashable, make: Callable[[], Coroutine[object, object, Value]]
    ) -> Value:
        """Return the result of `make`, or of the running call for the same key."""
        task = self.start(key, make)
        # A caller that is cancelled does not cancel the call that others wait for.
        await asyncio.wait((task,))
        try:
            return task.result()
        finally:
            # The traceback of an exception names this frame: with the task in it, they are a cycle,
            # and all frames of the traceback live until a full collection.
            del task

    def start(
        self, key: Hashable, make: Callable[[], Coroutine[object, object, Value]]
    ) -> asyncio.Task[Value]:
        """Return the running call for the key, started now if there is none."""
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(make())
            task.add_done_callback(partial(self._end, key))
        return task

    def _end(self, key: Hashable, task: asyncio.Task[Value]) -> None:
        del self._running[key]
        if not task.cancelled():
            # Marks the exception as seen, because no caller may be left to get it.
            task.exception()

    async def close(self) -> None:
        """Cancel the running calls, and wait until they have ended."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
