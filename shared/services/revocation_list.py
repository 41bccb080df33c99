"""Writing the list of revocations: acts before their events are published, and former names."""

from typing import Any, cast

from msgspec import Struct

from shared.domain.entities import PendingEvents
from shared.domain.packages import Head, Release
from shared.domain.revocations import digest_of, retired_name, revocations_of
from shared.ports.events import EventStore
from shared.ports.revocations import RevocationStore
from shared.ports.system import Clock


def listing_revocations(events: EventStore, revocations: RevocationStore) -> EventStore:
    """Return an event store that lists the acts among the events before it publishes them.

    Every act has its event in the outbox of its record until then, so none is missed after a crash.
    """
    return cast("EventStore", _ListedEvents(events, revocations))


class _ListedEvents:
    """Delegates every other member to the wrapped event store."""

    def __init__(self, events: EventStore, revocations: RevocationStore) -> None:
        self._events = events
        self._revocations = revocations
        self._registry = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._events, name)

    async def publish(self, source: Head | Release | PendingEvents) -> None:
        if revocations_of(source, ""):
            self._registry = self._registry or await registry_digest(self._events)
            await self._revocations.add(revocations_of(source, self._registry))
        await self._events.publish(source)


async def registry_digest(events: EventStore) -> str:
    """Return the id that marks this registry's lists; empty before its first event."""
    first = await events.since(0, 1)
    return digest_of(first[0][1].id)[:16] if first else ""


class RetiredNameList(Struct, frozen=True):
    """Lists former names of accounts by their hashes: no event has these."""

    events: EventStore
    revocations: RevocationStore
    clock: Clock

    async def add(self, salt: str, name_hash: str) -> None:
        """List a name. Callers do so before they store that it is retired, so that none is missed
        after a crash."""
        registry = await registry_digest(self.events)
        now_ms = self.clock.now_ms()
        entry = retired_name(salt, name_hash, at_ms=now_ms, registry=registry)
        await self.revocations.add([entry])
