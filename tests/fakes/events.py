"""The feed in a list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shared.domain.entity import Waiting
from shared.domain.package import Event, Head, Release


@dataclass
class FakeEvents:
    """An `EventStore` that fails on request."""

    feed: list[Event] = field(default_factory=list[Event])
    fails_with: Exception | None = None
    published: Callable[[Waiting], None] | None = None

    async def publish(self, source: Head | Release | Waiting) -> None:
        """Append the events of the record's outbox."""
        await self.append(source.outbox)
        if self.published and isinstance(source, Waiting):
            self.published(source)

    async def append(self, events: Sequence[Event]) -> None:
        """Append the events that are not there yet."""
        if self.fails_with:
            raise self.fails_with
        there = {event.id for event in self.feed}
        self.feed.extend(event for event in events if event.id not in there)

    async def since(self, number: int, count: int) -> list[tuple[int, Event]]:
        """Return events with their numbers."""
        return list(enumerate(self.feed, start=1))[number : number + count]

    async def forget_origins(self, before_ms: int, count: int) -> int:
        """Remove where old events came from."""
        old = [n for n, e in enumerate(self.feed) if e.at_ms < before_ms and e.address][:count]
        for number in old:
            forgotten = {"address": "", "credential": ""}
            self.feed[number] = self.feed[number].model_copy(update=forgotten)
        return len(old)

    async def stream(self, name: str, before: int | None, count: int) -> list[tuple[int, Event]]:
        """Return the newest events of one log."""
        numbered = [
            (number, event)
            for number, event in enumerate(self.feed, start=1)
            if name in event.streams and (before is None or number < before)
        ]
        return numbered[::-1][:count]

    def kinds(self) -> list[str]:
        """Return what happened, in order."""
        return [event.kind for event in self.feed]
