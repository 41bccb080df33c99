"""Records: writing an entity together with its event, reading entities and packages in batches."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from msgspec import Struct, field

from shared.auth.tokens import random_text
from shared.domain.coordinates import Package
from shared.domain.entities import AdditionCount, Entity, Place
from shared.domain.errors.base import Refusal, Unavailable
from shared.domain.events import Event
from shared.domain.names import OrgName
from shared.domain.packages import Head
from shared.domain.principals import Principal
from shared.domain.scopes import Resource
from shared.domain.visibility import Visibility
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock, Randomness
from shared.runtime.retries import back_off, retried

E = TypeVar("E", bound=Entity)

RECORDS_AT_ONCE = 200  # That a task holds, so that its memory stays bounded.
EVENT_ID_LENGTH = 20  # Base62: no two changes share an id.


ADDITION_ATTEMPTS = 16  # As of leases: of many at once each one that fails waits for a while.

# Of an addition that checks what is there.
retried_when_added = retried(ADDITION_ATTEMPTS, back_off)


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


class RecordWriter(Struct, frozen=True):
    """Adds, replaces and removes entities; the write is the commit, and its event follows.

    Each change has exactly one event: the event is in the outbox of the entity until it is in the
    feed. If the feed fails, the change is kept, and a maintenance task publishes the event later.
    """

    directory: DirectoryStore
    events: EventStore
    clock: Clock
    randomness: Randomness
    delayed: Callable[[Refusal], None]

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
        check: Callable[[], Awaitable[None]],
        change: EntityChange,
        by: Principal,
    ) -> E:
        """Create entities of one owner, as `add` does, unless `check` raises a refusal about what
        its owner has of this kind.

        No other entity of the kind and owner is created between the check and the write: then this
        raises `Stale` or `AlreadyThere`. Callers are `retried_when_added`.
        """
        owner = entity.place.owner
        count = await self.directory.get(AdditionCount, Place(owner, entity.kind))
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

    async def remove(self, entity: E, *, change: EntityChange, by: Principal) -> E:
        """Delete an entity; raise `Stale`."""
        return await self._published(
            await self.directory.remove(self._with_event(entity, change, by))
        )

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
        # Unpublished events of the entity come first: the feed takes each event once.
        outbox = (*entity.outbox, self.event(change, by))
        return entity.model_copy(update={"outbox": outbox})

    async def _published(self, entity: E) -> E:
        try:
            await self.events.publish(entity.pending_events)
        except Unavailable as failure:
            self.delayed(failure)
            return entity
        return entity.model_copy(update={"outbox": ()})


Row = TypeVar("Row")

ENTITIES_READ_AT_ONCE = 500  # Entities per read.


class EntityPage(Struct, Generic[E], frozen=True):
    """Some entities in order of place, and whether more follow."""

    entities: tuple[E, ...]
    is_more: bool


class ListPage(Struct, Generic[Row], frozen=True):
    """Some rows of a list by name; `next` is the name to continue after, empty at the end."""

    rows: tuple[Row, ...]
    next: str = ""


async def iterate_pages(page: Callable[[str], Awaitable[ListPage[Row]]]) -> AsyncIterator[Row]:
    """Yield every row of a list, read page by page."""
    listed = await page("")
    while True:
        for row in listed.rows:
            yield row
        if not listed.next:
            return
        listed = await page(listed.next)


async def entity_page(
    directory: DirectoryStore, kind: type[E], after: Place, count: int
) -> EntityPage[E]:
    """Return up to `count` entities above a place. One read."""
    found = await directory.list_all(kind, after, count + 1)
    return EntityPage(tuple(found[:count]), len(found) > count)


async def entities_with_prefix(
    directory: DirectoryStore, kind: type[E], place: Place, count: int
) -> tuple[E, ...]:
    """Return the entity at the place, and up to `count` whose owners begin with its owner."""
    exactly = await directory.get(kind, place)
    found = await entity_page(directory, kind, place, count)
    longer = [each for each in found.entities if each.place.owner.startswith(place.owner)]
    return (*([exactly] if exactly else []), *longer)


async def organization_package_page(
    metadata: MetadataStore, org: OrgName, after: str, count: int
) -> tuple[list[Package], str]:
    """Return up to `count` packages of an organization after the name `after`, and the name to
    continue after; empty at the end. One read."""
    prefix = f"{org.lower()}/"
    heads = await metadata.packages(prefix + after.lower(), count + 1)
    own = [head.package for head in heads if head.package.key.startswith(prefix)]
    return own[:count], own[count - 1].name if len(own) > count else ""


async def is_public(metadata: MetadataStore, target: Resource) -> bool:
    """Check whether everybody may read the package, or a package of the organization. One read of a
    package, and one of each batch of an organization's until one is public."""
    if isinstance(target, Package):
        head = await metadata.head(target)
        return head is not None and head.visibility is Visibility.PUBLIC
    async for heads in package_batches(metadata, RECORDS_AT_ONCE, prefix=f"{target.lower()}/"):
        if any(head.visibility is Visibility.PUBLIC for head in heads):
            return True
    return False


async def entity_batches(
    directory: DirectoryStore, kind: type[E], size: int
) -> AsyncGenerator[list[E]]:
    """Yield every entity of the kind in order of place, up to `size` with each read."""
    after = Place("")
    while batch := await directory.list_all(kind, after, size):
        yield batch
        after = batch[-1].place


async def all_entities(directory: DirectoryStore, kind: type[E]) -> list[E]:
    """Return every entity of the kind, in order of place. The cost grows with their number."""
    batches = entity_batches(directory, kind, ENTITIES_READ_AT_ONCE)
    return [entity async for batch in batches for entity in batch]


async def package_batches(
    metadata: MetadataStore, size: int, *, prefix: str = "", after: str = ""
) -> AsyncGenerator[list[Head]]:
    """Yield the packages whose keys begin with `prefix` and come after `after`, in order of key.

    Each read returns up to `size` of them.
    """
    after = max(after, prefix)
    while heads := await metadata.packages(after, size):
        batch = [head for head in heads if head.package.key.startswith(prefix)]
        if batch:
            yield batch
        if len(batch) < len(heads):
            return
        after = heads[-1].package.key


async def last_event_number(events: EventStore) -> int:
    """Return the number of the last event, by some forty reads: numbers have no gaps."""
    low = 0
    high = 1
    while await events.since(high - 1, 1):
        low = high
        high = high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if await events.since(middle - 1, 1):
            low = middle
        else:
            high = middle
    return low
