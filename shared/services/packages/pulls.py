"""Counting pulls: what counts as one, and when counts are written."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Protocol

from msgspec.structs import replace

from shared.auth.signing_keys import SigningKeys
from shared.domain.errors.base import Refusal
from shared.domain.errors.identity import SigningKeyUnavailable
from shared.domain.errors.requests import TakesNoChanges
from shared.domain.names import Coordinate
from shared.domain.times import MS
from shared.ports import CallerScope, Clock, Pull, PullBatch, PullLedger, Randomness
from shared.runtime.caching import LruCache
from shared.services.limits.notices import ReadOnlyMode

# Old clients pull a package once for each platform that they know, all within seconds.
PULL_WINDOW = timedelta(minutes=10)
FLUSH_AFTER = timedelta(seconds=30)  # A crash loses the pulls of that long, and nothing else.
MAX_PULLS_REMEMBERED = 100_000  # By one process, and as many that wait for a store; 40 MB.
BATCH_PULLS = 1_000  # Counts of a batch; with the longest names they take 300 KB in the cloud.

_PROCESS_ID_BYTES = 8


class PullCounter:
    """Counts the pulls of one caller and release once in each window."""

    def __init__(
        self,
        ledger: PullLedger,
        caller_scope: CallerScope,
        clock: Clock,
        *,
        keys: SigningKeys,
        randomness: Randomness,
        read_only_mode: ReadOnlyMode,
        delayed: Callable[[Refusal], None],
        flush_after: timedelta = FLUSH_AFTER,
    ) -> None:
        """Store callers as signatures, if at all: nobody can read an address back from one.

        `delayed` is called with the reason when counts cannot be written yet.
        """
        self._ledger = ledger
        self._knows_callers = caller_scope is CallerScope.REGISTRY
        self._clock = clock
        self._signer = keys.signer("callers")
        self._randomness = randomness
        self._read_only_mode = read_only_mode
        self._delayed = delayed
        self._flush_after = flush_after
        self._seen: _SeenPulls = ExactMemory()  # Of one window: no other is asked for again.
        self._window: int = 0
        self._pending = dict[Pull, int]()
        self._batch: PullBatch | None = None  # Written until the ledger has answered.
        self._process = ""
        self._batches = 0
        self._writing = asyncio.Lock()
        self._flushing: asyncio.Task[None] | None = None

    @property
    def is_flushing(self) -> bool:
        return self._flushing is not None

    @property
    def remembered_pulls(self) -> int:
        """How many pulls of the current window this process knows."""
        return len(self._seen)

    def count(self, coordinate: Coordinate, caller: str) -> None:
        """Count a pull by `caller`, any text that identifies the client. Never waits."""
        now_ms = self._clock.now_ms()
        window = pull_window(now_ms)
        if window != self._window:
            self._seen, self._window = self._nobody(), window
        is_full = len(self._pending) >= MAX_PULLS_REMEMBERED
        if is_full or not self._seen.add(f"{coordinate.key} {caller}"):
            return
        pull = Pull(coordinate, utc_day(now_ms))
        if self._knows_callers:
            pull = replace(pull, caller=caller, window=window)
        self._pending[pull] = self._pending.get(pull, 0) + 1
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush_later())

    async def flush(self) -> int:
        """Write the pulls since the last flush and return their number; on failure keep them.

        Raises `TakesNoChanges`, `SigningKeyUnavailable`, and what its store raises.
        """
        written = 0
        async with self._writing:
            while batch := self._batch or self._next_batch():
                self._batch = batch  # Nobody knows whether a failed write took effect.
                await self._read_only_mode.require_changes_allowed()
                await self._ledger.record(await self._signed(batch))
                self._batch = None
                written += sum(batch.counts.values())
        return written

    async def close(self) -> None:
        """Write the pending pulls; they are lost if the registry is read-only or has no key."""
        if self._flushing:
            self._flushing.cancel()
        with suppress(TakesNoChanges, SigningKeyUnavailable):
            await self.flush()

    def _nobody(self) -> "_SeenPulls":
        return ExactMemory() if self._knows_callers else BloomFilter()

    def _next_batch(self) -> PullBatch | None:
        if not self._pending:
            return None
        pulls = list(islice(self._pending, BATCH_PULLS))
        self._batches += 1
        self._process = self._process or self._randomness.token_bytes(_PROCESS_ID_BYTES).hex()
        counts = {pull: self._pending.pop(pull) for pull in pulls}
        return PullBatch(self._process, self._batches, counts)

    async def _signed(self, batch: PullBatch) -> PullBatch:
        if not self._knows_callers:
            return batch
        await self._signer.ready()
        sign = self._signer.sign
        counts = {replace(pull, caller=sign(pull.caller)): 1 for pull in batch.counts}
        return replace(batch, counts=counts)

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


class _SeenPulls(Protocol):
    """The pulls of a window."""

    def add(self, pull: str) -> bool:
        """Remember a pull; return whether it was new."""
        ...

    def __len__(self) -> int:
        """Return how many pulls were new."""
        ...


class ExactMemory:
    """Remembers the last pulls. An earlier one that comes again is new, and the ledger knows it."""

    def __init__(self) -> None:
        self._pulls = LruCache[str, bool](MAX_PULLS_REMEMBERED)

    def add(self, pull: str) -> bool:
        is_new = self._pulls.get(pull) is None
        if is_new:
            self._pulls.put(pull, True)
        return is_new

    def __len__(self) -> int:
        return len(self._pulls)


FILTER_BITS = 1 << 23  # 1 MiB.
FILTER_HASHES = 7
_HASH = (1 << 64) - 1


class BloomFilter:
    """Remembers any number of pulls in 1 MiB. A repeated pull is never new; a new one is rarely
    taken for a repeated one: of 200,000 pulls 1 in 100,000, of 500,000 1 in 10,000, of a million
    3 in 1,000. An instance answers fewer than 500,000 pulls in a window.
    """

    def __init__(self) -> None:
        self._bits = bytearray(FILTER_BITS // 8)
        self._new = 0

    def add(self, pull: str) -> bool:
        # Python draws a key for the hashes of a process, so that nobody can choose an address that
        # hides the pulls of another one. Two halves of a hash make any number of hashes:
        # https://www.eecs.harvard.edu/~michaelm/postscripts/rsa2008.pdf
        step, place = divmod(hash(pull) & _HASH, 1 << 32)
        is_new = False
        for _ in range(FILTER_HASHES):
            index, bit = (place % FILTER_BITS) >> 3, 1 << (place & 7)
            if not self._bits[index] & bit:
                self._bits[index] |= bit
                is_new = True
            place += step | 1  # Odd, so that no place comes twice.
        self._new += is_new
        return is_new

    def __len__(self) -> int:
        return self._new


def pull_window(now_ms: int) -> int:
    """Return the number of the window that contains a time."""
    return now_ms // (PULL_WINDOW // MS)


def utc_day(now_ms: int) -> str:
    """Return the day that contains a time, as the ledger stores it."""
    return datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m-%d")
