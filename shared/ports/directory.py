"""Accounts, organizations and what belongs to them."""

from collections.abc import AsyncIterator
from typing import Protocol, TypeVar

from shared.domain.access_rights import AccessContext
from shared.domain.entities import Entity, PendingEvents, Place
from shared.domain.names import OrgName

E = TypeVar("E", bound=Entity)


class DirectoryStore(Protocol):
    """Accounts, organizations and what belongs to them: entities, by kind, owner and key.

    A write stores the events of the change in the outbox of the entity.
    """

    async def access_context(self, account_id: str, org: OrgName, now_ms: int) -> AccessContext:
        """Return the account, the organization, and the role of the account in it at that time,
        each None if there is none."""
        ...

    async def get(self, kind: type[E], place: Place) -> E | None:
        """Return the entity at the place, or None."""
        ...

    async def list_by_owner(self, kind: type[E], owner: str) -> list[E]:
        """Return the entities of a kind and owner, ordered by key."""
        ...

    async def page_by_owner(self, kind: type[E], after: Place, count: int) -> list[E]:
        """Return the first `count` entities of a kind and of the owner of a place whose keys are
        above its key, ordered by key: fewer only if no others follow."""
        ...

    async def list_by_subject(self, kind: type[E], subject: str) -> list[E]:
        """Return the entities of a kind with this subject and any owner, ordered by place. The
        result may be out of date: use it for lists, never for rights."""
        ...

    async def list_all(self, kind: type[E], after: Place, count: int) -> list[E]:
        """Return the first `count` entities of a kind above a place, ordered by place: fewer only
        if no others follow. For pages that people look at: a store without an order of all entities
        reads every one above the place."""
        ...

    async def read_all(self, kind: type[E]) -> AsyncIterator[E]:
        """Return an iterator over every entity of a kind, ordered by place, each of which is read
        once. One that somebody adds, changes or removes meanwhile may come as it was before. For
        operators and maintenance tasks: the cost grows with the number of entities."""
        ...

    async def add(self, entity: E, *others: Entity, replacing: Entity | None = None) -> E:
        """Create all entities, which have one owner, or none; return the first as stored. Raise
        `AlreadyThere` if a place is taken. The new entity takes over pending events of an
        entity that was removed from its place.

        In the same write `replacing`, a changed entity of that owner without events, is stored with
        the next revision; raise `Stale` if its `revision` is not the stored one. Of concurrent
        calls that replace the same revision one succeeds."""
        ...

    async def replace(self, entity: E) -> E:
        """Store a changed entity and return it with the next revision; raise `Stale` if its
        `revision` is not the stored one."""
        ...

    async def remove(self, entity: E) -> E:
        """Delete the entity; raise `Stale` if its `revision` is not the stored one. Return it with
        the next revision, which appending its outbox needs; the outbox is kept until then."""
        ...

    async def put(self, entity: Entity) -> None:
        """Store an entity without events, replacing an earlier one."""
        ...

    async def outboxes(self, count: int) -> list[PendingEvents]:
        """Return up to `count` outboxes that are not empty, oldest first. If very many wait, these
        need not be the oldest of all."""
        ...

    async def list_expiring(
        self, kind: type[E], after_ms: int, before_ms: int, count: int
    ) -> list[E]:
        """Return up to `count` entities that expire between two times, the first to expire
        first."""
        ...

    async def remove_expired(self, before_ms: int) -> int:
        """Delete entities that expired before that time and have no pending events; return how
        many."""
        ...
