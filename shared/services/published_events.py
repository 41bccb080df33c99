"""The event store of all services: what publishing an event does beside adding it to the feed."""

from collections.abc import Callable, Sequence

from shared.domain.entities import PendingEvents
from shared.domain.events import Event
from shared.domain.packages import Head, Release
from shared.domain.revocations import revocations_of
from shared.domain.transparency.leaves import FrozenLeaf, LoggedEvent
from shared.ports.events import EventStore
from shared.ports.revocations import RevocationStore
from shared.services.revocation_list import registry_digest


class PublishingEvents:
    """The `EventStore` of a registry. Its `publish` has two effects beside those of the port:

    1. Before the events are published, the acts among them are added to the list of revocations.
       If the list cannot be written, the refusal is raised and no event is published: all events
       stay in the outbox of their record, so that no act is missed after a crash either. A repeat
       adds the acts again, which changes nothing.
    2. After they were published, the log is started, and nobody waits for it. It is not started
       if publishing failed, or if the outbox was empty; a repeat starts it again.

    `append` has only the second effect, also after a repeat: an event that belongs to no record
    is never listed. All other methods are those of the wrapped store.
    """

    def __init__(
        self,
        events: EventStore,
        revocations: RevocationStore,
        start_log: Callable[[], None] | None,
    ) -> None:
        """`start_log` is None in a process that leaves the log to the task `write-log`."""
        self._events = events
        self._revocations = revocations
        self._start_log = start_log
        self._registry = ""  # Marks the entries of this registry; known after its first event.

    async def publish(self, source: Head | Release | PendingEvents) -> None:
        if revocations_of(source, ""):
            self._registry = self._registry or await registry_digest(self._events)
            await self._revocations.add(revocations_of(source, self._registry))
        await self._events.publish(source)
        if source.outbox and self._start_log is not None:
            self._start_log()

    async def append(self, events: Sequence[Event]) -> None:
        await self._events.append(events)
        if self._start_log is not None:
            self._start_log()

    # --- Without effects of their own ------------------------------------------------------------

    async def since(self, number: int, count: int) -> list[tuple[int, Event]]:
        return await self._events.since(number, count)

    async def find(self, event_id: str, at_ms: int) -> LoggedEvent | None:
        return await self._events.find(event_id, at_ms)

    async def forget_origins(self, before_ms: int, count: int) -> int:
        return await self._events.forget_origins(before_ms, count)

    async def forget_account(self, account_id: str) -> int:
        return await self._events.forget_account(account_id)

    async def overwrite_forgotten(self) -> None:
        await self._events.overwrite_forgotten()

    async def newest(self, before: int | None, count: int) -> list[tuple[int, Event]]:
        return await self._events.newest(before, count)

    async def stream(self, name: str, before: int | None, count: int) -> list[tuple[int, Event]]:
        return await self._events.stream(name, before, count)

    async def restore(self, events: Sequence[LoggedEvent]) -> None:
        await self._events.restore(events)

    async def logged(self, after: int, count: int) -> list[LoggedEvent]:
        return await self._events.logged(after, count)

    async def leaves(self, after: int, count: int) -> list[bytes]:
        return await self._events.leaves(after, count)

    async def without_leaf(self, after: int, count: int) -> list[tuple[int, Event]]:
        return await self._events.without_leaf(after, count)

    async def is_complete(self) -> bool:
        return await self._events.is_complete()

    async def freeze(self, number: int, leaf: FrozenLeaf) -> None:
        await self._events.freeze(number, leaf)

    async def complete_logs(self, after: int, count: int) -> int:
        return await self._events.complete_logs(after, count)
