"""Recording: every write of an entity with the event that tells of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from shared.auth.base62 import random_text
from shared.domain.entity import Entity
from shared.domain.errors import Refusal, Unavailable
from shared.domain.identity import Principal
from shared.domain.package import Event
from shared.ports import Clock, DirectoryStore, EventStore, Randomness

E = TypeVar("E", bound=Entity)

EVENT_ID_LENGTH = 20  # Base62: no two changes share an id.


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to what; `org` (a key) and `account` (an id) name the logs that tell of it."""

    kind: str
    subject: str
    org: str = ""
    account: str = ""
    details: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Recording:
    """Adds, replaces and removes entities; the write is the commit, and its event follows.

    No change is without its event and none has it twice: the event lies in the entity until the
    feed has it. Where the feed fails the change stands, and upkeep publishes later.
    """

    directory: DirectoryStore
    events: EventStore
    clock: Clock
    randomness: Randomness
    delayed: Callable[[Refusal], None]

    async def add(self, entity: E, *others: Entity, change: Change, by: Principal) -> E:
        """Create entities of one owner, all or none; raise `AlreadyThere`."""
        owing = self._owing(entity, change, by)
        return await self._published(await self.directory.add(owing, *others))

    async def replace(self, entity: E, *, change: Change, by: Principal) -> E:
        """Store a changed entity; raise `Stale`."""
        return await self._published(await self.directory.replace(self._owing(entity, change, by)))

    async def remove(self, entity: E, *, change: Change, by: Principal) -> E:
        """Delete an entity; raise `Stale`."""
        return await self._published(await self.directory.remove(self._owing(entity, change, by)))

    def event(self, change: Change, by: Principal) -> Event:
        """Return the event of a change that is made now."""
        return Event(
            id=f"{change.kind}:{random_text(self.randomness, EVENT_ID_LENGTH)}",
            kind=change.kind,
            at_ms=self.clock.now_ms(),
            actor=by.id,
            subject=change.subject,
            org=change.org.lower(),
            account=change.account,
            credential=by.credential,
            address=by.address,
            details=dict(change.details),
        )

    def _owing(self, entity: E, change: Change, by: Principal) -> E:
        # What the entity still owed stays first: the feed takes each event once.
        outbox = (*entity.outbox, self.event(change, by))
        return entity.model_copy(update={"outbox": outbox})

    async def _published(self, entity: E) -> E:
        try:
            await self.events.publish(entity.waiting)
        except Unavailable as failure:
            self.delayed(failure)
            return entity
        return entity.model_copy(update={"outbox": ()})
