"""Background tasks: work that no request waits for."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import TypeVar

from shared.domain.errors.base import Refusal
from shared.telemetry.log import log


class BackgroundTasks:
    """Runs coroutines in the background, such as writes that finish before the process ends."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Start work that handles the failures it expects; any other is logged."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end)

    async def close(self) -> None:
        """Wait for what was started, however it ends."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def cancel(self) -> None:
        """Stop what was started."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            log.error("background.failed", exc_info=failure)


ResultT = TypeVar("ResultT")


class DelayedFlush:
    """Writes what was gathered in memory, some time after the first of it came.

    It is repeated after the same time when it failed, and when `has_more` came meanwhile.
    `on_delay` is called with a refusal; an unexpected exception is logged.
    """

    def __init__(
        self,
        flush: Callable[[], Awaitable[object]],
        has_more: Callable[[], bool],
        after: timedelta,
        on_delay: Callable[[Refusal], None],
    ) -> None:
        self._flush = flush
        self._has_more = has_more
        self._after = after
        self._on_delay = on_delay
        self._running: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    def start(self) -> None:
        """Flush later, unless that was started already. Never waits."""
        if self._running is None:
            self._running = asyncio.create_task(self._run())

    async def exclusively(self, write: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Await `write` while no other one runs."""
        async with self._writing:
            return await write()

    def cancel(self) -> None:
        """Do not flush later."""
        if self._running is not None:
            self._running.cancel()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._after.total_seconds())
            try:
                await self._flush()
            except Refusal as refusal:
                self._on_delay(refusal)
                continue
            except Exception:
                # A task that ended here would leave `start` without effect in this process.
                log.exception("flush.failed")
                continue
            if not self._has_more():
                self._running = None
                return
