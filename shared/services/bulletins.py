"""Bulletins: the bulletin as a process knows it, for all its pages and changes.

One read every three seconds serves all requests of a process, and only those that show or need it.
Where the store is slow or away, what was read last counts on, and nobody waits for longer than a
moment.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta

from shared.domain.bulletin import PLACE, Bulletin
from shared.domain.errors import Unavailable
from shared.ports import Clock, DirectoryStore

KEPT_FOR = timedelta(seconds=3)  # What is announced is so everywhere within five.
PATIENCE = timedelta(milliseconds=250)  # That one page takes longer, once in three seconds.

_KEPT_FOR_MS = KEPT_FOR // timedelta(milliseconds=1)


class Bulletins:
    """Keeps the bulletin in memory."""

    def __init__(
        self, directory: DirectoryStore, clock: Clock, patience: timedelta = PATIENCE
    ) -> None:
        """Read from `directory`, and wait for it so long."""
        self._directory = directory
        self._clock = clock
        self._patience_s = patience.total_seconds()
        self._known = Bulletin()  # Nothing is announced until a store has said so.
        self._read_ms = -_KEPT_FOR_MS
        self._tried_ms = -_KEPT_FOR_MS
        self._reading: asyncio.Task[None] | None = None
        self._patient_until = 0.0

    @property
    def read_ms(self) -> int:
        """Return when a store said so last."""
        return self._read_ms

    async def current(self) -> Bulletin:
        """Return the bulletin as it was three seconds ago at most, or as it was read last."""
        now_ms = self._clock.monotonic_ms()
        if self._reading is None and now_ms - self._tried_ms >= _KEPT_FOR_MS:
            self._begin(now_ms)
        if self._reading is not None:
            # Who comes while a store is slow waits for what is left of the same moment.
            left_s = max(0.0, self._patient_until - asyncio.get_running_loop().time())
            await asyncio.wait({self._reading}, timeout=left_s)
        return self._known

    def forget(self) -> None:
        """Read it anew when it is next asked for: it was changed here."""
        self._tried_ms = -_KEPT_FOR_MS

    async def close(self) -> None:
        """Wait for no store any more."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    def _begin(self, now_ms: int) -> None:
        self._tried_ms = now_ms
        self._patient_until = asyncio.get_running_loop().time() + self._patience_s
        self._reading = asyncio.create_task(self._read(self._clock.now_ms()))
        self._reading.add_done_callback(self._ended)

    def _ended(self, _task: asyncio.Task[None]) -> None:
        self._reading = None

    async def _read(self, now_ms: int) -> None:
        # The time from before the read counts: what is announced during it is seen by the next.
        with suppress(Unavailable):
            self._known = await self._directory.get(Bulletin, PLACE) or Bulletin()
            self._read_ms = now_ms
