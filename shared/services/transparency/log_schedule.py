"""When the log is written: soon after the event, in the process that published it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from shared.domain.errors.base import Refusal
from shared.telemetry.log import log

# Events that come meanwhile are in one batch. With two seconds for witnesses, an event is in the
# log within five seconds.
WRITTEN_AFTER = timedelta(seconds=2)


class LogWriting:
    """Writes the log behind requests, which never wait for it. The task `write-log` writes what
    ended processes left unwritten."""

    def __init__(self, write: Callable[[], Awaitable[int | None]], after: timedelta) -> None:
        """Call `write` this long after the first event of a batch, and again after the same time if
        it returns None, since another process is writing."""
        self._write = write
        self._seconds = after.total_seconds()
        self._running: asyncio.Task[None] | None = None
        self._is_wanted = False

    def start(self) -> None:
        """Write the log soon. Never waits."""
        self._is_wanted = True
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop, wherever the writer is."""
        if self._running is not None and not self._running.done():
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        while self._is_wanted:
            await asyncio.sleep(self._seconds)
            self._is_wanted = False
            try:
                if await self._write() is None:  # It may have read the events before these came.
                    self._is_wanted = True
            except Refusal as refusal:
                # The task tries again within a minute, and reports it.
                log.warning("log.delayed", reason=str(refusal))
