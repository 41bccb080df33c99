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
from tests.contract.immediate_search import CloudPlace, listing, opened_place, opened_search
from tests.contract.sample_records import package
from tests.support.cloud_stores import double_of
from tests.support.logs import capture_logs


@dataclass(kw_only=True)
class Place(CloudPlace):
    """A registry in the cloud with one instance that searches."""

    search: CloudSearchPorts
    workplace: CopyFolders

    def feed(self, parts: Any = None) -> CloudSearchFeed:
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
async def place(tmp_path: Path) -> AsyncGenerator[Place]:
    async with (
        opened_place(tmp_path) as made,
        opened_search(made["connections"], made["clock"], tmp_path) as search,
    ):
        workplace = CopyFolders(tmp_path / "feeding", SystemRandomness())
        yield Place(**made, search=search, workplace=workplace)
        workplace.close()


# --- what is fed -------------------------------------------------------------------------------


async def test_what_changed_since_the_base_is_read_from_the_feed(place: Place) -> None:
    assert await place.search.feed.catch_up() == 0
    first = await place.pointer()
    assert (first.packages, first.schema, await place.found()) == (0, COPY_SCHEMA, [])
    for name in ("one", "two", "three"):
        await place.search.index.offer(listing(name))
    assert await place.search.feed.catch_up() == 3
    assert await place.pointer() == first
    assert await place.found() == ["one", "three", "two"]
    await place.search.index.remove(package("acme/one"))
    assert await place.found() == ["three", "two"]


async def test_where_no_listing_changed_nobody_reads_the_same_again(place: Place) -> None:
    await place.search.feed.catch_up()
    first = await place.pointer()
    await place.cosmos.container("packages").put({"id": "x", "pk": "acme/x", "kind": "head"})
    assert await place.search.feed.catch_up() == 0
    assert (await place.pointer()).after != first.after
    assert (await place.pointer()).base == first.base


async def test_every_partition_is_fed(place: Place) -> None:
    double_of(place.folder, place.clock).containers[DATABASE, "packages"].split()
    names = [f"n{number}" for number in range(20)]
    for name in names[:10]:
        await place.search.index.offer(listing(name))
    await place.search.feed.catch_up()
    for name in names[10:]:
        await place.search.index.offer(listing(name))
    await place.search.feed.catch_up()
    assert await place.found() == sorted(names)


async def test_those_who_feed_at_once_lose_nothing(place: Place) -> None:
    await place.search.feed.catch_up()
    names = [f"n{number}" for number in range(5)]
    for name in names:
        await place.search.index.offer(listing(name))
    place.clock.advance(BASE_LIFETIME)
    await asyncio.gather(*(place.feed().catch_up() for _ in names), place.feed().rebuild())
    assert await place.found() == names


# --- bases -------------------------------------------------------------------------------------


async def test_a_base_that_is_an_hour_old_is_renewed_if_anything_changed(place: Place) -> None:
    await place.search.feed.catch_up()
    first = await place.pointer()
    place.clock.advance(BASE_LIFETIME)
    await place.search.feed.catch_up()
    assert (await place.pointer()).base == first.base
    await place.search.index.offer(listing("one"))
    await place.search.feed.catch_up()
    pointer = await place.pointer()
    assert (pointer.base == first.base, pointer.packages) == (False, 1)
    assert await place.found() == ["one"]


async def test_parts_that_nobody_points_at_are_removed_after_a_grace(place: Place) -> None:
    await place.search.feed.catch_up()
    for name in ("one", "two", "three"):
        await place.search.index.offer(listing(name))
        await place.search.feed.rebuild()
    assert len(await place.names()) == 4
    place.clock.advance(SWEEP_GRACE_PERIOD + timedelta(seconds=1))
    await place.search.feed.catch_up()
    assert await place.names() == [(await place.pointer()).base]
    assert await place.found() == ["one", "three", "two"]


# --- what is lost is made anew -----------------------------------------------------------------


