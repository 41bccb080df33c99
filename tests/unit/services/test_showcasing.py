"""Showcasing: what is shown of everything, as anybody sees it, at a bounded cost."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

from shared.domain.census import Census
from shared.domain.facets import Facet, Facets, Share, Totals
from shared.domain.package import Listing, Texts
from shared.domain.query import ANYONE, Hit, Page, Query, Results, Sort, Viewer
from shared.ports import SearchIndex
from shared.services.censuses import Censuses
from shared.services.showcasing import REMEMBERED_FOR, SHOWN, Showcasing
from tests.contract.samples import head, release
from tests.fakes.clock import FakeClock
from tests.fakes.work import FakeWork


@dataclass
class CountedIndex:
    """A `SearchIndex` with a package for each sort, and how often it was asked."""

    packages: int = 3
    searches: list[tuple[Query, Page, Viewer]] = field(
        default_factory=list[tuple[Query, Page, Viewer]]
    )
    counts: int = 0

    async def search(self, query: Query, page: Page, viewer: Viewer) -> Results:
        """Find one package, named for the sort."""
        self.searches.append((query, page, viewer))
        return Results((Hit(listing(page.sort.name.lower())),) if self.packages else (), 1)

    async def facets(self, query: Query, viewer: Viewer) -> Facets:
        """Return one keyword."""
        assert (query, viewer) == (Query(), ANYONE)
        return {Facet.KEYWORD: (Share("http", 1),)}

    async def totals(self) -> Totals:
        """Count, and note that it was done."""
        self.counts += 1
        return Totals(self.packages, 1, 9)


def listing(name: str) -> Listing:
    return Listing(head(f"acme/{name}"), release(f"acme/{name}:1.0.0"), Texts())


def showcasing(index: CountedIndex, clock: FakeClock) -> Showcasing:
    return Showcasing(cast(SearchIndex, index), Censuses(FakeWork(), clock), clock)


async def test_each_list_is_a_short_search_of_anybodys() -> None:
    index = CountedIndex()
    found = await showcasing(index, FakeClock()).showcase()
    lists = (found.new, found.updated, found.pulled)
    assert [each.head.name for (each,) in lists] == ["added", "created", "pulls"]
    assert index.searches == [
        (Query(), Page(limit=SHOWN, sort=sort), ANYONE)
        for sort in (Sort.ADDED, Sort.CREATED, Sort.PULLS)
    ]
    assert found.facets == {Facet.KEYWORD: (Share("http", 1),)}
    assert not found.is_empty


async def test_it_counts_every_five_seconds_at_most() -> None:
    index, clock = CountedIndex(), FakeClock()
    shown = showcasing(index, clock)
    for _ in range(3):
        await shown.showcase()
    assert index.counts == 1
    clock.advance(REMEMBERED_FOR)
    await shown.showcase()
    assert index.counts == 2


async def test_an_empty_registry_says_so() -> None:
    found = await showcasing(CountedIndex(packages=0), FakeClock()).showcase()
    assert found.is_empty


async def test_releases_are_told_as_they_were_counted_last() -> None:
    clock, work = FakeClock(), FakeWork()
    await Censuses(work, clock).note(Census(public_releases=12, releases=20))
    shown = await Showcasing(
        cast(SearchIndex, CountedIndex()), Censuses(work, clock), clock
    ).showcase()
    assert shown.releases == 12


async def test_a_census_that_knows_fewer_releases_than_there_are_packages_is_not_told() -> None:
    clock, work = FakeClock(), FakeWork()
    await Censuses(work, clock).note(Census(public_releases=2))
    shown = await Showcasing(
        cast(SearchIndex, CountedIndex()), Censuses(work, clock), clock
    ).showcase()
    assert shown.releases is None


async def test_those_who_ask_at_once_share_one_look() -> None:
    index = CountedIndex()
    shown = showcasing(index, FakeClock())
    first, second = await asyncio.gather(shown.showcase(), shown.showcase())
    assert first is second
    assert len(index.searches) == 3
    await shown.showcase()
    assert len(index.searches) == 6
