"""What the stores and the search index of one machine promise of several processes."""

import sqlite3
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import closing
from itertools import chain
from pathlib import Path

import pytest

from shared.adapters.search.index import SqliteSearchIndex
from shared.domain.search import ANYONE, Query, ResultPage
from tests.contract.sample_records import GREET, head
from tests.contract.stores import Stores, embedded
from tests.contract.worker_process import EACH, PROCESSES, together
from tests.fakes.system import FakeClock

pytestmark = pytest.mark.slow


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncGenerator[Stores]:
    """Return stores with the package acme/greet."""
    async with embedded(tmp_path, FakeClock()) as opened:
        await opened.metadata.claim(head())
        yield opened


async def test_each_version_is_added_by_exactly_one_process(stores: Stores, tmp_path: Path) -> None:
    added = together("add", tmp_path)
    assert Counter(chain(*added)) == Counter(f"{number}.0.0" for number in range(EACH))
    stored = {each.version: each.summary for each in await stores.metadata.releases(GREET)}
    assert stored == {version: str(me) for me, each in enumerate(added) for version in each}


async def test_entries_of_all_processes_arrive_and_the_highest_revision_stays(
    stores: Stores, tmp_path: Path
) -> None:
    revisions = together("entries", tmp_path)
    (survey,) = await stores.metadata.survey([GREET])
    assert survey is not None
    assert len(survey.entries) == EACH * PROCESSES + 1
    assert survey.entries[-1].revision == max(chain(*revisions))


async def test_events_of_all_processes_are_numbered_without_gaps(
    stores: Stores, tmp_path: Path
) -> None:
    together("events", tmp_path)
    feed = await stores.events.since(0, 1_000)
    assert [number for number, _ in feed] == list(range(1, EACH * PROCESSES + 2))
    assert len({event.id for _, event in feed}) == len(feed)


@pytest.mark.parametrize("task", ["lease", "take"])
async def test_exactly_one_process_gets_an_item_that_is_for_one(
    stores: Stores, tmp_path: Path, task: str
) -> None:
    for number in range(EACH):
        await stores.work.put("code", str(number), "value", expires_ms=10)
    assert Counter(chain(*together(task, tmp_path))) == Counter(range(EACH))


@pytest.mark.usefixtures("stores")
async def test_concurrent_offers_are_all_stored_and_the_best_of_each_package_is_shown(
    tmp_path: Path,
) -> None:
    with closing(SqliteSearchIndex(tmp_path / "search.db")) as index:
        index.migrate()
        together("offer", tmp_path)
        results = await index.search(Query.parse("hello"), ResultPage(limit=1_000), ANYONE)
        assert results.count == len(results.hits) == PROCESSES * EACH + 1
        [greet] = (await index.search(Query.parse("acme/greet"), ResultPage(), ANYONE)).hits
        assert greet.listing.release.version == f"1.{EACH - 1}.{PROCESSES - 1}"
    with closing(sqlite3.connect(tmp_path / "search.db")) as connection:
        [(word_count,)] = connection.execute(
            "SELECT packages FROM counts WHERE counted = 'word' AND name = 'hello'"
        )
        assert word_count == PROCESSES * EACH + 1
