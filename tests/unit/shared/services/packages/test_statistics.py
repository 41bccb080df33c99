"""Statistics: the stored census, and the summary that everybody may see."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest

from shared.domain.errors.requests import Busy
from shared.domain.listings import Listing
from shared.domain.packages import Texts
from shared.domain.registry_counts import RegistryCounts
from shared.domain.search import (
    ANYONE,
    Hit,
    IndexTotals,
    KeywordCount,
    Query,
    ResultPage,
    Results,
    Viewer,
)
from shared.ports.search import SearchIndex
from shared.services.packages.statistics import (
    COUNTS_CACHED_FOR,
    LastRegistryCounts,
    RegistryStatistics,
)
from tests.contract.sample_records import head, release
from tests.fakes.stores import FakeWork
from tests.fakes.system import FakeClock
from tests.support.port_doubles import Fault


async def test_a_store_that_is_silent_leaves_what_was_known() -> None:
    clock = FakeClock()
    fault = Fault("peek", Busy())
    last_counts = LastRegistryCounts(fault.over(FakeWork()), clock)
    await last_counts.save(RegistryCounts(packages=2))
    assert await last_counts.read_cached() is None
    clock.advance(COUNTS_CACHED_FOR)
    known = await last_counts.read_cached()
    assert known is not None
    fault.nth = fault.calls + 1
    clock.advance(COUNTS_CACHED_FOR)
    assert await last_counts.read_cached() == known
    assert fault.calls == 3


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
        name = page.sort.name.lower()
        shown = Listing(head(f"acme/{name}"), release(f"acme/{name}:1.0.0"), Texts())
        return Results((Hit(shown),) if self.packages else (), 1)

    async def keywords(self, most: int) -> tuple[KeywordCount, ...]:
        """Return one keyword for each reason to show it, or not to."""
        counts = (
            KeywordCount("shared", 3, is_shared=True),
            KeywordCount("categories", 2, is_shared=False),
            KeywordCount("once", 1, is_shared=True),
        )
        return counts[:most]

    async def totals(self) -> IndexTotals:
        """Count, and note that it was done."""
        self.counts += 1
        return IndexTotals(self.packages, 1, 9)


def short_searches(index: CountedIndex) -> list[tuple[Query, ResultPage, Viewer]]:
    """Return the searches that list packages, without those that count dependents."""
    return [each for each in index.searches if each[1].limit]


def statistics_of(
    index: CountedIndex, clock: FakeClock, work: FakeWork | None = None
) -> RegistryStatistics:
    return RegistryStatistics(
        cast(SearchIndex, index), LastRegistryCounts(work or FakeWork(), clock)
    )


async def test_the_dependents_of_the_most_used_are_counted() -> None:
    index = CountedIndex()
    summary = await statistics_of(index, FakeClock()).summary()
    assert summary.dependents == {"acme/dependents": 1}
    asked = (
        Query(depends_on="acme/dependents", include_deprecated=True),
        ResultPage(limit=0),
        ANYONE,
    )
    assert (index.searches.count(asked), index.counts) == (1, 1)


async def test_keywords_that_several_packages_share_are_shown() -> None:
    assert (await statistics_of(CountedIndex(), FakeClock()).summary()).keywords == ("shared",)


async def test_a_summary_is_that_of_the_index_as_it_is_now() -> None:
    index = CountedIndex(packages=3)
    shown = statistics_of(index, FakeClock())
    assert (await shown.summary()).totals.packages == 3
    index.packages = 4
    assert (await shown.summary()).totals.packages == 4


@pytest.mark.parametrize(
    ("packages", "counted", "shown"), [(3, 2, None), (3, 3, 3), (1, 1, 1), (0, 0, None)]
)
async def test_a_census_with_fewer_releases_than_packages_is_not_shown(
    packages: int, counted: int, shown: int | None
) -> None:
    clock = FakeClock()
    work = FakeWork()
    await LastRegistryCounts(work, clock).save(RegistryCounts(public_releases=counted))
    found = await statistics_of(CountedIndex(packages), clock, work).summary()
    assert found.releases == shown


async def test_those_who_ask_at_once_share_one_look() -> None:
    index = CountedIndex()
    shown = statistics_of(index, FakeClock())
    first, second = await asyncio.gather(shown.summary(), shown.summary())
    assert first is second
    assert len(short_searches(index)) == 3
    await shown.summary()
    assert len(short_searches(index)) == 6
