"""Filling the index anew while it is used."""

import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from shared.adapters.search import index as index_of_search
from shared.adapters.search.index import SqliteSearchIndex
from shared.domain.listings import Listing
from shared.domain.packages import Texts
from shared.domain.search import ANYONE, Query, ResultPage
from tests.contract.sample_records import head, package, release

Meanwhile = Callable[[], Awaitable[None]]


@pytest.fixture
async def index(tmp_path: Path) -> AsyncGenerator[SqliteSearchIndex]:
    """Return an index that shows acme/old, which no store knows any more, and acme/greet."""
    index = SqliteSearchIndex(tmp_path / "search.db")
    index.migrate()
    await index.offer(listing("acme/old:1.0.0"))
    await index.offer(listing("acme/greet:1.0.0"))
    yield index
    index.close()


def listing(text: str) -> Listing:
    return Listing(head(text.split(":", 1)[0]), release(text, summary="Says hello"), Texts())


async def shown(index: SqliteSearchIndex, text: str = "") -> list[str]:
    """Return the coordinates that are shown."""
    results = await index.search(Query.parse(text), ResultPage(), ANYONE)
    assert results.count == len(results.hits)
    return sorted(str(hit.listing.release.coordinate) for hit in results.hits)


async def stored(*texts: str, meanwhile: Meanwhile | None = None) -> AsyncIterator[Listing]:
    """Yield what the stores hold, and let something happen before the last of it."""
    for text in texts[:-1]:
        yield listing(text)
    if meanwhile:
        await meanwhile()
    yield listing(texts[-1])


async def test_afterwards_the_index_shows_the_best_release_of_what_is_stored_and_nothing_else(
    index: SqliteSearchIndex,
) -> None:
    await index.rebuild(stored("acme/greet:1.2.0", "acme/greet:1.10.0", "acme/new:1.0.0"))
    assert await shown(index) == ["acme/greet:1.10.0", "acme/new:1.0.0"]
    assert await shown(index, "name:greet hello") == ["acme/greet:1.10.0"]
    assert await shown(index, "geret") == ["acme/greet:1.10.0"]


async def test_until_the_last_package_is_read_the_index_stays_as_it_was(
    index: SqliteSearchIndex,
) -> None:
    seen: list[list[str]] = []

    async def look() -> None:
        seen.append(await shown(index))

    await index.rebuild(stored("acme/new:1.0.0", "acme/newer:1.0.0", meanwhile=look))
    assert seen == [["acme/greet:1.0.0", "acme/old:1.0.0"]]


async def test_a_push_during_a_rebuild_is_shown_at_once_and_afterwards(
    index: SqliteSearchIndex,
) -> None:
    async def push() -> None:
        await index.offer(listing("acme/greet:2.0.0"))
        await index.offer(listing("acme/pushed:1.0.0"))
        assert "acme/greet:2.0.0" in await shown(index)

    await index.rebuild(stored("acme/old:1.0.0", "acme/greet:1.0.0", meanwhile=push))
    assert await shown(index) == ["acme/greet:2.0.0", "acme/old:1.0.0", "acme/pushed:1.0.0"]


async def test_a_release_that_was_removed_or_replaced_during_a_rebuild_does_not_come_back(
    index: SqliteSearchIndex,
) -> None:
    """The last package was read from the store before it was removed, and arrives after."""

    async def moderate() -> None:
        await index.remove(package("acme/bad"))
        await index.replace(listing("acme/greet:1.0.0"))

    texts = [f"acme/p{number}:1.0.0" for number in range(index_of_search.REBUILD_BATCH)]
    texts += ["acme/greet:3.0.0", "acme/bad:1.0.0"]
    await index.rebuild(stored(*texts, meanwhile=moderate))
    assert await shown(index, "name:greet") == ["acme/greet:1.0.0"]
    assert await shown(index, "name:bad") == []


async def test_an_interrupted_rebuild_starts_again(index: SqliteSearchIndex) -> None:
    async def fail() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await index.rebuild(stored(*["acme/lost:1.0.0"] * 300, meanwhile=fail))
    await index.remove(package("acme/old"))
    assert await shown(index) == ["acme/greet:1.0.0"]
    await index.rebuild(stored("acme/old:1.0.0"))
    assert await shown(index) == ["acme/old:1.0.0"]


async def test_the_index_of_an_empty_store_is_empty(index: SqliteSearchIndex) -> None:
    async def nothing() -> AsyncIterator[Listing]:
        for each in ():
            yield each

    await index.rebuild(nothing())
    assert await shown(index) == []


async def test_the_words_of_removed_packages_are_deleted(
    index: SqliteSearchIndex, tmp_path: Path
) -> None:
    await index.replace(listing("acme/greet:1.1.0"))
    await index.remove(package("acme/greet"))
    await index.remove(package("acme/old"))
    index.close()
    connection = sqlite3.connect(tmp_path / "search.db")
    assert connection.execute("SELECT word, packages FROM words").fetchall() == []
    connection.execute("INSERT INTO texts (texts, rank) VALUES ('integrity-check', 0)")
    connection.close()
