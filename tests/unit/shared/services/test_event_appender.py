"""What appending an event does: lists acts before it, and starts the log after it."""

from collections.abc import Sequence

import pytest

from shared.domain.entities import PendingEvents, Place
from shared.domain.errors.base import Unavailable
from shared.domain.events import Event
from shared.domain.revocations import Revocation, digest_of
from shared.services.event_appender import EventAppender
from tests.fakes.stores import FakeEvents, FakeRevocations

FIRST = Event(id="e1", kind="account.created", at_ms=1, actor="kim", subject="kim", account="kim")
LOCKED = Event(id="e2", kind="account.locked", at_ms=2, actor="ann", subject="kim", account="kim")
BUSY = Unavailable("busy", "The store is busy.")


def pending(*events: Event) -> PendingEvents:
    return PendingEvents("account", Place("kim"), 1, events)


class OrderedRevocations(FakeRevocations):
    """Notes how many events were appended before each addition, and fails on request."""

    def __init__(self, events: FakeEvents) -> None:
        super().__init__()
        self.events = events
        self.appended_before = list[int]()
        self.fails = False

    async def add(self, revocations: Sequence[Revocation]) -> None:
        if self.fails:
            raise BUSY
        self.appended_before.append(len(self.events.feed))
        await super().add(revocations)


class StoreWithEffects:
    """An event store behind its appender, which counts the starts of the log."""

    def __init__(self, *, writes_log: bool = True) -> None:
        self.stored = FakeEvents()
        self.revocations = OrderedRevocations(self.stored)
        self.starts = 0
        start = self.start if writes_log else None
        self.appender = EventAppender(self.stored, self.revocations, start)

    def start(self) -> None:
        self.starts += 1


async def test_an_act_is_listed_before_its_event_is_appended() -> None:
    feed = StoreWithEffects()
    await feed.appender.append([FIRST])
    await feed.appender.append_outbox(pending(LOCKED))
    assert feed.revocations.appended_before == [1]
    [entry] = feed.revocations.listed
    assert (entry.event, entry.act, entry.id) == (digest_of("e2"), "account.locked", "kim")
    assert entry.registry == digest_of("e1")[:16]
    assert feed.stored.feed == [FIRST, LOCKED]
    assert feed.starts == 2


async def test_an_event_that_is_no_act_is_not_listed() -> None:
    feed = StoreWithEffects()
    await feed.appender.append_outbox(pending(FIRST))
    assert feed.revocations.appended_before == []
    assert feed.stored.feed == [FIRST]


async def test_no_event_of_a_record_is_appended_while_the_list_cannot_be_written() -> None:
    feed = StoreWithEffects()
    feed.revocations.fails = True
    with pytest.raises(Unavailable):
        await feed.appender.append_outbox(pending(FIRST, LOCKED))
    assert feed.stored.feed == []
    assert feed.starts == 0


async def test_a_repeat_lists_an_act_again_and_publishes_its_event_once() -> None:
    feed = StoreWithEffects()
    for _ in range(2):
        await feed.appender.append_outbox(pending(LOCKED))
    assert [each.event for each in feed.revocations.listed] == [digest_of("e2")] * 2
    assert feed.stored.feed == [LOCKED]
    assert feed.starts == 2


async def test_the_log_is_not_started_without_events_or_if_they_are_not_appended() -> None:
    feed = StoreWithEffects()
    await feed.appender.append_outbox(pending())
    feed.stored.fails_with = BUSY
    with pytest.raises(Unavailable):
        await feed.appender.append_outbox(pending(FIRST))
    with pytest.raises(Unavailable):
        await feed.appender.append([FIRST])
    assert feed.starts == 0


async def test_a_process_may_leave_the_log_to_the_task() -> None:
    feed = StoreWithEffects(writes_log=False)
    await feed.appender.append([FIRST])
    await feed.appender.append_outbox(pending(LOCKED))
    assert len(feed.revocations.listed) == 1
    assert feed.stored.feed == [FIRST, LOCKED]
