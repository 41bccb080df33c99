"""Showcasing: what there is that everybody may see, for whoever knows not yet what they want."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.facets import Facets, Totals
from shared.domain.package import Listing
from shared.domain.query import ANYONE, Page, Query, Sort
from shared.ports import Clock, SearchIndex
from shared.services.censuses import Censuses

SHOWN = 6  # Packages of each list: what a visitor reads without scrolling.
REMEMBERED_FOR = timedelta(seconds=5)  # Counts go through all packages; lists begin and end.
_REMEMBERED_MS = REMEMBERED_FOR // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Showcase:
    """How much there is, how it divides, and what is new, was updated last, and is used most.

    Releases were counted last night; None where that says less than what is shown beside it.
    """

    totals: Totals
    releases: int | None
    facets: Facets
    new: tuple[Listing, ...]
    updated: tuple[Listing, ...]
    pulled: tuple[Listing, ...]

    @property
    def is_empty(self) -> bool:
        """Say whether nothing that everybody may see was published yet."""
        return not self.updated and self.totals.packages == 0


class Showcasing:
    """Asks the search index as anybody; it counts at most every five seconds, and looks at the
    last census every few minutes."""

    def __init__(self, index: SearchIndex, censuses: Censuses, clock: Clock) -> None:
        """Ask `index`, and for what it does not hold the last census."""
        self._index = index
        self._censuses = censuses
        self._clock = clock
        self._counted: tuple[int, Totals, Facets] | None = None
        self._under_way: asyncio.Task[Showcase] | None = None

    async def showcase(self) -> Showcase:
        """Return what everybody may see; those who ask while it is looked for get the same."""
        if self._under_way is None:
            self._under_way = asyncio.create_task(self._look())
            self._under_way.add_done_callback(self._landed)
        # Whoever goes away while others wait leaves them the answer.
        return await asyncio.shield(self._under_way)

    def _landed(self, _done: asyncio.Task[Showcase]) -> None:
        self._under_way = None

    async def _look(self) -> Showcase:
        new, updated, pulled, (totals, facets), counted = await asyncio.gather(
            self._first(Sort.ADDED),
            self._first(Sort.CREATED),
            self._first(Sort.PULLS),
            self._counts(),
            self._censuses.lately(),
        )
        releases = counted.census.public_releases if counted else 0
        # Each package has one at least: a census that knows fewer is older than the packages.
        known = releases if releases >= max(totals.packages, 1) else None
        return Showcase(totals, known, facets, new, updated, pulled)

    async def _counts(self) -> tuple[Totals, Facets]:
        now_ms = self._clock.monotonic_ms()
        counted = self._counted
        if counted is None or now_ms - counted[0] >= _REMEMBERED_MS:
            found = await asyncio.gather(self._index.totals(), self._index.facets(Query(), ANYONE))
            counted = self._counted = now_ms, *found
        return counted[1:]

    async def _first(self, sort: Sort) -> tuple[Listing, ...]:
        results = await self._index.search(Query(), Page(limit=SHOWN, sort=sort), ANYONE)
        return tuple(hit.listing for hit in results.hits)
