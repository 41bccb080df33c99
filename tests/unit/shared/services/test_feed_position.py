"""How far a task has read the feed of events."""

from datetime import timedelta

from shared.domain.events import Event
from shared.services.feed_position import (
    POSITION_KEPT_FOR,
    FeedPosition,
    event_batches,
    last_event_number,
)
from shared.services.record_batches import EVENTS_READ_AT_ONCE
from tests.fakes.stores import FakeEvents, FakeWork
from tests.fakes.system import FakeClock


def feed_of(count: int) -> FakeEvents:
    events = [
        Event(id=str(number), kind="a", at_ms=number, actor="ann", subject="acme")
        for number in range(count)
    ]
    return FakeEvents(events)


async def test_a_saved_position_is_loaded_until_it_expires() -> None:
    clock = FakeClock()
    work = FakeWork()
    position = FeedPosition(work, clock, "notices", "number")
    assert (await position.load(), await position.load_number()) == ("", 0)
    await position.save("7")
    assert (await position.load(), await position.load_number()) == ("7", 7)
    assert await FeedPosition(work, clock, "others", "number").load_number() == 0
    clock.advance(POSITION_KEPT_FOR - timedelta(seconds=1))
    assert await position.load_number() == 7
    clock.advance(timedelta(seconds=1))
    assert await position.load_number() == 0


async def test_a_position_outlasts_a_year_without_events() -> None:
    clock = FakeClock()
    position = FeedPosition(FakeWork(), clock, "notices", "number")
    await position.save("7")
    clock.advance(timedelta(days=365))
    assert await position.load_number() == 7


async def test_the_feed_is_read_in_batches_to_its_end() -> None:
    clock = FakeClock()
    events = feed_of(EVENTS_READ_AT_ONCE + 3)
    late = clock.now_ms() + 1
    read = [[n for n, _ in batch] async for batch in event_batches(events, 1, clock, late)]
    assert [len(each) for each in read] == [EVENTS_READ_AT_ONCE, 2]
    assert read[0][0] == 2
    assert [each async for each in event_batches(feed_of(0), 0, clock, late)] == []


async def test_no_batch_follows_the_first_one_when_the_time_is_over() -> None:
    clock = FakeClock()
    events = feed_of(2 * EVENTS_READ_AT_ONCE)
    batches = event_batches(events, 0, clock, clock.now_ms())
    assert [len(batch) async for batch in batches] == [EVENTS_READ_AT_ONCE]


async def test_the_last_event_has_the_highest_number() -> None:
    assert await last_event_number(feed_of(0)) == 0
    assert await last_event_number(feed_of(3)) == 3
