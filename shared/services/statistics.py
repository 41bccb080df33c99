"""Statistics: counting pulls, the last count of all records, and the numbers and lists of the home
page.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from shared.auth.signing_keys import SigningKeys
from shared.caching import LruCache, SingleFlight
from shared.domain.errors.base import Refusal, Unavailable
from shared.domain.errors.identity import SigningKeyUnavailable
from shared.domain.errors.requests import TakesNoChanges
from shared.domain.names import Coordinate
from shared.domain.packages import Listing
from shared.domain.search import ANYONE, Facets, IndexTotals, Query, ResultPage, Sort
from shared.domain.status import DatedCounts, RegistryCounts
from shared.ports import Clock, Pull, PullLedger, SearchIndex, WorkStore
from shared.services.notices import ReadOnlyMode

# Old clients pull a package once for each platform that they know, all within seconds.
PULL_WINDOW = timedelta(minutes=10)
_WINDOW_MS = PULL_WINDOW // timedelta(milliseconds=1)
FLUSH_AFTER = timedelta(seconds=30)  # What a crash may lose of the counts, never of anything else.
MAX_PULLS_REMEMBERED = 100_000  # Pulls that a process remembers, and that wait for a store; 40 MB.


class PullCounter:
    """Counts one pull a caller, release and window."""

    def __init__(
        self,
        ledger: PullLedger,
        clock: Clock,
        keys: SigningKeys,
        read_only_mode: ReadOnlyMode,
        *,
        delayed: Callable[[Refusal], None],
        flush_after: timedelta = FLUSH_AFTER,
    ) -> None:
        """Store callers as signatures: nobody can read an address back from one.

        `delayed` is called with the reason when counts cannot be written yet.
        """
        self._ledger = ledger
        self._clock = clock
        self._signer = keys.signer("callers")
        self._read_only_mode = read_only_mode
        self._delayed = delayed
        self._flush_after = flush_after
        self._seen = LruCache[str, Pull](
            MAX_PULLS_REMEMBERED
        )  # Of one window: no other is asked for again.
        self._window: int = 0
        self._pending: list[Pull] = []
        self._flushing: asyncio.Task[None] | None = None

    @property
    def is_flushing(self) -> bool:
        """Say whether something waits to be written."""
        return self._flushing is not None

    @property
    def remembered_pulls(self) -> int:
        """Return how many pulls are remembered, so that they are counted once."""
        return len(self._seen)

    def count(self, coordinate: Coordinate, caller: str) -> None:
        """Note a pull by `caller`, any text that is the same for the same client. Never waits."""
        now_ms = self._clock.now_ms()
        window = pull_window(now_ms)
        if window != self._window:
            self._seen = LruCache[str, Pull](MAX_PULLS_REMEMBERED)
            self._window = window
        identity = f"{coordinate.key} {caller}"
        if self._seen.get(identity) or len(self._pending) >= MAX_PULLS_REMEMBERED:
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
                await self._read_only_mode.require_changes_allowed()
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


def pull_window(now_ms: int) -> int:
    """Return the number of the window that holds this time."""
    return now_ms // _WINDOW_MS


def _day(now_ms: int) -> str:
    return datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m-%d")


PACKAGES_LISTED = 6  # Packages of each list: what a visitor reads without scrolling.
SUMMARY_CACHED_FOR = timedelta(seconds=5)  # Counts go through all packages; lists begin and end.
_REMEMBERED_MS = SUMMARY_CACHED_FOR // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class RegistrySummary:
    """How much there is, how it divides, and what is new, was updated last, and is used most.

    Releases were counted last night; None where that says less than what is shown beside it.
    """

    totals: IndexTotals
    releases: int | None
    facets: Facets
    new: tuple[Listing, ...]
    updated: tuple[Listing, ...]
    pulled: tuple[Listing, ...]

    @property
    def is_empty(self) -> bool:
        """Say whether nothing that everybody may see was published yet."""
        return not self.updated and self.totals.packages == 0


class LastRegistryCounts:
    """Remembers the last census, for all processes."""

    def __init__(self, work: WorkStore, clock: Clock) -> None:
        """Keep it beside the runs of tasks."""
        self._work = work
        self._clock = clock
        self._shown: DatedCounts | None = None
        self._shown_ms: int | None = None

    async def save(self, census: RegistryCounts) -> None:
        """Remember what was counted now."""
        now_ms = self._clock.now_ms()
        counted = DatedCounts(census=census, at_ms=now_ms)
        await self._work.put(
            _KIND, _KEY, counted.model_dump_json(), now_ms + COUNTS_KEPT_FOR // _MS
        )

    async def read(self) -> DatedCounts | None:
        """Return the last census, or None where nothing was counted yet."""
        noted = await self._work.peek(_KIND, _KEY, self._clock.now_ms())
        return None if noted is None else DatedCounts.model_validate_json(noted)

    async def read_cached(self) -> DatedCounts | None:
        """Return the last census as it was minutes ago, or None also where the store is silent."""
        now_ms = self._clock.monotonic_ms()
        if self._shown_ms is None or now_ms - self._shown_ms >= COUNTS_CACHED_FOR // _MS:
            self._shown_ms = now_ms
            try:
                self._shown = await self.read()
            except Unavailable:
                return self._shown
        return self._shown


class RegistryStatistics:
    """Asks the search index as anybody; it counts at most every five seconds, and looks at the
    last census every few minutes."""

    def __init__(self, index: SearchIndex, censuses: LastRegistryCounts, clock: Clock) -> None:
        """Ask `index`, and for what it does not hold the last census."""
        self._index = index
        self._censuses = censuses
        self._clock = clock
        self._counted: tuple[int, IndexTotals, Facets] | None = None
        self._flight = SingleFlight[RegistrySummary]()

    async def summary(self) -> RegistrySummary:
        """Return what everybody may see; those who ask while it is looked for get the same."""
        return await self._flight.answer("", self._look)

    async def _look(self) -> RegistrySummary:
        new, updated, pulled, (totals, facets), counted = await asyncio.gather(
            self._first(Sort.ADDED),
            self._first(Sort.CREATED),
            self._first(Sort.PULLS),
            self._counts(),
            self._censuses.read_cached(),
        )
        releases = counted.census.public_releases if counted else 0
        # Each package has one at least: a census that knows fewer is older than the packages.
        known = releases if releases >= max(totals.packages, 1) else None
        return RegistrySummary(totals, known, facets, new, updated, pulled)

    async def _counts(self) -> tuple[IndexTotals, Facets]:
        now_ms = self._clock.monotonic_ms()
        counted = self._counted
        if counted is None or now_ms - counted[0] >= _REMEMBERED_MS:
            found = await asyncio.gather(self._index.totals(), self._index.facets(Query(), ANYONE))
            counted = self._counted = now_ms, *found
        return counted[1:]

    async def _first(self, sort: Sort) -> tuple[Listing, ...]:
        results = await self._index.search(
            Query(), ResultPage(limit=PACKAGES_LISTED, sort=sort), ANYONE
        )
        return tuple(hit.listing for hit in results.hits)


COUNTS_KEPT_FOR = timedelta(days=400)
COUNTS_CACHED_FOR = timedelta(minutes=5)  # It changes each night.

_KIND, _KEY = "census", "last"
_MS = timedelta(milliseconds=1)


class RegistryCounter:
    """Adds up what something meets on its way through all there is."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.counts = RegistryCounts()

    def add(self, census: RegistryCounts) -> None:
        """Count this as well."""
        self.counts = self.counts.plus(census)
