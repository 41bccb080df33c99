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
from tests.contract.immediate_search import (
    SearchStores,
    listing,
    never,
    opened_search,
    opened_search_stores,
)
from tests.support.logs import capture_logs
from tests.support.refusals import raises_refusal

pytestmark = pytest.mark.measured


@dataclass(kw_only=True)
class TwoSearchInstances(SearchStores):
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
async def instances(tmp_path: Path) -> AsyncGenerator[TwoSearchInstances]:
    async with opened_search_stores(tmp_path) as made:
        connected = made["connections"], made["clock"]
        async with (
            opened_search(*connected, tmp_path / "writer") as writer,
            opened_search(*connected, tmp_path / "reader") as reader,
        ):
            yield TwoSearchInstances(**made, writer=writer, reader=reader)


def reasons(events: list[Any]) -> list[str]:
    """Return why copies were not renewed."""
    return [each["reason"] for each in events if each["event"] == "search.not_renewed"]


# --- the first copy ----------------------------------------------------------------------------


async def test_before_anything_was_built_all_listings_are_found(
    instances: TwoSearchInstances,
) -> None:
    await instances.writer.index.offer(listing("one"))
    assert (await instances.found(instances.writer), await instances.found()) == (["one"], ["one"])
    await instances.writer.index.offer(listing("two"))
    instances.clock.advance(CHANGES_KNOWN_WITHIN)
    assert await instances.found() == ["one", "two"]


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


def current_copy(instances: TwoSearchInstances, parts: Any, sleep: Any, **more: Any) -> CurrentCopy:
    randomness = SystemRandomness()
    edition = ChangeFeedEdition(instances.cosmos, instances.clock)
    environment = CopyEnvironment(instances.clock, randomness, sleep, edition)
    folders = CopyFolders(instances.folder / "reader", randomness)
    return CurrentCopy(CosmosListings(instances.cosmos), parts, folders, environment, **more)


async def count(copy: IndexCopy) -> int:
    return (await copy.find(find_packages, Query(), ResultPage(), ANYONE)).count


async def test_a_search_while_the_first_copy_loads_is_refused_with_that_reason(
    instances: TwoSearchInstances,
) -> None:
    await instances.push("one")
    waiting = Waiting(instances.parts())
    slow = current_copy(instances, waiting, never, patience=timedelta(0))
    with raises_refusal("search-loading", match="still being loaded"):
        async with slow.borrow():
            pass
    waiting.answers.set()
    patient = current_copy(instances, waiting, never)
    async with patient.borrow() as copy:
        assert await count(copy) == 1
    await slow.close()
    await patient.close()


async def test_searches_are_refused_at_once_if_the_first_copy_cannot_be_read(
    instances: TwoSearchInstances,
) -> None:
    await instances.push("one")
    await instances.put(SEARCH_POINTER, b"no pointer")
    with capture_logs() as events:
        for _ in range(2):
            with raises_refusal("search-loading"):
                await instances.found()
    assert reasons(events) == ["Unreadable: the pointer has 1 mistakes"]


# --- newer ones --------------------------------------------------------------------------------


async def test_pushes_to_other_instances_are_found_after_a_second(
    instances: TwoSearchInstances,
) -> None:
    await instances.push("one")
    assert await instances.found() == ["one"]
    await instances.push("two")
    assert await instances.found() == ["one"]
    instances.clock.advance(CHANGES_KNOWN_WITHIN)
    assert await instances.found() == ["one", "two"]


async def test_an_instance_finds_its_own_pushes_at_once(instances: TwoSearchInstances) -> None:
    assert await instances.found() == []
    await instances.reader.index.offer(listing("one"))
    await instances.reader.index.replace(listing("two"))
    assert await instances.found() == ["one", "two"]
    await instances.reader.index.remove(listing("one").head.package)
    assert await instances.found() == ["two"]


async def test_a_push_to_this_instance_stays_found_when_a_copy_arrives_that_lacks_it(
    instances: TwoSearchInstances,
) -> None:
    await instances.push("one")
    await instances.reader.current_copy.refresh()
    stored: Any = await instances.blobs.container("derived").download_blob(
        (await instances.pointer()).base
    )
    await instances.reader.index.offer(listing("mine"))
    await instances.point_at(await stored.readall())
    [before] = instances.copies()
    await instances.reader.current_copy.refresh()
    assert instances.copies() != [before]
    assert await instances.found() == ["mine", "one"]


