"""In the cloud, an edition knows of every change of the last second, or that it does not."""

import asyncio
from typing import Self, cast

import pytest

from shared.adapters.cosmos.change_feed import MOST_PAGES, WAITED_FOR, ChangeFeedEdition
from shared.adapters.cosmos.client import ChangeFeedPage, CosmosDatabase
from shared.domain.errors.requests import Busy
from shared.runtime.editions import CHANGES_KNOWN_WITHIN, EVERYTHING, MOST_CHANGED
from tests.fakes.system import FakeClock

GREET = "acme/greet"
OTHER = "acme/other"


class Feed:
    """The change feed of two ranges; a position is how many changes of its range were read."""

    def __init__(self) -> None:
        self.written: dict[str, list[str]] = {"low": [], "high": []}
        self.asked = 0
        self.failure: Exception | None = None
        self.answering = asyncio.Event()
        self.answering.set()
        self.answering_high = asyncio.Event()  # Of looks after the first one.
        self.answering_high.set()

    def write(self, package: str, range_: str = "low") -> None:
        self.written[range_].append(package)

    def container(self, name: str) -> Self:
        assert name == "packages"
        return self

    async def ranges(self) -> list[str]:
        return list(self.written)

    async def changes_of(self, *, max_item_count: int, **options: str) -> ChangeFeedPage:
        self.asked += 1
        await self.answering.wait()
        if self.failure:
            raise self.failure
        range_ = options.get("feed_range") or options["continuation"].partition(" ")[0]
        written = self.written[range_]
        is_new = "feed_range" in options
        begin = len(written) if is_new else int(options["continuation"].partition(" ")[2])
        found = written[begin : begin + min(max_item_count, 3)]
        if range_ == "high" and not is_new:
            await self.answering_high.wait()
        position = begin + len(found)
        number = list(self.written).index(range_)
        items = [{"pk": each} for each in found]
        return ChangeFeedPage(items, f"{range_} {position}", f"{number}:-1#{position}")


