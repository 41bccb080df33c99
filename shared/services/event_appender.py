"""Appending events to the feed, with the effects that appending has in a registry."""

from collections.abc import Callable, Sequence

from shared.domain.entities import PendingEvents
from shared.domain.events import Event
from shared.domain.packages import Head, Release
from shared.domain.revocations import revocations_of
from shared.ports.events import EventStore
from shared.ports.revocations import RevocationStore
from shared.services.revocation_list import registry_digest


class EventAppender:
    """Appends events to the feed. All services do so by it, and none by the `EventStore` itself.

    `append_outbox` has two effects beside those of the store:

    1. Before the events are appended, the acts among them are added to the list of revocations.
       If the list cannot be written, the refusal is raised and no event is appended: all events
       stay in the outbox of their record, so that no act is missed after a crash either. A repeat
       adds the acts again, which changes nothing.
    2. After they were appended, the log is started, and nobody waits for it. It is not started
       if appending failed, or if the outbox was empty; a repeat starts it again.

    `append` has only the second effect, also after a repeat: an event that belongs to no record
    is never listed.
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

    async def append_outbox(self, source: Head | Release | PendingEvents) -> None:
        if revocations_of(source, ""):
            self._registry = self._registry or await registry_digest(self._events)
            await self._revocations.add(revocations_of(source, self._registry))
        await self._events.append_outbox(source)
        if source.outbox and self._start_log is not None:
            self._start_log()

    async def append(self, events: Sequence[Event]) -> None:
        await self._events.append(events)
        if self._start_log is not None:
            self._start_log()
