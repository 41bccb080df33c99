"""The leaves of the event feed, as the writer of the log takes them."""

from msgspec import Struct

from shared.ports.events import EventStore


class EventLeaves(Struct, frozen=True):
    """The `LeafSource` of the event feed."""

    events: EventStore

    async def leaves(self, after: int, count: int) -> list[bytes]:
        return await self.events.leaves(after, count)

    async def is_complete(self) -> bool:
        return not await self.events.without_leaf(0, 1)
