"""A record in memory is read again after seconds, and used on while the store fails."""

import asyncio
from datetime import timedelta

import pytest

from shared.domain.errors.base import Unavailable
from shared.runtime.cached_record import CachedRecord
from shared.runtime.editions import Changes, records_of
from tests.fakes.system import FakeClock

FRESH_FOR = timedelta(seconds=3)
RULES = records_of("rules")


class Store:
    """Has one text, counts its reads, and fails on request."""

    def __init__(self) -> None:
        self.text = "first"
        self.reads = 0
        self.fails = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def read(self) -> str:
        self.reads += 1
        text = self.text
        await self.may_answer.wait()
        if self.fails:
            raise Unavailable("busy", "The store is busy.")
        return text


class FakeEdition(Changes):
    """An edition that follows records as long as it is current."""

    def __init__(self) -> None:
        super().__init__()
        self.follows_records = True
        self.current = True

    def is_current(self) -> bool:
        return self.current

    def start_poll(self) -> None:
        pytest.fail("A record does not ask for changes.")

    async def poll(self) -> bool:
        pytest.fail("A record does not ask for changes.")

    def note_write(self, package: str) -> None:
        self.note([package])


class Cached:
    """A cached record of a store, and the failures that it told of."""

    def __init__(self, edition: FakeEdition | None = None) -> None:
        self.store = Store()
        self.clock = FakeClock()
        self.failures = list[str]()
        self.record = CachedRecord(
            self.store.read,
            self.clock,
            FRESH_FOR,
            edition=edition,
            records_of=(RULES,),
            on_failure=lambda failure: self.failures.append(failure.code),
        )

    async def current(self) -> tuple[str, int]:
        """Return the value, and how often the store was read until then."""
        return await self.record.current(), self.store.reads


async def test_a_record_is_read_again_when_it_is_three_seconds_old() -> None:
    cached = Cached()
    assert (cached.record.last, cached.record.fresh) == (None, None)
    assert await cached.current() == ("first", 1)
    cached.store.text = "second"
    cached.clock.advance(FRESH_FOR - timedelta(milliseconds=1))
    assert await cached.current() == ("first", 1)
    assert cached.record.fresh == "first"
    cached.clock.advance(timedelta(milliseconds=1))
    assert (cached.record.last, cached.record.fresh) == ("first", None)
    assert await cached.current() == ("second", 2)


async def test_a_clock_that_is_set_back_does_not_make_a_record_fresh() -> None:
    cached = Cached()
    await cached.current()
    cached.clock.advance(FRESH_FOR)
    cached.clock.step(-timedelta(hours=1))
    assert await cached.current() == ("first", 2)


async def test_the_time_before_the_read_counts() -> None:
    cached = Cached()
    cached.store.may_answer.clear()
    reading = asyncio.create_task(cached.current())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    cached.clock.advance(FRESH_FOR)
    cached.store.text = "second"
    cached.store.may_answer.set()
    assert await reading == ("first", 1)
    assert await cached.current() == ("second", 2)


async def test_calls_at_the_same_time_share_one_read() -> None:
    cached = Cached()
    assert await asyncio.gather(*(cached.record.current() for _ in range(3))) == ["first"] * 3
    assert cached.store.reads == 1


async def test_a_change_of_this_process_is_read_at_once() -> None:
    for edition in (None, FakeEdition()):
        cached = Cached(edition)
        await cached.current()
        cached.store.text = "second"
        cached.record.invalidate()
        assert cached.record.fresh is None
        assert await cached.current() == ("second", 2)


async def test_a_read_that_began_before_a_change_of_this_process_is_not_used_after_it() -> None:
    store = Store()
    cached = CachedRecord(store.read, FakeClock(), FRESH_FOR)
    store.may_answer.clear()
    before = asyncio.create_task(cached.current())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    store.text = "second"
    cached.invalidate()
    after = asyncio.create_task(cached.current())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    store.may_answer.set()
    assert await before == "first"
    assert await after == "second"
    assert (await cached.current(), store.reads) == ("second", 2)


async def test_the_last_value_is_used_while_the_store_fails() -> None:
    cached = Cached()
    await cached.current()
    cached.store.fails = True
    cached.clock.advance(FRESH_FOR)
    assert await cached.current() == ("first", 2)
    assert await cached.current() == ("first", 2)  # It is not asked again before its time.
    assert cached.failures == ["busy"]
    cached.store.fails = False
    cached.store.text = "second"
    cached.clock.advance(FRESH_FOR)
    assert await cached.current() == ("second", 3)


async def test_nothing_can_be_used_before_the_first_read() -> None:
    cached = Cached()
    cached.store.fails = True
    for reads in (1, 2):
        with pytest.raises(Unavailable):
            await cached.current()
        assert cached.store.reads == reads
    assert cached.failures == []


async def test_an_edition_that_follows_records_decides_instead_of_the_time() -> None:
    edition = FakeEdition()
    cached = Cached(edition)
    assert cached.record.fresh is None
    assert await cached.current() == ("first", 1)
    cached.clock.advance(timedelta(hours=1))
    edition.note([records_of("other")])
    assert cached.record.fresh == "first"
    assert await cached.current() == ("first", 1)
    cached.store.text = "second"
    edition.note([RULES])
    assert cached.record.fresh is None
    assert await cached.current() == ("second", 2)


async def test_a_change_during_a_read_is_read_by_the_next() -> None:
    edition = FakeEdition()
    cached = Cached(edition)
    cached.store.may_answer.clear()
    reading = asyncio.create_task(cached.current())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    cached.store.text = "second"
    edition.note([RULES])
    cached.store.may_answer.set()
    assert await reading == ("first", 1)
    assert await cached.current() == ("second", 2)


async def test_a_change_whose_read_failed_is_read_after_three_seconds() -> None:
    edition = FakeEdition()
    cached = Cached(edition)
    await cached.current()
    cached.store.text = "second"
    edition.note([RULES])
    cached.store.fails = True
    assert await cached.current() == ("first", 2)
    assert await cached.current() == ("first", 2)  # It is not asked again before its time.
    cached.clock.advance(FRESH_FOR)
    assert await cached.current() == ("first", 3)
    cached.store.fails = False
    cached.clock.advance(FRESH_FOR)
    assert await cached.current() == ("second", 4)
    cached.clock.advance(FRESH_FOR)
    assert await cached.current() == ("second", 4)  # The edition decides again.


async def test_the_time_decides_while_an_edition_does_not_know_every_change() -> None:
    edition = FakeEdition()
    cached = Cached(edition)
    await cached.current()
    for changed in ("current", "follows_records"):
        setattr(edition, changed, False)
        cached.clock.advance(FRESH_FOR)
        assert cached.record.fresh is None
        await cached.current()
        assert cached.record.fresh == "first"
        setattr(edition, changed, True)


async def test_a_process_that_ends_cancels_the_read() -> None:
    cached = Cached()
    cached.store.may_answer.clear()
    reading = asyncio.create_task(cached.current())
    await asyncio.sleep(0)
    await cached.record.close()
    with pytest.raises(asyncio.CancelledError):
        await reading
