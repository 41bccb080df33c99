"""Old events lose their addresses."""

from datetime import timedelta
from typing import cast

from shared.domain.events import Event
from shared.domain.tasks import TaskReport
from shared.ports.events import EventStore
from shared.services.maintenance.anonymize_events import AnonymizeEvents
from tests.fakes.system import FakeClock
from tests.support.world import World


def _event(subject: str) -> Event:
    return Event(id=f"{subject}@1", kind="release.published", at_ms=1, actor="ann", subject=subject)


async def test_the_events_of_every_batch_are_counted() -> None:
    counts = [3, 2, 0]

    class Batches:
        async def forget_origins(self, _before_ms: int, _most: int) -> int:
            return counts.pop(0)

        async def overwrite_forgotten(self) -> None:
            assert not counts  # After the last batch.

    anonymizing = AnonymizeEvents(cast("EventStore", Batches()), FakeClock(), 90)
    assert await anonymizing.run() == TaskReport(5, 5)


async def test_addresses_are_forgotten_after_their_days_and_not_before(world: World) -> None:
    days = 90
    old_ms = world.clock.now_ms()
    seen = _event("seen").model_copy(update={"at_ms": old_ms, "address": "192.0.2.7"})
    await world.stores.events.append([seen])

    async def address() -> str:
        events = [event for _, event in await world.stores.events.since(0, 1000)]
        return next(event.address for event in events if event.id == seen.id)

    forgetting = AnonymizeEvents(world.stores.events, world.clock, days)
    world.clock.at_ms = old_ms + timedelta(days=days) // timedelta(milliseconds=1)
    await forgetting.run()
    assert await address() == "192.0.2.7"
    world.clock.advance(timedelta(milliseconds=1))
    report = await forgetting.run()
    assert report.seen == report.changed > 0
    assert await address() == ""
    assert await forgetting.run() == TaskReport()
