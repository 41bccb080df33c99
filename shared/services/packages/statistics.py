"""Statistics: recent pulls, the last counts of all records, and the summary on the home page."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import islice

from msgspec import Struct

from shared.domain.coordinates import Package
from shared.domain.errors.base import Unavailable
from shared.domain.listings import Listing
from shared.domain.registry_counts import DatedCounts, RegistryCounts
from shared.domain.search import ANYONE, IndexTotals, Query, ResultPage, Sort
from shared.domain.times import MS
from shared.ports.pull_ledger import PullLedger
from shared.ports.search import SearchIndex
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.runtime.single_flight import SingleFlight
from shared.services.packages.pull_counter import utc_day

PACKAGES_LISTED = 6  # Packages in each list: as many as a visitor reads without scrolling.
KEYWORDS_LISTED = 8  # A line of them, or two on a phone.
KEYWORDS_COMPARED = 40  # The most frequent keywords, from which the listed ones are chosen.


class RegistrySummary(Struct, frozen=True):
    """The totals and facets of the public packages, and the packages that were updated last, pulled
    most and used most. `keywords` are the most frequent keywords that several packages have. If
    there are several organizations, packages of several of them must have the keyword, because a
    single organization may use keywords for its own categories. `releases` is from the last counts,
    and None if those are older than the packages.
    """

    totals: IndexTotals
    releases: int | None
    keywords: tuple[str, ...]
    updated: tuple[Listing, ...]
    pulled: tuple[Listing, ...]
    used: tuple[Listing, ...]
    # The number of dependents of the most used packages, by key, as of the last count.
    dependents: Mapping[str, int]

    @property
    def is_empty(self) -> bool:
        """Whether no public package has been published yet."""
        return not self.updated and self.totals.packages == 0


COUNTS_KEPT_FOR = timedelta(days=400)
COUNTS_CACHED_FOR = timedelta(minutes=5)  # They change each night.

_KIND = "census"
_KEY = "last"


class LastRegistryCounts:
    """Stores the last counts of all records, for all processes."""

    def __init__(self, work: WorkStore, clock: Clock) -> None:
        self._work = work
        self._clock = clock
        self._cached: DatedCounts | None = None
        self._cached_ms: int | None = None

    async def save(self, counts: RegistryCounts) -> None:
        now_ms = self._clock.now_ms()
        dated = DatedCounts(census=counts, at_ms=now_ms)
        await self._work.put(_KIND, _KEY, dated.model_dump_json(), now_ms + COUNTS_KEPT_FOR // MS)

    async def read(self) -> DatedCounts | None:
        text = await self._work.peek(_KIND, _KEY, self._clock.now_ms())
        return None if text is None else DatedCounts.model_validate_json(text)

    async def read_cached(self) -> DatedCounts | None:
        """Return the last counts, read at most minutes ago, or before if the store fails."""
        now_ms = self._clock.monotonic_ms()
        if self._cached_ms is None or now_ms - self._cached_ms >= COUNTS_CACHED_FOR // MS:
            self._cached_ms = now_ms
            with suppress(Unavailable):
                self._cached = await self.read()
        return self._cached


class RecentPulls(Struct, frozen=True):
    """Counts the pulls of a package in a range of days, from the ledger of pulls."""

    ledger: PullLedger
    clock: Clock

    async def count_by_day(self, package: Package, time: timedelta) -> Mapping[str, int]:
        """Return the pulls of each of the last days, without those that had none; those of today
        until the last roll-up."""
        first = utc_day(self.clock.now_ms() - (time - timedelta(days=1)) // MS)
        history = await self.ledger.history(package, since=first)
        return {day: sum(versions.values()) for day, versions in history.days.items()}

    async def count_between(self, package: Package, first: str, last: str) -> int:
        """Return the pulls from one day to another, both included: 2026-11-20."""
        history = await self.ledger.history(package, since=first)
        days = (versions for day, versions in history.days.items() if day <= last)
        return sum(sum(versions.values()) for versions in days)


class RegistryStatistics:
    """Summarizes the public packages from the search index and the last counts.

    Nothing of it is kept here, and nothing is counted: the index keeps its totals when it changes.
    """

    def __init__(self, index: SearchIndex, last_counts: LastRegistryCounts) -> None:
        self._index = index
        self._last_counts = last_counts
        self._single_flight = SingleFlight[RegistrySummary]()

    async def summary(self) -> RegistrySummary:
        """Return the summary; simultaneous calls share one."""
        return await self._single_flight.answer("", self._make)

    async def _make(self) -> RegistrySummary:
        updated, pulled, used, dated = await asyncio.gather(
            self._first(Sort.CREATED),
            self._first(Sort.PULLS),
            self._first(Sort.DEPENDENTS),
            self._last_counts.read_cached(),
        )
        totals, keywords, dependents = await self._counts(used)
        releases = dated.census.public_releases if dated else 0
        # Each package has at least one release: fewer were counted before some packages existed.
        counted = releases if releases >= max(totals.packages, 1) else None
        return RegistrySummary(
            totals=totals,
            releases=counted,
            keywords=keywords,
            updated=updated,
            pulled=pulled,
            used=used,
            dependents=dependents,
        )

    async def _counts(
        self, used: Sequence[Listing]
    ) -> tuple[IndexTotals, tuple[str, ...], Mapping[str, int]]:
        packages = [each.head.package for each in used]
        totals, keywords, dependents = await asyncio.gather(
            self._index.totals(),
            self._index.keywords(KEYWORDS_COMPARED),
            asyncio.gather(*map(self._count_dependents, packages)),
        )
        by_key = dict(zip((each.key for each in packages), dependents, strict=True))
        chosen = (each.value for each in keywords if each.packages > 1 and each.is_shared)
        return totals, tuple(islice(chosen, KEYWORDS_LISTED)), by_key

    async def _count_dependents(self, package: Package) -> int:
        query = Query(depends_on=package.key, include_deprecated=True)
        return (await self._index.search(query, ResultPage(limit=0), ANYONE)).count

    async def _first(self, sort: Sort) -> tuple[Listing, ...]:
        results = await self._index.search(
            Query(stored_only=True), ResultPage(limit=PACKAGES_LISTED, sort=sort), ANYONE
        )
        return tuple(hit.listing for hit in results.hits)
