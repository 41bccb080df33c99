"""The copies of the cloud's search: newer ones come by themselves, and broken ones not at all."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.blob.client import SEARCH_POINTER
from shared.adapters.cosmos.change_feed import ChangeFeedEdition
from shared.adapters.search.cloud_blobs import SearchBlobs, write_pointer
from shared.adapters.search.cloud_copies import (
    BASE_LIFETIME,
    COPY_FOLDER_PREFIX,
    COPY_SCHEMA,
    CopyFolders,
    IndexCopy,
)
from shared.adapters.search.cloud_index import (
    REFRESH_INTERVAL,
    CloudSearchPorts,
    CopyEnvironment,
    CurrentCopy,
)
from shared.adapters.search.cloud_listings import CosmosListings
from shared.adapters.search.queries import find_packages
from shared.adapters.system import SystemRandomness
from shared.domain.search import ANYONE, Query, ResultPage
from shared.runtime.editions import CHANGES_KNOWN_WITHIN
from tests.contract.immediate_search import CloudPlace, listing, never, opened_place, opened_search
from tests.support.logs import capture_logs
from tests.support.refusals import raises_refusal

pytestmark = pytest.mark.measured


@dataclass(kw_only=True)
class Place(CloudPlace):
    """A registry in the cloud with two instances: one writes and builds, one only searches."""

    writer: CloudSearchPorts
    reader: CloudSearchPorts

    async def push(self, name: str) -> None:
        """Show a package, in the first base if there is none."""
        await self.writer.index.offer(listing(name))
        await self.writer.feed.catch_up()

    async def renew(self) -> None:
        """Make a new base."""
        self.clock.advance(BASE_LIFETIME)
        await self.push(f"renewal{self.clock.now_ms()}")

    async def found(self, search: CloudSearchPorts | None = None) -> list[str]:
        """Return what an instance finds, the reader by default, without looking."""
        index = (search or self.reader).index
        results = await index.search(Query.parse("org:acme"), ResultPage(limit=100), ANYONE)
        names = sorted(hit.listing.head.name for hit in results.hits)
        return [name for name in names if not name.startswith("renewal")]

    async def point_at(self, content: bytes) -> None:
        """Let the base be a copy of it."""
        await self.put("index/base-1-other.db.z", content)
        pointer = replace(await self.pointer(), base="index/base-1-other.db.z")
        await self.put(SEARCH_POINTER, write_pointer(pointer))

    def copies(self) -> list[Path]:
        """Return the files of all copies of the reader."""
        return sorted((self.folder / "reader").rglob("search.db"))


@pytest.fixture
async def place(tmp_path: Path) -> AsyncGenerator[Place]:
    async with opened_place(tmp_path) as made:
        connected = made["connections"], made["clock"]
        async with (
            opened_search(*connected, tmp_path / "writer") as writer,
            opened_search(*connected, tmp_path / "reader") as reader,
        ):
            yield Place(**made, writer=writer, reader=reader)


def reasons(events: list[Any]) -> list[str]:
    """Return why copies were not renewed."""
    return [each["reason"] for each in events if each["event"] == "search.not_renewed"]


# --- the first copy ----------------------------------------------------------------------------


async def test_before_anything_was_built_all_listings_are_found(place: Place) -> None:
    await place.writer.index.offer(listing("one"))
    assert (await place.found(place.writer), await place.found()) == (["one"], ["one"])
    await place.writer.index.offer(listing("two"))
    place.clock.advance(CHANGES_KNOWN_WITHIN)
    assert await place.found() == ["one", "two"]


class Waiting:
    """Parts that give no answer until they are told to."""

    def __init__(self, parts: SearchBlobs) -> None:
        self._parts = parts
        self.answers = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        async def waiting(*arguments: Any) -> Any:
            await self.answers.wait()
            return await getattr(self._parts, name)(*arguments)

        return waiting


def current_copy(place: Place, parts: Any, sleep: Any, **more: Any) -> CurrentCopy:
    randomness = SystemRandomness()
    edition = ChangeFeedEdition(place.cosmos, place.clock)
    environment = CopyEnvironment(place.clock, randomness, sleep, edition)
    folders = CopyFolders(place.folder / "reader", randomness)
    return CurrentCopy(CosmosListings(place.cosmos), parts, folders, environment, **more)


async def count(copy: IndexCopy) -> int:
    return (await copy.find(find_packages, Query(), ResultPage(), ANYONE)).count


async def test_a_search_while_the_first_copy_loads_is_refused_with_that_reason(
    place: Place,
) -> None:
    await place.push("one")
    waiting = Waiting(place.parts())
    slow = current_copy(place, waiting, never, patience=timedelta(0))
    with raises_refusal("search-loading", match="still being loaded"):
        async with slow.borrow():
            pass
    waiting.answers.set()
    patient = current_copy(place, waiting, never)
    async with patient.borrow() as copy:
        assert await count(copy) == 1
    await slow.close()
    await patient.close()


async def test_searches_are_refused_at_once_if_the_first_copy_cannot_be_read(place: Place) -> None:
    await place.push("one")
    await place.put(SEARCH_POINTER, b"no pointer")
    with capture_logs() as events:
        for _ in range(2):
            with raises_refusal("search-loading"):
                await place.found()
    assert reasons(events) == ["Unreadable: the pointer has 1 mistakes"]


# --- newer ones --------------------------------------------------------------------------------


async def test_pushes_to_other_instances_are_found_after_a_second(place: Place) -> None:
    await place.push("one")
    assert await place.found() == ["one"]
    await place.push("two")
    assert await place.found() == ["one"]
    place.clock.advance(CHANGES_KNOWN_WITHIN)
    assert await place.found() == ["one", "two"]


async def test_an_instance_finds_its_own_pushes_at_once(place: Place) -> None:
    assert await place.found() == []
    await place.reader.index.offer(listing("one"))
    await place.reader.index.replace(listing("two"))
    assert await place.found() == ["one", "two"]
    await place.reader.index.remove(listing("one").head.package)
    assert await place.found() == ["two"]


async def test_a_push_to_this_instance_stays_found_when_a_copy_arrives_that_lacks_it(
    place: Place,
) -> None:
    await place.push("one")
    await place.reader.current_copy.refresh()
    stored: Any = await place.blobs.container("derived").download_blob((await place.pointer()).base)
    await place.reader.index.offer(listing("mine"))
    await place.point_at(await stored.readall())
    [before] = place.copies()
    await place.reader.current_copy.refresh()
    assert place.copies() != [before]
    assert await place.found() == ["mine", "one"]


async def test_a_new_base_takes_the_place_of_the_old_one_and_the_old_one_is_removed(
    place: Place,
) -> None:
    await place.push("one")
    assert await place.found() == ["one"]
    [before] = place.copies()
    await place.renew()
    with capture_logs() as events:
        await place.reader.current_copy.refresh()
    assert "search.renewed" in [each["event"] for each in events]
    [after] = place.copies()
    assert before != after
    assert await place.found() == ["one"]


async def test_a_running_search_uses_the_copy_that_it_started_with(place: Place) -> None:
    await place.push("one")
    async with place.reader.current_copy.borrow() as copy:
        await place.renew()
        await place.reader.current_copy.refresh()
        assert len(place.copies()) == 2
        assert await count(copy) == 1
    assert len(place.copies()) == 1


async def test_a_follower_looks_for_a_new_copy_every_15_seconds_and_no_search_waits_for_it(
    place: Place,
) -> None:
    await place.push("one")
    waiting = Waiting(place.parts())
    slept = list[float]()
    go_on = asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await go_on.wait()
        go_on.clear()

    waiting.answers.set()
    following = current_copy(place, waiting, sleep)
    async with following.borrow() as copy:
        assert await count(copy) == 1
    waiting.answers.clear()  # From now on the store does not answer.
    await place.push("two")
    place.clock.advance(CHANGES_KNOWN_WITHIN)
    go_on.set()
    async with following.borrow() as copy:
        assert await count(copy) == 2
    waiting.answers.set()
    async with asyncio.timeout(30):
        while len(slept) < 2:
            await asyncio.sleep(0)
    assert set(slept) == {REFRESH_INTERVAL.total_seconds()}
    await following.close()


async def test_nothing_is_read_again_that_did_not_change(place: Place) -> None:
    await place.push("one")
    calls: list[str] = []

    class Counted:
        def __getattr__(self, name: str) -> Any:
            calls.append(name)
            return getattr(place.parts(), name)

    following = current_copy(place, Counted(), never)
    for _ in range(3):
        await following.refresh()
    assert calls == ["pointer", "fetch_base", "pointer", "pointer"]
    await following.close()


# --- broken ones -------------------------------------------------------------------------------


async def cut_off(place: Place) -> None:
    """Let the upload have ended in the middle."""
    await place.renew()
    name = (await place.pointer()).base
    stored: Any = await place.blobs.container("derived").download_blob(name)
    await place.put(name, (await stored.readall())[:-100])


async def gone(place: Place) -> None:
    """Let the base be removed."""
    await place.renew()
    await place.blobs.container("derived").delete_blob((await place.pointer()).base)


async def another_schema(place: Place) -> None:
    """Let the base be one of a newer program."""
    pointer = await place.pointer()
    await place.put(SEARCH_POINTER, write_pointer(replace(pointer, schema=COPY_SCHEMA + 1)))


async def no_pointer(place: Place) -> None:
    """Let the pointer be no pointer."""
    await place.put(SEARCH_POINTER, b"{")


@pytest.mark.parametrize("breaking", [cut_off, gone, another_schema, no_pointer])
async def test_a_broken_copy_is_reported_and_the_old_copy_serves(
    place: Place, breaking: Callable[[Place], Any]
) -> None:
    await place.push("one")
    assert await place.found() == ["one"]
    await breaking(place)
    with capture_logs() as events:
        await place.reader.current_copy.refresh()
    assert len(reasons(events)) == 1
    assert await place.found() == ["one"]
    assert len(place.copies()) == 1


async def test_a_store_that_is_out_of_reach_is_no_hindrance(place: Place) -> None:
    await place.push("one")

    class Unreachable:
        reached = True

        def __getattr__(self, name: str) -> Any:
            if not self.reached:
                raise ConnectionError
            return getattr(place.parts(), name)

    parts = Unreachable()
    following = current_copy(place, parts, never)
    await following.refresh()
    parts.reached = False
    with capture_logs() as events:
        await following.refresh()
    assert reasons(events) == ["ConnectionError: "]
    async with following.borrow() as copy:
        assert await count(copy) == 1
    await following.close()


# --- folders -----------------------------------------------------------------------------------


async def test_an_instance_that_ends_leaves_nothing(place: Place) -> None:
    await place.push("one")
    assert await place.found() == ["one"]
    await place.reader.index.close()
    assert list((place.folder / "reader" / "copies").iterdir()) == []
    assert await place.found() == ["one"]  # And may begin again.


def test_processes_of_one_machine_do_not_disturb_each_other(tmp_path: Path) -> None:
    one, other = (CopyFolders(tmp_path, SystemRandomness()) for _ in range(2))
    kept = one.folder()
    assert other.folder().parent != kept.parent
    other.close()
    assert kept.exists()
    one.close()
    assert list(tmp_path.iterdir()) == []


def test_files_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    left = tmp_path / f"{COPY_FOLDER_PREFIX}left"
    left.mkdir()
    (left / "search.db").write_bytes(b"much")
    left.with_name(f"{left.name}.lock").touch()
    other = tmp_path / "not-ours.lock"
    other.touch()
    workplace = CopyFolders(tmp_path, SystemRandomness())
    workplace.folder()
    assert not left.exists()
    assert other.exists()
    workplace.close()
    workplace.close()