class Cloud:
    """An instance that has looked at the feed once, and its clock."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.feed = Feed()
        self.edition = ChangeFeedEdition(cast("CosmosDatabase", self.feed), self.clock)

    async def begin(self) -> int:
        """Return the number after the first look."""
        assert await self.edition.poll()
        return self.edition.number

    async def a_second_later(self) -> bool:
        self.clock.advance(CHANGES_KNOWN_WITHIN)
        return await self.edition.poll()


@pytest.fixture
async def cloud() -> Cloud:
    return Cloud()


async def test_what_was_read_before_the_first_look_does_not_stand(cloud: Cloud) -> None:
    number = cloud.edition.number
    assert not cloud.edition.is_current()
    await cloud.begin()
    assert cloud.edition.is_current()
    assert not cloud.edition.is_unchanged_since(number, {GREET})


async def test_a_change_drops_only_its_package(cloud: Cloud) -> None:
    number = await cloud.begin()
    cloud.feed.write(GREET, "high")
    assert await cloud.a_second_later()
    assert not cloud.edition.is_unchanged_since(number, {GREET})
    assert not cloud.edition.is_unchanged_since(number, {OTHER, GREET})
    assert cloud.edition.is_unchanged_since(number, {OTHER})
    assert cloud.edition.is_unchanged_since(cloud.edition.number, {GREET})


async def test_what_belongs_to_no_package_never_stands(cloud: Cloud) -> None:
    number = await cloud.begin()
    assert not cloud.edition.is_unchanged_since(number, {EVERYTHING})


async def test_the_feed_is_asked_once_a_second_and_only_if_somebody_asks(cloud: Cloud) -> None:
    await cloud.begin()
    asked = cloud.feed.asked
    for _ in range(3):
        assert await cloud.edition.poll()
    assert cloud.feed.asked == asked
    cloud.clock.advance(CHANGES_KNOWN_WITHIN * 60)
    assert not cloud.edition.is_current()
    assert all(await asyncio.gather(*(cloud.edition.poll() for _ in range(20))))
    assert cloud.feed.asked == asked + 2  # Of each range.


async def test_a_write_of_this_process_drops_its_package_at_once(cloud: Cloud) -> None:
    number = await cloud.begin()
    cloud.edition.note_write(GREET)
    assert not cloud.edition.is_unchanged_since(number, {GREET})
    assert cloud.edition.is_unchanged_since(number, {OTHER})


@pytest.mark.parametrize("failure", [Busy(), ValueError("410")])
async def test_while_the_feed_fails_nothing_is_confirmed(cloud: Cloud, failure: Exception) -> None:
    await cloud.begin()
    cloud.feed.failure = failure
    assert not await cloud.a_second_later()
    asked = cloud.feed.asked
    assert not await cloud.edition.poll()
    assert cloud.feed.asked == asked, "the next question comes a second after the failed one"


async def test_a_change_during_a_failure_is_known_after_it(cloud: Cloud) -> None:
    number = await cloud.begin()
    cloud.feed.failure = Busy()
    cloud.feed.write(GREET)
    assert not await cloud.a_second_later()
    cloud.feed.failure = None
    assert await cloud.a_second_later()
    assert not cloud.edition.is_unchanged_since(number, {GREET})
    assert cloud.edition.is_unchanged_since(number, {OTHER})


async def test_after_a_lost_position_nothing_stands(cloud: Cloud) -> None:
    number = await cloud.begin()
    cloud.feed.failure = ValueError("this position is unknown")
    assert not await cloud.a_second_later()
    cloud.feed.failure = None
    assert await cloud.a_second_later()
    assert not cloud.edition.is_unchanged_since(number, {OTHER})


async def test_a_slow_feed_is_waited_for_once_and_confirms_nothing_old(cloud: Cloud) -> None:
    await cloud.begin()
    tasks_before = asyncio.all_tasks()
    cloud.feed.answering.clear()
    cloud.clock.advance(CHANGES_KNOWN_WITHIN)
    waiting = asyncio.create_task(cloud.edition.poll())
    await asyncio.sleep(0)
    cloud.clock.advance(WAITED_FOR)
    second = asyncio.create_task(cloud.edition.poll())
    await asyncio.sleep(0)
    assert second.done(), "the second waited"
    assert not second.result()
    assert not await waiting
    cloud.clock.advance(CHANGES_KNOWN_WITHIN)
    polling = asyncio.all_tasks() - tasks_before
    cloud.feed.answering.set()
    await asyncio.wait(polling)
    assert not cloud.edition.is_current(), "the answer is as old as its question"


async def test_many_changes_are_read_at_once(cloud: Cloud) -> None:
    number = await cloud.begin()
    for each in range(3 * (MOST_PAGES - 1)):
        cloud.feed.write(f"acme/p{each}")
    assert await cloud.a_second_later()
    assert not cloud.edition.is_unchanged_since(number, {"acme/p0"})
    assert cloud.edition.is_unchanged_since(number, {OTHER})


async def test_after_too_many_changes_nothing_stands(cloud: Cloud) -> None:
    number = await cloud.begin()
    for each in range(3 * MOST_PAGES):
        cloud.feed.write(f"acme/p{each}")
    assert await cloud.a_second_later()
    assert not cloud.edition.is_unchanged_since(number, {OTHER})


async def test_the_memory_of_changes_is_bounded(cloud: Cloud) -> None:
    number = await cloud.begin()
    cloud.feed.failure = Busy()  # The bound holds also while the feed is not read.
    for each in range(MOST_CHANGED + 1):
        cloud.edition.note_write(f"acme/p{each}")
    assert not cloud.edition.is_unchanged_since(number, {OTHER})
    assert cloud.edition.is_unchanged_since(cloud.edition.number, {OTHER})


async def test_the_age_of_what_is_known_is_that_of_the_question(cloud: Cloud) -> None:
    assert await cloud.edition.poll()
    cloud.feed.failure = Busy()
    cloud.clock.advance(CHANGES_KNOWN_WITHIN)
    assert not await cloud.edition.poll()
    assert cloud.edition.is_current_within(2 * CHANGES_KNOWN_WITHIN)
    cloud.clock.advance(CHANGES_KNOWN_WITHIN)
    assert not cloud.edition.is_current_within(2 * CHANGES_KNOWN_WITHIN)


async def test_a_change_ends_the_session_that_lacks_it_before_the_look_ends(cloud: Cloud) -> None:
    cloud.edition.start_poll()
    cloud.clock.advance(WAITED_FOR / 2)  # Until the loop begins with it.
    assert await cloud.edition.poll()
    assert cloud.edition.session is not None
    cloud.feed.write(GREET)
    cloud.clock.advance(CHANGES_KNOWN_WITHIN - WAITED_FOR / 2)
    cloud.feed.answering_high.clear()
    number = cloud.edition.number
    cloud.edition.start_poll()
    while cloud.edition.number == number:
        await asyncio.sleep(0)
    assert cloud.edition.is_current()
    assert cloud.edition.session is None
    cloud.feed.answering_high.set()
