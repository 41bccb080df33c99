"""The feed of the cloud's search: whatever happens on the way, searches learn of every change."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.blob.client import SEARCH_PARTS, SEARCH_POINTER
from shared.adapters.cosmos.client import DATABASE
from shared.adapters.search.cloud_blobs import SearchBlobs, write_pointer
from shared.adapters.search.cloud_copies import (
    BASE_LIFETIME,
    COPY_SCHEMA,
    SWEEP_GRACE_PERIOD,
    UPGRADE_OVERLAP,
    CloudSearchFeed,
    CopyFolders,
)
from shared.adapters.search.cloud_index import CloudSearchPorts
from shared.adapters.search.cloud_listings import CosmosListings
from shared.adapters.system import SystemRandomness
from shared.domain.search import ANYONE, Query, ResultPage
from tests.contract.immediate_search import (
    SearchStores,
    listing,
    opened_search,
    opened_search_stores,
)
from tests.contract.sample_records import package
from tests.support.cloud_stores import double_of
from tests.support.logs import capture_logs
from tests.support.port_doubles import Fault, Moment


@dataclass(kw_only=True)
class SearchInstance(SearchStores):
    """A registry in the cloud with one instance that searches."""

    search: CloudSearchPorts
    workplace: CopyFolders

    def feed(self, parts: SearchBlobs | None = None) -> CloudSearchFeed:
        """Return the feed of another process, over these parts."""
        workplace = self.workplace
        listings = CosmosListings(self.cosmos)
        return CloudSearchFeed(listings, parts or self.parts(), workplace, self.clock)

    async def names(self) -> list[str]:
        """Return the names of all parts."""
        listed = self.blobs.container("derived").list_blob_names(name_starts_with=SEARCH_PARTS)
        return [name async for name in listed if name != SEARCH_POINTER]

    async def found(self, text: str = "") -> list[str]:
        """Return what a fresh instance finds."""
        async with opened_search(self.connections, self.clock, self.folder) as other:
            await other.current_copy.refresh()
            results = await other.index.search(Query.parse(text), ResultPage(limit=100), ANYONE)
            return sorted(hit.listing.head.name for hit in results.hits)


@pytest.fixture
async def instance(tmp_path: Path) -> AsyncGenerator[SearchInstance]:
    async with (
        opened_search_stores(tmp_path) as made,
        opened_search(made["connections"], made["clock"], tmp_path) as search,
    ):
        workplace = CopyFolders(tmp_path / "feeding", SystemRandomness())
        yield SearchInstance(**made, search=search, workplace=workplace)
        workplace.close()


# --- what is fed -------------------------------------------------------------------------------


async def test_what_changed_since_the_base_is_read_from_the_feed(instance: SearchInstance) -> None:
    assert await instance.search.feed.catch_up() == 0
    first = await instance.pointer()
    assert (first.packages, first.schema, await instance.found()) == (0, COPY_SCHEMA, [])
    for name in ("one", "two", "three"):
        await instance.search.index.offer(listing(name))
    assert await instance.search.feed.catch_up() == 3
    assert await instance.pointer() == first
    assert await instance.found() == ["one", "three", "two"]
    await instance.search.index.remove(package("acme/one"))
    assert await instance.found() == ["three", "two"]


async def test_where_no_listing_changed_nobody_reads_the_same_again(
    instance: SearchInstance,
) -> None:
    await instance.search.feed.catch_up()
    first = await instance.pointer()
    await instance.cosmos.container("packages").put({"id": "x", "pk": "acme/x", "kind": "head"})
    assert await instance.search.feed.catch_up() == 0
    assert (await instance.pointer()).after != first.after
    assert (await instance.pointer()).base == first.base


async def test_every_partition_is_fed(instance: SearchInstance) -> None:
    double_of(instance.folder, instance.clock).containers[DATABASE, "packages"].split()
    names = [f"n{number}" for number in range(20)]
    for name in names[:10]:
        await instance.search.index.offer(listing(name))
    await instance.search.feed.catch_up()
    for name in names[10:]:
        await instance.search.index.offer(listing(name))
    await instance.search.feed.catch_up()
    assert await instance.found() == sorted(names)


async def test_those_who_feed_at_once_lose_nothing(instance: SearchInstance) -> None:
    await instance.search.feed.catch_up()
    names = [f"n{number}" for number in range(5)]
    for name in names:
        await instance.search.index.offer(listing(name))
    instance.clock.advance(BASE_LIFETIME)
    await asyncio.gather(*(instance.feed().catch_up() for _ in names), instance.feed().rebuild())
    assert await instance.found() == names


# --- bases -------------------------------------------------------------------------------------


async def test_a_base_that_is_an_hour_old_is_renewed_if_anything_changed(
    instance: SearchInstance,
) -> None:
    await instance.search.feed.catch_up()
    first = await instance.pointer()
    instance.clock.advance(BASE_LIFETIME)
    await instance.search.feed.catch_up()
    assert (await instance.pointer()).base == first.base
    await instance.search.index.offer(listing("one"))
    await instance.search.feed.catch_up()
    pointer = await instance.pointer()
    assert (pointer.base == first.base, pointer.packages) == (False, 1)
    assert await instance.found() == ["one"]


async def test_parts_that_nobody_points_at_are_removed_after_a_grace(
    instance: SearchInstance,
) -> None:
    await instance.search.feed.catch_up()
    for name in ("one", "two", "three"):
        await instance.search.index.offer(listing(name))
        await instance.search.feed.rebuild()
    assert len(await instance.names()) == 4
    instance.clock.advance(SWEEP_GRACE_PERIOD + timedelta(seconds=1))
    await instance.search.feed.catch_up()
    assert await instance.names() == [(await instance.pointer()).base]
    assert await instance.found() == ["one", "three", "two"]


# --- what is lost is made anew -----------------------------------------------------------------


async def lose_base(instance: SearchInstance) -> None:
    """Let the base be something else, and old."""
    await instance.put((await instance.pointer()).base, b"not what it was")
    instance.clock.advance(BASE_LIFETIME)


async def lose_pointer(instance: SearchInstance) -> None:
    """Let the pointer be no pointer."""
    await instance.put(SEARCH_POINTER, b"{}")


async def point_from_another_container(instance: SearchInstance) -> None:
    """Let the pointer be one of before a backup was restored."""
    text = write_pointer(await instance.pointer())
    await instance.put(SEARCH_POINTER, text.replace(b'"after":"', b'"after":"bm90IG91cnM'))


async def point_at_a_newer_schema_of_long_ago(instance: SearchInstance) -> None:
    """Let the base be one of a newer program that was taken back."""
    await instance.put(
        SEARCH_POINTER, write_pointer(await instance.pointer()).replace(*_schema(COPY_SCHEMA + 1))
    )
    instance.clock.advance(UPGRADE_OVERLAP + timedelta(seconds=1))


def _schema(number: int) -> tuple[bytes, bytes]:
    return f'"schema":{COPY_SCHEMA},'.encode(), f'"schema":{number},'.encode()


@pytest.mark.parametrize(
    "lose",
    [lose_base, lose_pointer, point_from_another_container, point_at_a_newer_schema_of_long_ago],
)
async def test_lost_parts_are_rebuilt_from_the_records(
    instance: SearchInstance, lose: Callable[[SearchInstance], Any]
) -> None:
    await instance.search.feed.catch_up()
    await instance.search.index.offer(listing("one"))
    await instance.search.feed.catch_up()
    await lose(instance)
    await instance.search.index.offer(listing("two"))
    with capture_logs() as events:
        await instance.search.feed.catch_up()
    assert "search.begun_anew" in [each["event"] for each in events]
    assert await instance.found() == ["one", "two"]


async def test_while_a_newer_program_takes_over_its_base_stays(
    instance: SearchInstance,
) -> None:
    await instance.search.feed.catch_up()
    await instance.put(
        SEARCH_POINTER, write_pointer(await instance.pointer()).replace(*_schema(COPY_SCHEMA + 1))
    )
    base = (await instance.pointer()).base
    await instance.search.index.offer(listing("one"))
    assert await instance.search.feed.catch_up() == 1
    pointer = await instance.pointer()
    assert (pointer.base, pointer.schema) == (base, COPY_SCHEMA + 1)


# --- crashes -----------------------------------------------------------------------------------


class Crash(BaseException):
    """The process is gone."""


async def renewing(instance: SearchInstance) -> None:
    """Let the next catching up make a new base."""
    await instance.search.feed.catch_up()
    instance.clock.advance(BASE_LIFETIME)


async def beginning(_place: SearchInstance) -> None:
    """Let the next catching up make the first base."""


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("prepare", [beginning, renewing])
async def test_the_next_process_finishes_after_a_crash_at_any_call(
    instance: SearchInstance, prepare: Callable[[SearchInstance], Any], moment: Moment
) -> None:
    fatal = -1
    alive = False
    while not alive:
        fatal += 2  # After one call is before the next.
        await instance.search.index.replace(listing("one", summary=f"number{fatal}"))
        await prepare(instance)
        await instance.search.index.replace(listing("two", summary=f"number{fatal}"))
        crash = Fault(None, Crash(), moment, fatal)
        feed = instance.feed(crash.over(instance.parts()))
        try:
            await feed.catch_up()
        except Crash:
            assert set(await instance.found()) <= {"one", "two"}  # What it points at can be read.
            await instance.feed().catch_up()
        alive = crash.calls < fatal
        assert await instance.found(f"number{fatal}") == ["one", "two"]
    assert fatal > 3
