"""Background tasks: writes that no request waits for, and that end before the process does."""

import asyncio
from collections.abc import Coroutine


class BackgroundTasks:
    """Runs writes beside the requests that cause them; at the end all of them are done."""

    def __init__(self) -> None:
        """Begin with none."""
        self._writes: set[asyncio.Task[None]] = set()

    def start(self, write: Coroutine[None, None, None]) -> None:
        """Begin a write, which deals with its own failures."""
        task = asyncio.create_task(write)
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def close(self) -> None:
        """Wait for the writes that have begun."""
        await asyncio.gather(*self._writes)
