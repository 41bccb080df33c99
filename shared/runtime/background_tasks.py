"""Background tasks: writes that no request waits for, and that finish before the process ends."""

import asyncio
from collections.abc import Coroutine


class BackgroundTasks:
    """Runs writes in the background; `close` waits for all of them."""

    def __init__(self) -> None:
        self._writes: set[asyncio.Task[None]] = set()

    def start(self, write: Coroutine[None, None, None]) -> None:
        """Start a write, which handles its own failures."""
        task = asyncio.create_task(write)
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def close(self) -> None:
        """Wait for the writes that were started."""
        await asyncio.gather(*self._writes)
