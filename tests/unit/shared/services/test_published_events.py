"""What publishing an event does: lists acts before it, and starts the log after it."""

import inspect
from collections.abc import Sequence
from typing import Any, cast

import pytest

from shared.domain.entities import PendingEvents, Place
from shared.domain.errors.base import Unavailable
from shared.domain.events import Event
from shared.domain.revocations import Revocation, digest_of
from shared.ports.events import EventStore
from shared.services.published_events import PublishingEvents
from tests.fakes.stores import FakeEvents, FakeRevocations

FIRST = Event(id="e1", kind="account.created", at_ms=1, actor="kim", subject="kim", account="kim")
LOCKED = Event(id="e2", kind="account.locked", at_ms=2, actor="ann", subject="kim", account="kim")
BUSY = Unavailable("busy", "The store is busy.")


def pending(*events: Event) -> PendingEvents:
    return PendingEvents("account", Place("kim"), 1, events)


class OrderedRevocations(FakeRevocations):
    """Notes how many events were published before each addition, and fails on request."""

    def __init__(self, events: FakeEvents) -> None:
        super().__init__()
        self.events = events
        self.published_before = list[int]()
        self.fails = False

    async def add(self, revocations: Sequence[Revocation]) -> None:
        if self.fails:
            raise BUSY
        self.published_before.append(len(self.events.feed))
        await super().add(revocations)


class StoreWithEffects:
    """An event store with its effects, which counts the starts of the log."""

    def __init__(self, *, writes_log: bool = True) -> None:
        self.stored = FakeEvents()
        self.revocations = OrderedRevocations(self.stored)
        self.starts = 0
        start = self.start if writes_log else None
        self.events: EventStore = PublishingEvents(self.stored, self.revocations, start)

    def start(self) -> None:
        self.starts += 1


async def test_an_act_is_listed_before_its_event_is_published() -> None:
    feed = StoreWithEffects()
    await feed.events.append([FIRST])
    await feed.events.publish(pending(LOCKED))
    assert feed.revocations.published_before == [1]
    [entry] = feed.revocations.listed
    assert (entry.event, entry.act, entry.id) == (digest_of("e2"), "account.locked", "kim")
    assert entry.registry == digest_of("e1")[:16]
    assert feed.stored.feed == [FIRST, LOCKED]
    assert feed.starts == 2


async def test_an_event_that_is_no_act_is_not_listed() -> None:
    feed = StoreWithEffects()
    await feed.events.publish(pending(FIRST))
    assert feed.revocations.published_before == []
    assert feed.stored.feed == [FIRST]


async def test_no_event_of_a_record_is_published_while_the_list_cannot_be_written() -> None:
    feed = StoreWithEffects()
    feed.revocations.fails = True
    with pytest.raises(Unavailable):
        await feed.events.publish(pending(FIRST, LOCKED))
    assert feed.stored.feed == []
    assert feed.starts == 0


async def test_a_repeat_lists_an_act_again_and_publishes_its_event_once() -> None:
    feed = StoreWithEffects()
    for _ in range(2):
        await feed.events.publish(pending(LOCKED))
    assert [each.event for each in feed.revocations.listed] == [digest_of("e2")] * 2
    assert feed.stored.feed == [LOCKED]
    assert feed.starts == 2


async def test_the_log_is_not_started_without_events_or_if_they_are_not_published() -> None:
    feed = StoreWithEffects()
    await feed.events.publish(pending())
    feed.stored.fails_with = BUSY
    with pytest.raises(Unavailable):
        await feed.events.publish(pending(FIRST))
    with pytest.raises(Unavailable):
        await feed.events.append([FIRST])
    assert feed.starts == 0


async def test_a_process_may_leave_the_log_to_the_task() -> None:
    feed = StoreWithEffects(writes_log=False)
    await feed.events.append([FIRST])
    await feed.events.publish(pending(LOCKED))
    assert len(feed.revocations.listed) == 1
    assert feed.stored.feed == [FIRST, LOCKED]


OTHERS = sorted(
    name
    for name, _ in inspect.getmembers(EventStore, inspect.iscoroutinefunction)
    if name not in ("publish", "append")
)


class Recording:
    """Notes calls, and answers each with its number."""

    def __init__(self) -> None:
        self.calls = list[tuple[str, ...]]()

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: str) -> int:
            self.calls.append((name, *arguments))
            return len(self.calls)

        return call


@pytest.mark.parametrize("name", OTHERS)
async def test_every_other_method_is_that_of_the_wrapped_store(name: str) -> None:
    def start() -> None:
        pytest.fail("The log was started.")

    stored = Recording()
    events = PublishingEvents(cast("EventStore", stored), FakeRevocations(), start)
    signature = inspect.signature(getattr(events, name))
    arguments = tuple(signature.parameters)
    answer = await getattr(events, name)(*arguments)
    assert stored.calls == [(name, *arguments)]
    assert answer == (None if signature.return_annotation is None else 1)
