"""Counting pulls: gathered in memory, written together, and never twice for one caller."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.auth.keys import Signer
from shared.auth.recent import Recent
from shared.domain.errors import Refusal, SigningKeyUnavailable, TakesNoChanges
from shared.domain.names import Coordinate
from shared.ports import Clock, Pull, PullLedger

# Old clients pull a package once for each platform that they know, all within seconds.
WINDOW = timedelta(minutes=10)
_WINDOW_MS = WINDOW // timedelta(milliseconds=1)
FLUSH_AFTER = timedelta(seconds=30)  # What a crash may lose of the counts, never of anything else.
MAX_REMEMBERED = 100_000  # Pulls that a process remembers, and that wait for a store; 40 MB.


class Counting:
    """Counts one pull a caller, release and window."""

    def __init__(
        self,
        ledger: PullLedger,
        clock: Clock,
        signer: Signer,
        *,
        admit: Callable[[], Awaitable[None]],
        delayed: Callable[[Refusal], None],
        flush_after: timedelta = FLUSH_AFTER,
    ) -> None:
        """Keep callers as signatures of `signer`: nobody can read an address back from one.

        `admit` raises while nothing may be written, and `delayed` is told why counts have to wait.
        """
        self._ledger = ledger
        self._clock = clock
        self._signer = signer
        self._admit = admit
        self._delayed = delayed
        self._flush_after = flush_after
        self._seen = Recent[Pull](MAX_REMEMBERED)  # Of one window: no other is asked for again.
        self._window: int = 0
        self._pending: list[Pull] = []
        self._flushing: asyncio.Task[None] | None = None

    @property
    def is_flushing(self) -> bool:
        """Say whether something waits to be written."""
        return self._flushing is not None

    @property
    def remembered(self) -> int:
        """Return how many pulls are remembered, so that they are counted once."""
        return len(self._seen)

    def pulled(self, coordinate: Coordinate, caller: str) -> None:
        """Note a pull by `caller`, any text that is the same for the same client. Never waits."""
        now_ms = self._clock.now_ms()
        window = window_of(now_ms)
        if window != self._window:
            self._seen = Recent[Pull](MAX_REMEMBERED)
            self._window = window
        identity = f"{coordinate.key} {caller}"
        if self._seen.get(identity) or len(self._pending) >= MAX_REMEMBERED:
            return
        pull = Pull(coordinate, caller, window, _day(now_ms))
        self._seen.put(identity, pull)
        self._pending.append(pull)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush_later())

    async def flush(self) -> int:
        """Write what was noted since the last flush, and return how many; on failure keep it.

        Raises `TakesNoChanges`, `SigningKeyUnavailable`, and what its store raises.
        """
        pulls, self._pending = self._pending, []
        try:
            if pulls:
                await self._admit()
                await self._ledger.record(await self._signed(pulls))
        except BaseException:
            self._pending = pulls + self._pending
            raise
        return len(pulls)

    async def close(self) -> None:
        """Write what is left, now; while the registry is read-only or has no key, it is lost."""
        if self._flushing:
            self._flushing.cancel()
        with suppress(TakesNoChanges, SigningKeyUnavailable):
            await self.flush()

    async def _signed(self, pulls: list[Pull]) -> list[Pull]:
        await self._signer.ready()
        return [replace(pull, caller=self._signer.sign(pull.caller)) for pull in pulls]

    async def _flush_later(self) -> None:
        while True:
            await asyncio.sleep(self._flush_after.total_seconds())
            try:
                await self.flush()
            except Refusal as refusal:
                self._delayed(refusal)
                continue
            self._flushing = None
            return


def window_of(now_ms: int) -> int:
    """Return the number of the window that holds this time."""
    return now_ms // _WINDOW_MS


def _day(now_ms: int) -> str:
    return datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m-%d")
