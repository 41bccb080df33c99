"""Counting pulls: gathered in memory, written together, and never twice for one caller."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shared.auth.keys import Signer
from shared.domain.names import Coordinate
from shared.ports import Clock, Pull, PullLedger

# Old clients pull a package once for each platform that they know, all within seconds.
WINDOW = timedelta(minutes=10)
FLUSH_AFTER = timedelta(seconds=30)  # What a crash may lose of the counts, never of anything else.
MAX_REMEMBERED = 100_000  # Pulls of the current window that a process remembers; about 30 MB.


@dataclass
class Counting:
    """Counts one pull a caller, release and window."""

    ledger: PullLedger
    clock: Clock
    signer: Signer  # Callers are kept as keyed hashes: no address can be read back from one.
    _seen: OrderedDict[tuple[str, str, int], None] = field(
        default_factory=OrderedDict[tuple[str, str, int], None]
    )
    _pending: list[Pull] = field(default_factory=list[Pull])
    _flushing: asyncio.Task[None] | None = None

    def pulled(self, coordinate: Coordinate, caller: str) -> None:
        """Note a pull by `caller`, any text that is the same for the same client. Never waits."""
        now_ms = self.clock.now_ms()
        pull = Pull(coordinate, self._hash(caller), window_of(now_ms), _day(now_ms))
        identity = (coordinate.key, pull.caller, pull.window)
        if identity in self._seen:
            return
        self._seen[identity] = None
        if len(self._seen) > MAX_REMEMBERED:
            self._seen.popitem(last=False)
        self._pending.append(pull)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush_later())

    async def flush(self) -> int:
        """Write what was noted since the last flush; on failure it is kept for the next one."""
        pulls, self._pending = self._pending, []
        if not pulls:
            return 0
        try:
            await self.ledger.record(pulls)
        except BaseException:
            self._pending = pulls + self._pending
            raise
        return len(pulls)

    async def close(self) -> None:
        """Write what is left, now."""
        if self._flushing:
            self._flushing.cancel()
        await self.flush()

    async def _flush_later(self) -> None:
        await asyncio.sleep(FLUSH_AFTER.total_seconds())
        self._flushing = None
        await self.flush()

    def _hash(self, caller: str) -> str:
        return self.signer.sign(caller)


def window_of(now_ms: int) -> int:
    """Return the number of the window that holds this time."""
    return now_ms // (WINDOW // timedelta(milliseconds=1))


def _day(now_ms: int) -> str:
    return datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m-%d")