async def lose_base(place: Place) -> None:
    """Let the base be something else, and old."""
    await place.put((await place.pointer()).base, b"not what it was")
    place.clock.advance(BASE_LIFETIME)


async def lose_pointer(place: Place) -> None:
    """Let the pointer be no pointer."""
    await place.put(SEARCH_POINTER, b"{}")


async def point_from_another_container(place: Place) -> None:
    """Let the pointer be one of before a backup was restored."""
    text = write_pointer(await place.pointer())
    await place.put(SEARCH_POINTER, text.replace(b'"after":"', b'"after":"bm90IG91cnM'))


async def point_at_a_newer_schema_of_long_ago(place: Place) -> None:
    """Let the base be one of a newer program that was taken back."""
    await place.put(
        SEARCH_POINTER, write_pointer(await place.pointer()).replace(*_schema(COPY_SCHEMA + 1))
    )
    place.clock.advance(UPGRADE_OVERLAP + timedelta(seconds=1))


def _schema(number: int) -> tuple[bytes, bytes]:
    return f'"schema":{COPY_SCHEMA},'.encode(), f'"schema":{number},'.encode()


@pytest.mark.parametrize(
    "lose",
    [lose_base, lose_pointer, point_from_another_container, point_at_a_newer_schema_of_long_ago],
)
async def test_lost_parts_are_rebuilt_from_the_records(
    place: Place, lose: Callable[[Place], Any]
) -> None:
    await place.search.feed.catch_up()
    await place.search.index.offer(listing("one"))
    await place.search.feed.catch_up()
    await lose(place)
    await place.search.index.offer(listing("two"))
    with capture_logs() as events:
        await place.search.feed.catch_up()
    assert "search.begun_anew" in [each["event"] for each in events]
    assert await place.found() == ["one", "two"]


async def test_while_a_newer_program_takes_over_its_base_is_left_alone(place: Place) -> None:
    await place.search.feed.catch_up()
    await place.put(
        SEARCH_POINTER, write_pointer(await place.pointer()).replace(*_schema(COPY_SCHEMA + 1))
    )
    base = (await place.pointer()).base
    await place.search.index.offer(listing("one"))
    assert await place.search.feed.catch_up() == 1
    pointer = await place.pointer()
    assert (pointer.base, pointer.schema) == (base, COPY_SCHEMA + 1)


# --- crashes -----------------------------------------------------------------------------------


class Crash(BaseException):
    """The process is gone."""


class CrashingParts:
    """Parts whose n-th call ends the process: before it takes effect, or after."""

    def __init__(self, parts: SearchBlobs, fatal: int, *, after: bool) -> None:
        self._parts = parts
        self._left = fatal
        self._after = after

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._parts, name)

        async def crashing(*arguments: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Crash
            answer = await call(*arguments)
            if self._left == 0:
                raise Crash
            return answer

        return crashing

    @property
    def is_over(self) -> bool:
        """Say whether the process lived to the end."""
        return self._left > 0


async def renewing(place: Place) -> None:
    """Let the next catching up make a new base."""
    await place.search.feed.catch_up()
    place.clock.advance(BASE_LIFETIME)


async def beginning(_place: Place) -> None:
    """Let the next catching up make the first base."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("prepare", [beginning, renewing])
async def test_the_next_process_finishes_after_a_crash_at_any_call(
    place: Place, prepare: Callable[[Place], Any], *, after: bool
) -> None:
    fatal = -1
    alive = False
    while not alive:
        fatal += 2  # After one call is before the next.
        await place.search.index.replace(listing("one", summary=f"number{fatal}"))
        await prepare(place)
        await place.search.index.replace(listing("two", summary=f"number{fatal}"))
        parts = CrashingParts(place.parts(), fatal, after=after)
        feed = place.feed(parts)
        try:
            await feed.catch_up()
        except Crash:
            assert set(await place.found()) <= {"one", "two"}  # What it points at can be read.
            await place.feed().catch_up()
        alive = parts.is_over
        assert await place.found(f"number{fatal}") == ["one", "two"]
    assert fatal > 3