async def test_a_new_base_takes_the_place_of_the_old_one_and_the_old_one_is_removed(
    instances: TwoSearchInstances,
) -> None:
    await instances.push("one")
    assert await instances.found() == ["one"]
    [before] = instances.copies()
    await instances.renew()
    with capture_logs() as events:
        await instances.reader.current_copy.refresh()
    assert "search.renewed" in [each["event"] for each in events]
    [after] = instances.copies()
    assert before != after
    assert await instances.found() == ["one"]


async def test_a_running_search_uses_the_copy_that_it_started_with(
    instances: TwoSearchInstances,
) -> None:
    await instances.push("one")
    async with instances.reader.current_copy.borrow() as copy:
        await instances.renew()
        await instances.reader.current_copy.refresh()
        assert len(instances.copies()) == 2
        assert await count(copy) == 1
    assert len(instances.copies()) == 1


async def test_a_follower_looks_for_a_new_copy_every_15_seconds_and_no_search_waits_for_it(
    instances: TwoSearchInstances,
) -> None:
    await instances.push("one")
    waiting = Waiting(instances.parts())
    slept = list[float]()
    go_on = asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await go_on.wait()
        go_on.clear()

    waiting.answers.set()
    following = current_copy(instances, waiting, sleep)
    async with following.borrow() as copy:
        assert await count(copy) == 1
    waiting.answers.clear()  # From now on the store does not answer.
    await instances.push("two")
    instances.clock.advance(CHANGES_KNOWN_WITHIN)
    go_on.set()
    async with following.borrow() as copy:
        assert await count(copy) == 2
    waiting.answers.set()
    async with asyncio.timeout(30):
        while len(slept) < 2:
            await asyncio.sleep(0)
    assert set(slept) == {REFRESH_INTERVAL.total_seconds()}
    await following.close()


async def test_nothing_is_read_again_that_did_not_change(instances: TwoSearchInstances) -> None:
    await instances.push("one")
    calls: list[str] = []

    class Counted:
        def __getattr__(self, name: str) -> Any:
            calls.append(name)
            return getattr(instances.parts(), name)

    following = current_copy(instances, Counted(), never)
    for _ in range(3):
        await following.refresh()
    assert calls == ["pointer", "fetch_base", "pointer", "pointer"]
    await following.close()


# --- broken ones -------------------------------------------------------------------------------


async def cut_off(instances: TwoSearchInstances) -> None:
    """Let the upload have ended in the middle."""
    await instances.renew()
    name = (await instances.pointer()).base
    stored: Any = await instances.blobs.container("derived").download_blob(name)
    await instances.put(name, (await stored.readall())[:-100])


async def gone(instances: TwoSearchInstances) -> None:
    """Let the base be removed."""
    await instances.renew()
    await instances.blobs.container("derived").delete_blob((await instances.pointer()).base)


async def another_schema(instances: TwoSearchInstances) -> None:
    """Let the base be one of a newer program."""
    pointer = await instances.pointer()
    await instances.put(SEARCH_POINTER, write_pointer(replace(pointer, schema=COPY_SCHEMA + 1)))


async def no_pointer(instances: TwoSearchInstances) -> None:
    """Let the pointer be no pointer."""
    await instances.put(SEARCH_POINTER, b"{")


@pytest.mark.parametrize("breaking", [cut_off, gone, another_schema, no_pointer])
async def test_a_broken_copy_is_reported_and_the_old_copy_serves(
    instances: TwoSearchInstances, breaking: Callable[[TwoSearchInstances], Any]
) -> None:
    await instances.push("one")
    assert await instances.found() == ["one"]
    await breaking(instances)
    with capture_logs() as events:
        await instances.reader.current_copy.refresh()
    assert len(reasons(events)) == 1
    assert await instances.found() == ["one"]
    assert len(instances.copies()) == 1


async def test_a_store_that_is_out_of_reach_is_no_hindrance(instances: TwoSearchInstances) -> None:
    await instances.push("one")

    class Unreachable:
        reached = True

        def __getattr__(self, name: str) -> Any:
            if not self.reached:
                raise ConnectionError
            return getattr(instances.parts(), name)

    parts = Unreachable()
    following = current_copy(instances, parts, never)
    await following.refresh()
    parts.reached = False
    with capture_logs() as events:
        await following.refresh()
    assert reasons(events) == ["ConnectionError: "]
    async with following.borrow() as copy:
        assert await count(copy) == 1
    await following.close()


# --- folders -----------------------------------------------------------------------------------


async def test_an_instance_that_ends_leaves_nothing(instances: TwoSearchInstances) -> None:
    await instances.push("one")
    assert await instances.found() == ["one"]
    await instances.reader.index.close()
    assert list((instances.folder / "reader" / "copies").iterdir()) == []
    assert await instances.found() == ["one"]  # And may begin again.


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
