"""Counting pulls: what counts as one, and when counts are written."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice

from msgspec.structs import replace

from shared.auth.signing_keys import SigningKeys
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Refusal
from shared.domain.errors.identity import SigningKeyUnavailable
from shared.domain.errors.requests import TakesNoChanges
from shared.domain.pull_records import pull_window
from shared.ports.pull_ledger import CallerScope, Pull, PullBatch, PullLedger
from shared.ports.system import Clock, Randomness
from shared.runtime.background_tasks import DelayedFlush
from shared.runtime.lru_cache import LruCache
from shared.services.limits.notices import ReadOnlyMode
from shared.services.packages.release_pullers import ReleasePullerRecorder

# A crash, or the end of a Functions host, loses the counts of this time.
FLUSH_AFTER = timedelta(seconds=30)
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
        release_pullers: ReleasePullerRecorder,
        keys: SigningKeys,
        randomness: Randomness,
        read_only_mode: ReadOnlyMode,
        on_delay: Callable[[Refusal], None],
        flush_after: timedelta = FLUSH_AFTER,
    ) -> None:
        """Store callers only as signatures, from which nobody can read an address, and in some
        stores no callers.

        `on_delay` is called with the reason when counts cannot be written yet.
        """
        self._ledger = ledger
        self._release_pullers = release_pullers
        self._knows_callers = caller_scope is CallerScope.REGISTRY
        self._clock = clock
        self._signer = keys.signer("callers")
        self._randomness = randomness
        self._read_only_mode = read_only_mode
        # Pulls of one window. The oldest are forgotten first, and clients repeat a pull within
        # seconds.
        self._seen = LruCache[str, bool](MAX_PULLS_REMEMBERED)
        self._window: int = 0
        self._day = ""
        self._pending = dict[Pull, int]()
        self._batch: PullBatch | None = None  # Written until the ledger has answered.
        self._process = ""
        self._batches = 0
        self._flushing = DelayedFlush(self.flush, self._has_more, flush_after, on_delay)

    @property
    def is_counted_at_once(self) -> bool:
        """Whether counts have a pull as soon as it is written. A ledger that knows no callers adds
        pulls with a roll-up."""
        return self._knows_callers

    def count(self, coordinate: Coordinate, caller: str, *, key: str = "") -> None:
        """Count a pull by `caller`, any text that identifies the client; `key` is that of the
        coordinate, if the caller has it. Never waits."""
        now_ms = self._clock.now_ms()
        window = pull_window(now_ms)
        if window != self._window:
            self._seen = LruCache[str, bool](MAX_PULLS_REMEMBERED)
            self._window = window
            self._day = utc_day(now_ms)  # Windows begin at midnight, so each is of one day.
        seen = f"{key or coordinate.key} {caller}"
        is_full = len(self._pending) >= MAX_PULLS_REMEMBERED
        if is_full or self._seen.get(seen):
            return
        self._seen.put(seen, True)
        is_known = self._knows_callers
        pull = Pull(coordinate, self._day, caller if is_known else "", window if is_known else 0)
        self._pending[pull] = self._pending.get(pull, 0) + 1
        self._flushing.start()

    async def flush(self) -> int:
        """Write the pulls since the last flush, and who pulled young releases; return the number of
        pulls. On failure keep them.

        Raises `TakesNoChanges`, `SigningKeyUnavailable`, and what its store raises.
        """
        return await self._flushing.exclusively(self._write)

    async def close(self) -> None:
        """Write the pending pulls; they are lost if the registry is read-only or has no key."""
        self._flushing.cancel()
        with suppress(TakesNoChanges, SigningKeyUnavailable):
            await self.flush()

    async def _write(self) -> int:
        written = 0
        while batch := self._batch or self._next_batch():
            # A write that failed may have taken effect, so the same batch is written again.
            self._batch = batch
            await self._read_only_mode.require_changes_allowed()
            await self._ledger.record(await self._signed(batch))
            self._batch = None
            written += sum(batch.counts.values())
        await self._release_pullers.flush()
        return written

    def _has_more(self) -> bool:
        return bool(self._pending or self._batch)

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


def utc_day(now_ms: int) -> str:
    """Return the day that contains a time, as the ledger stores it."""
    return datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m-%d")
