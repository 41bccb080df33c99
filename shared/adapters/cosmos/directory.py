"""Accounts, organizations and everything that belongs to them, in Cosmos DB."""

import asyncio
from collections.abc import AsyncIterator
from operator import attrgetter, itemgetter
from typing import TypeVar

from shared.adapters.cosmos.client import BatchWrite, CosmosContainer, CosmosDatabase, Item
from shared.adapters.cosmos.outboxes import waiting_records
from shared.domain.access_rights import AccessContext
from shared.domain.accounts import Account
from shared.domain.entities import Entity, PendingEvents, Place
from shared.domain.events import Event, waiting_since
from shared.domain.memberships import Membership, member_place
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, organization_place
from shared.domain.tokens import Token, TokenUse
from shared.domain.transparency.records import ReleaseProof
from shared.ports.conflicts import AlreadyThere, Stale
from shared.ports.system import Clock

E = TypeVar("E", bound=Entity)

# The service deletes expired items much later; the code itself checks whether they have expired.
_KEPT_SECONDS = 30 * 24 * 3_600

_UNCHANGING = frozenset[type[Entity]]({ReleaseProof})  # Created once, and never written again.
TOKEN_KINDS = frozenset({Token.kind, TokenUse.kind})


class CosmosDirectory:
    """The DirectoryStore of a registry in the cloud."""

    def __init__(self, cosmos: CosmosDatabase, clock: Clock) -> None:
        self._accounts = cosmos.container("accounts")
        self._tokens = cosmos.container("tokens")
        self._clock = clock

    async def access_context(self, account_id: str, org: OrgName, now_ms: int) -> AccessContext:
        account, organization, membership = await asyncio.gather(
            self.get(Account, Place(account_id)),
            self.get(Organization, organization_place(org)),
            self.get(Membership, member_place(org, account_id)),
        )
        return AccessContext.of(account, organization, membership, now_ms)

    async def get(self, kind: type[E], place: Place) -> E | None:
        container = self._of_kind(kind.kind)
        read = container.read_unchanging if kind in _UNCHANGING else container.read
        item = await read(place.owner, _id(kind.kind, place))
        return None if item is None or item["removed"] else _entity(kind, item)

    async def list_by_owner(self, kind: type[E], owner: str) -> list[E]:
        found = await self._of_kind(kind.kind).query(
            "SELECT * FROM c WHERE c.kind = @kind AND c.removed = false ORDER BY c.id",
            owner,
            kind=kind.kind,
        )
        return [_entity(kind, item) for item in found]

    async def page_by_owner(self, kind: type[E], after: Place, count: int) -> list[E]:
        found = await self._of_kind(kind.kind).query(
            "SELECT * FROM c WHERE c.kind = @kind AND c.id > @after AND c.removed = false"
            " ORDER BY c.id OFFSET 0 LIMIT @count",
            after.owner,
            kind=kind.kind,
            after=_id(kind.kind, after),
            count=count,
        )
        return [_entity(kind, item) for item in found]

    async def list_by_subject(self, kind: type[E], subject: str) -> list[E]:
        found = await self._of_kind(kind.kind).query(
            "SELECT * FROM c WHERE c.kind = @kind AND c.subject = @subject AND c.removed = false",
            kind=kind.kind,
            subject=subject,
        )
        return sorted((_entity(kind, item) for item in found), key=attrgetter("place"))

    async def list_all(self, kind: type[E], after: Place, count: int) -> list[E]:
        """Return up to `count` entities of a kind above a place, in order of place.

        The service does not order over partitions: each call reads every one above the place.
        """
        found = await self._of_kind(kind.kind).query(
            "SELECT * FROM c WHERE c.kind = @kind AND c.pk >= @owner AND c.removed = false",
            kind=kind.kind,
            owner=after.owner,
        )
        entities = (_entity(kind, item) for item in found)
        return sorted((each for each in entities if each.place > after), key=attrgetter("place"))[
            :count
        ]

    async def read_all(self, kind: type[E]) -> AsyncIterator[E]:
        text = "SELECT * FROM c WHERE c.kind = @kind AND c.removed = false"
        return _decoded(kind, await self._of_kind(kind.kind).query_all(text, kind=kind.kind))

    async def add(self, entity: E, *others: Entity, replacing: Entity | None = None) -> E:
        everyone = (entity, *others)
        container = self._of_kind(entity.kind)
        owner = entity.place.owner
        steps = [BatchWrite(self._item(each)) for each in everyone]
        if await container.batch(owner, [*steps, *await self._replacements(replacing)]):
            return entity
        there = [await container.read(owner, _id(each.kind, each.place)) for each in everyone]
        if any(item is not None and not item["removed"] for item in there):
            raise AlreadyThere
        revived = [_revived(each, item) for each, item in zip(everyone, there, strict=True)]
        steps = [
            BatchWrite(self._item(each), item["_etag"] if item else "")
            for each, item in zip(revived, there, strict=True)
        ]
        if not await container.batch(owner, [*steps, *await self._replacements(replacing)]):
            await self._replacements(replacing)  # Raises `Stale` if that is why.
            raise AlreadyThere  # Another writer was faster.
        return entity.model_copy(
            update={"revision": revived[0].revision, "outbox": revived[0].outbox}
        )

    async def replace(self, entity: E) -> E:
        return (await self._change(entity, {"removed": False}))[0]

    async def remove(self, entity: E) -> E:
        # It ends now: if its deletion is cut off, it is deleted with those that have expired.
        ended: Item = {"removed": True, "ends_ms": self._clock.now_ms()}
        removed, item = await self._change(entity, ended)
        if not removed.outbox:
            await _delete(self._of_kind(removed.kind), item)
        return removed

    async def put(self, entity: Entity) -> None:
        await self._of_kind(entity.kind).put(self._item(entity))

    async def outboxes(self, count: int) -> list[PendingEvents]:
        found = [
            item
            for container in (self._accounts, self._tokens)
            for item in await waiting_records(container, count)
        ]
        return [_pending_events(item) for item in sorted(found, key=itemgetter("waiting"))[:count]]

    async def list_expiring(
        self, kind: type[E], after_ms: int, before_ms: int, count: int
    ) -> list[E]:
        found = await self._of_kind(kind.kind).query(
            "SELECT * FROM c WHERE c.kind = @kind AND c.ends_ms > @after AND c.ends_ms < @before"
            " AND c.removed = false",
            kind=kind.kind,
            after=after_ms,
            before=before_ms,
        )
        return [
            _entity(kind, item)
            for item in sorted(found, key=itemgetter("ends_ms", "pk", "id"))[:count]
        ]

    async def remove_expired(self, before_ms: int) -> int:
        return sum(
            [await _delete_expired(each, before_ms) for each in (self._accounts, self._tokens)]
        )

    async def clear(self, pending: PendingEvents) -> None:
        """Clear the outbox of an entity that still has this revision; delete a removed entity."""
        container = self._of_kind(pending.kind)
        id_ = _id(pending.kind, pending.place)
        where = f"c.revision = {pending.revision}"
        changed = await container.change(
            pending.place.owner, id_, {"waiting": 0, "outbox": []}, where=where
        )
        if changed is not None and changed["removed"]:
            await _delete(container, changed)

    async def _replacements(self, entity: Entity | None) -> list[BatchWrite]:
        """Return the steps of a batch that replace an entity, if there is one; raise `Stale`."""
        if entity is None:
            return []
        item = await self._of_kind(entity.kind).read(
            entity.place.owner, _id(entity.kind, entity.place)
        )
        if item is None or item["removed"] or item["revision"] != entity.revision:
            raise Stale
        stored = entity.model_copy(update={"revision": entity.revision + 1})
        return [BatchWrite(self._item(stored), item["_etag"])]

    async def _change(self, entity: E, more: Item) -> tuple[E, Item]:
        stored = entity.model_copy(update={"revision": entity.revision + 1})
        fields = {k: v for k, v in self._item(stored).items() if k in _CHANGED_FIELDS}
        changed = await self._of_kind(entity.kind).change(
            entity.place.owner,
            _id(entity.kind, entity.place),
            {**fields, **more},
            where=f"c.revision = {entity.revision} AND c.removed = false",
        )
        if changed is None:
            raise Stale
        return stored, changed

    def _of_kind(self, kind: str) -> CosmosContainer:
        return self._tokens if kind in TOKEN_KINDS else self._accounts

    def _item(self, entity: Entity) -> Item:
        # Each kilobyte is paid for by every read: what is not stored is read as its default, so
        # defaults never change (tests/unit/shared/domain/test_records_defaults.py).
        body = entity.model_dump(mode="json", exclude_defaults=True, exclude={"outbox"})
        item: Item = {
            "id": _id(entity.kind, entity.place),
            "pk": entity.place.owner,
            "schema": 1,
            "kind": entity.kind,
            "key": entity.place.key,
            "subject": entity.subject,
            "revision": entity.revision,
            "removed": False,
            "outbox": [event.model_dump(mode="json") for event in entity.outbox],
            "waiting": waiting_since(entity.outbox) or 0,
            "ends_ms": entity.ends_ms or 0,
            "ttl": -1,
            "body": body,
        }
        if entity.ends_ms is not None:
            left = (entity.ends_ms - self._clock.now_ms()) // 1000
            item["ttl"] = max(left, 0) + _KEPT_SECONDS
        return item


