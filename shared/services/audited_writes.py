"""Audited writes: entities are stored together with the event for the audit log."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from msgspec import Struct, field

from shared.auth.secrets import random_text
from shared.domain.entities import AdditionCount, Entity, Place
from shared.domain.errors.base import Refusal, Unavailable
from shared.domain.events import Event
from shared.domain.principals import Principal
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock, Randomness
from shared.runtime.retries import retried_when_stale
from shared.services.event_appender import EventAppender

E = TypeVar("E", bound=Entity)

EVENT_ID_LENGTH = 20  # Base62: no two changes share an id.


class EntityChange(Struct, frozen=True):
    """A change of an entity; `org` (a key) and `account` (an id) name its audit logs. `public` is
    whether everybody may read what it says, where its kind is one that the transparency log
    tells."""

    kind: str
    subject: str
    org: str = ""
    account: str = ""
    details: Mapping[str, str] = field(default_factory=dict[str, str])
    public: bool = False


class AuditedWriter(Struct, frozen=True):
    """Adds, replaces and removes entities; the write is the commit, and its event follows.

    Each change has exactly one event: the event is in the outbox of the entity until it is in the
    feed. If the feed fails, the change is kept, and a maintenance task appends the event later.
    """

    directory: DirectoryStore
    event_appender: EventAppender
    clock: Clock
    randomness: Randomness
    on_delay: Callable[[Refusal], None]

    async def add(self, entity: E, *others: Entity, change: EntityChange, by: Principal) -> E:
        """Create entities of one owner, all or none; raise `AlreadyThere`."""
        owing = self._with_event(entity, change, by)
        return await self._published(await self.directory.add(owing, *others))

    async def add_replacing(
        self, entity: E, replaced: Entity, *, change: EntityChange, by: Principal
    ) -> E:
        """Create an entity and store a changed one of its owner, both or none; raise `AlreadyThere`
        or `Stale`."""
        owing = self._with_event(entity, change, by)
        return await self._published(await self.directory.add(owing, replacing=replaced))

    async def add_checked(
        self,
        entity: E,
        *others: Entity,
        check: Callable[[], Awaitable[None]] | None = None,
        change: EntityChange,
        by: Principal,
    ) -> E:
        """Create entities of one owner, as `add` does, unless `check` raises a refusal about what
        its owner has of this kind. It counts additions even without a check.

        No other entity of the kind and owner is created between the check and the write: then this
        raises `Stale` or `AlreadyThere`. Callers are `retried_with_back_off`.
        """
        owner = entity.place.owner
        count = await self.directory.get(AdditionCount, Place(owner, entity.kind))
        if check is not None:
            await check()
        owing = self._with_event(entity, change, by)
        if count is None:
            first = AdditionCount(owner=owner, counted=entity.kind, number=1)
            return await self._published(await self.directory.add(owing, *others, first))
        counted = count.model_copy(update={"number": count.number + 1})
        return await self._published(await self.directory.add(owing, *others, replacing=counted))

    async def replace(self, entity: E, *, change: EntityChange, by: Principal) -> E:
        """Store a changed entity; raise `Stale`."""
        return await self._published(
            await self.directory.replace(self._with_event(entity, change, by))
        )

    async def put(
        self, entity: E, *, stored: Entity | None, change: EntityChange, by: Principal
    ) -> E:
        """Create an entity, or replace `stored`: the record that was read at its place. Raise
        `AlreadyThere` or `Stale` if that is another one now.

        Without a record, `stored` is None or a default with revision 0. The revision and the
        pending events of `entity` are always those of `stored`.
        """
        if stored is None or not stored.revision:
            first = entity.model_copy(update={"revision": 1, "outbox": ()})
            return await self.add(first, change=change, by=by)
        kept = {"revision": stored.revision, "outbox": stored.outbox}
        return await self.replace(entity.model_copy(update=kept), change=change, by=by)

    async def remove(self, entity: E, *, change: EntityChange, by: Principal) -> E:
        """Delete an entity; raise `Stale`."""
        return await self._published(
            await self.directory.remove(self._with_event(entity, change, by))
        )

    @retried_when_stale
    async def remove_stored(
        self, listed: E, change_of: Callable[[E], EntityChange], *, by: Principal
    ) -> E | None:
        """Delete a listed entity as it is stored now, whoever changes it meanwhile, and return it;
        None if it is gone."""
        stored = await self.directory.get(type(listed), listed.place)
        if stored is None:
            return None
        return await self.remove(stored, change=change_of(stored), by=by)

    async def append(self, change: EntityChange, *, by: Principal) -> None:
        """Append the event of a change that no entity stores."""
        await self.event_appender.append([self.event(change, by)])

    def event(self, change: EntityChange, by: Principal) -> Event:
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
            public=change.public,
        )

    def _with_event(self, entity: E, change: EntityChange, by: Principal) -> E:
        # Pending events of the entity come first: the feed takes each event once.
        outbox = (*entity.outbox, self.event(change, by))
        return entity.model_copy(update={"outbox": outbox})

    async def _published(self, entity: E) -> E:
        try:
            await self.event_appender.append_outbox(entity.pending_events)
        except Unavailable as failure:
            self.on_delay(failure)
            return entity
        return entity.model_copy(update={"outbox": ()})
