"""Positions in the feed of events: how far a task has read it, and where it ends."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from msgspec import Struct

from shared.domain.times import MS
from shared.ports.events import EventReader
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.services.event_pages import NumberedEvent
from shared.services.record_batches import EVENTS_READ_AT_ONCE

# A task saves its position only when it has moved, so this is also for how long no event may come.
POSITION_KEPT_FOR = timedelta(days=400)


class FeedPosition(Struct, frozen=True):
    """The stored position of one task: the number of the last event that it read, or a text with
    that number and more.

    It expires 400 days after the last `save`; then the task begins anew.
    """

    work: WorkStore
    clock: Clock
    kind: str
    key: str

    async def load(self) -> str:
        """Return the text that was saved last; empty without one."""
        return await self.work.peek(self.kind, self.key, self.clock.now_ms()) or ""

    async def load_number(self) -> int:
        """Return the number that was saved last, or 0, which is before every event."""
        return int(await self.load() or 0)

    async def save(self, position: str) -> None:
        ends_ms = self.clock.now_ms() + POSITION_KEPT_FOR // MS
        await self.work.put(self.kind, self.key, position, ends_ms)


async def event_batches(
    events: EventReader, number: int, clock: Clock, until_ms: int
) -> AsyncIterator[Sequence[NumberedEvent]]:
    """Yield the events after a number in batches, until the feed ends or, after the first batch,
    the time is over."""
    while batch := await events.since(number, EVENTS_READ_AT_ONCE):
        yield batch
        number = batch[-1][0]
        if len(batch) < EVENTS_READ_AT_ONCE or clock.now_ms() >= until_ms:
            return


async def last_event_number(events: EventReader) -> int:
    """Return the number of the last event; 0 if there is none."""
    newest = await events.newest(None, 1)
    return newest[0][0] if newest else 0
