"""The feed in a list."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.domain.package import Event, Head, Release


@dataclass
class FakeEvents:
    """An `EventStore` that fails on request."""

    feed: list[Event] = field(default_factory=list[Event])
    fails_with: Exception | None = None

    async def publish(self, source: Head | Release) -> None:
        """Append the events of the record's outbox."""
        await self.append(source.outbox)

    async def append(self, events: Sequence[Event]) -> None:
        """Append the events that are not there yet."""
        if self.fails_with:
            raise self.fails_with
        there = {event.id for event in self.feed}
        self.feed.extend(event for event in events if event.id not in there)

    async def since(self, number: int, count: int) -> list[tuple[int, Event]]:
        """Return events with their numbers."""
        return list(enumerate(self.feed, start=1))[number : number + count]

    def kinds(self) -> list[str]:
        """Return what happened, in order."""
        return [event.kind for event in self.feed]