_CHANGED_FIELDS = frozenset({"subject", "revision", "outbox", "waiting", "ends_ms", "ttl", "body"})


def _id(kind: str, place: Place) -> str:
    return f"{kind}:{place.key}"


async def _decoded(kind: type[E], items: list[Item]) -> AsyncIterator[E]:
    """Yield entities in order of place; none is decoded before it is needed, because that takes
    several times the memory."""
    for item in sorted(items, key=itemgetter("pk", "id")):
        yield _entity(kind, item)


def _entity(kind: type[E], item: Item) -> E:
    return kind.model_validate(
        {**item["body"], "outbox": item["outbox"], "revision": item["revision"]}
    )


def _revived(entity: E, item: Item | None) -> E:
    """Return the entity with the pending events of the removed entity that it replaces."""
    if item is None or not item["outbox"]:
        return entity
    pending = tuple(Event.model_validate(each) for each in item["outbox"])
    revived = {"revision": item["revision"] + 1, "outbox": (*pending, *entity.outbox)}
    return entity.model_copy(update=revived)


def _pending_events(item: Item) -> PendingEvents:
    outbox = tuple(Event.model_validate(each) for each in item["outbox"])
    return PendingEvents(item["kind"], Place(item["pk"], item["key"]), item["revision"], outbox)


async def _delete_expired(container: CosmosContainer, before_ms: int) -> int:
    found = await container.query_all(
        "SELECT c.id, c.pk, c._etag FROM c"
        " WHERE c.ends_ms > 0 AND c.ends_ms < @before AND c.waiting = 0",
        before=before_ms,
    )
    return sum([await _delete(container, item) for item in found])


async def _delete(container: CosmosContainer, item: Item) -> bool:
    """Delete an item, unless somebody has stored another one in its place since it was read."""
    return await container.delete(item["pk"], item["id"], item["_etag"])
