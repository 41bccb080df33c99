"""The summary of the registry: what everybody may see, at a bounded cost."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

from shared.domain.packages import Listing, Texts
from shared.domain.search import (
    ANYONE,
    Facet,
    FacetCount,
    Facets,
    Hit,
    IndexTotals,
    Query,
    ResultPage,
    Results,
    Sort,
    Viewer,
)
from shared.domain.status import RegistryCounts
from shared.ports import SearchIndex
from shared.services.statistics import (
    PACKAGES_LISTED,
    SUMMARY_CACHED_FOR,
    LastRegistryCounts,
    RegistryStatistics,
)
from tests.contract.sample_records import head, release
from tests.fakes.stores import FakeWork
from tests.fakes.system import FakeClock


@dataclass
class CountedIndex:
    """A `SearchIndex` with a package for each sort, and how often it was asked."""

    packages: int = 3
    searches: list[tuple[Query, ResultPage, Viewer]] = field(
        default_factory=list[tuple[Query, ResultPage, Viewer]]
    )
    counts: int = 0

    async def search(self, query: Query, page: ResultPage, viewer: Viewer) -> Results:
        """Find one package, named for the sort."""
        self.searches.append((query, page, viewer))
        return Results((Hit(listing(page.sort.name.lower())),) if self.packages else (), 1)

    async def facets(self, query: Query, viewer: Viewer) -> Facets:
        """Return one keyword."""
        assert (query, viewer) == (Query(), ANYONE)
        return {Facet.KEYWORD: (FacetCount("http", 1),)}

    async def totals(self) -> IndexTotals:
        """Count, and note that it was done."""
        self.counts += 1
        return IndexTotals(self.packages, 1, 9)


def listing(name: str) -> Listing:
    return Listing(head(f"acme/{name}"), release(f"acme/{name}:1.0.0"), Texts())


def showcasing(index: CountedIndex, clock: FakeClock) -> RegistryStatistics:
    return RegistryStatistics(
        cast(SearchIndex, index), LastRegistryCounts(FakeWork(), clock), clock
    )


async def test_each_list_is_a_short_search_of_anybodys() -> None:
    index = CountedIndex()
    found = await showcasing(index, FakeClock()).summary()
    lists = (found.new, found.updated, found.pulled)
    assert [each.head.name for (each,) in lists] == ["added", "created", "pulls"]
    assert index.searches == [
        (Query(), ResultPage(limit=PACKAGES_LISTED, sort=sort), ANYONE)
        for sort in (Sort.ADDED, Sort.CREATED, Sort.PULLS)
    ]
    assert found.facets == {Facet.KEYWORD: (FacetCount("http", 1),)}
    assert not found.is_empty


async def test_it_counts_every_five_seconds_at_most() -> None:
    index, clock = CountedIndex(), FakeClock()
    shown = showcasing(index, clock)
    for _ in range(3):
        await shown.summary()
    assert index.counts == 1
    clock.advance(SUMMARY_CACHED_FOR)
    await shown.summary()
    assert index.counts == 2


async def test_an_empty_registry_says_so() -> None:
    found = await showcasing(CountedIndex(packages=0), FakeClock()).summary()
    assert found.is_empty


async def test_releases_are_told_as_they_were_counted_last() -> None:
    clock, work = FakeClock(), FakeWork()
    await LastRegistryCounts(work, clock).save(RegistryCounts(public_releases=12, releases=20))
    shown = await RegistryStatistics(
        cast(SearchIndex, CountedIndex()), LastRegistryCounts(work, clock), clock
    ).summary()
    assert shown.releases == 12


async def test_a_census_that_knows_fewer_releases_than_there_are_packages_is_not_told() -> None:
    clock, work = FakeClock(), FakeWork()
    await LastRegistryCounts(work, clock).save(RegistryCounts(public_releases=2))
    shown = await RegistryStatistics(
        cast(SearchIndex, CountedIndex()), LastRegistryCounts(work, clock), clock
    ).summary()
    assert shown.releases is None


async def test_those_who_ask_at_once_share_one_look() -> None:
    index = CountedIndex()
    shown = showcasing(index, FakeClock())
    first, second = await asyncio.gather(shown.summary(), shown.summary())
    assert first is second
    assert len(index.searches) == 3
    await shown.summary()
    assert len(index.searches) == 6
