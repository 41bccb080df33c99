"""The directory, the event feed and short-lived state in dictionaries."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Self, TypeVar, cast

from shared.domain.access_rights import AccessContext
from shared.domain.accounts import Account
from shared.domain.entities import Entity, PendingEvents, Place
from shared.domain.events import Event, anonymized, is_personal, without_account
from shared.domain.memberships import Membership, member_place
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, organization_place
from shared.domain.packages import Head, Release
from shared.domain.revocations import Revocation
from shared.domain.times import CLOCK_DIFFERENCE_MS
from shared.domain.transparency.leaves import FrozenLeaf, LoggedEvent
from shared.ports.conflicts import AlreadyThere, Stale
from shared.ports.work import Counter

E = TypeVar("E", bound=Entity)
Key = tuple[str, Place]


@dataclass
class FakeDirectory:
    """A `DirectoryStore` that counts its calls, and forgets what was removed at once."""

    entities: dict[Key, Entity] = field(default_factory=dict[Key, Entity])
    calls: list[str] = field(default_factory=list[str])

    @classmethod
    def holding(cls, *entities: Entity) -> Self:
        """Return a directory with these entities."""
        return cls({_key(each): each for each in entities})

    def every(self, kind: type[E]) -> list[E]:
        """Return the entities of a kind, in order of place."""
        found = [each for each in self.entities.values() if isinstance(each, kind)]
        return sorted(found, key=lambda entity: entity.place)

    async def access_context(self, account_id: str, org: OrgName, now_ms: int) -> AccessContext:
        self.calls.append("access_context")
        return AccessContext.of(
            self._at(Account, Place(account_id)),
            self._at(Organization, organization_place(org)),
            self._at(Membership, member_place(org, account_id)),
            now_ms,
        )

    async def get(self, kind: type[E], place: Place) -> E | None:
        self.calls.append("get")
        return self._at(kind, place)

    async def list_by_owner(self, kind: type[E], owner: str) -> list[E]:
        self.calls.append("list_by_owner")
        return [each for each in self.every(kind) if each.place.owner == owner]

    async def page_by_owner(self, kind: type[E], after: Place, count: int) -> list[E]:
        self.calls.append("page_by_owner")
        found = await self.list_by_owner(kind, after.owner)
        return [each for each in found if each.place > after][:count]

    async def list_by_subject(self, kind: type[E], subject: str) -> list[E]:
        self.calls.append("list_by_subject")
        return [each for each in self.every(kind) if each.subject == subject]

    async def list_all(self, kind: type[E], after: Place, count: int) -> list[E]:
        self.calls.append("list_all")
        return [each for each in self.every(kind) if each.place > after][:count]

    async def read_all(self, kind: type[E]) -> AsyncIterator[E]:
        self.calls.append("read_all")
        return _each(self.every(kind))

    async def add(self, entity: E, *others: Entity, replacing: Entity | None = None) -> E:
        self.calls.append("add")
        if any(_key(each) in self.entities for each in (entity, *others)):
            raise AlreadyThere
        if replacing is not None:
            self._check(replacing)
            self._keep([replacing.model_copy(update={"revision": replacing.revision + 1})])
        self._keep((entity, *others))
        return entity

    async def replace(self, entity: E) -> E:
        self.calls.append("replace")
        self._check(entity)
        stored = entity.model_copy(update={"revision": entity.revision + 1})
        self._keep([stored])
        return stored

    async def remove(self, entity: E) -> E:
        self.calls.append("remove")
        self._check(entity)
        del self.entities[_key(entity)]
        return entity.model_copy(update={"revision": entity.revision + 1})

    async def put(self, entity: Entity) -> None:
        self.calls.append("put")
        self._keep([entity])

    async def outboxes(self, count: int) -> list[PendingEvents]:
        self.calls.append("outboxes")
        return [each.pending_events for each in self.entities.values() if each.outbox][:count]

    async def list_expiring(
        self, kind: type[E], after_ms: int, before_ms: int, count: int
    ) -> list[E]:
        self.calls.append("list_expiring")
        found = [each for each in self.every(kind) if after_ms < (each.ends_ms or 0) < before_ms]
        return sorted(found, key=lambda entity: entity.ends_ms or 0)[:count]

    async def remove_expired(self, before_ms: int) -> int:
        self.calls.append("remove_expired")
        ended = [
            key
            for key, each in self.entities.items()
            if each.ends_ms is not None and each.ends_ms < before_ms and not each.outbox
        ]
        for key in ended:
            del self.entities[key]
        return len(ended)

    def clear_outbox(self, waiting: PendingEvents) -> None:
        """Forget an outbox that the feed has taken."""
        key = (waiting.kind, waiting.place)
        entity = self.entities.get(key)
        if entity is not None and entity.revision == waiting.revision:
            self.entities[key] = entity.model_copy(update={"outbox": ()})

    def _at(self, kind: type[E], place: Place) -> E | None:
        return cast("E | None", self.entities.get((kind.kind, place)))

    def _keep(self, entities: Iterable[Entity]) -> None:
        self.entities.update({_key(each): each for each in entities})

    def _check(self, entity: Entity) -> None:
        there = self.entities.get(_key(entity))
        if there is None or there.revision != entity.revision:
            raise Stale


async def _each(entities: list[E]) -> AsyncIterator[E]:
    for each in entities:
        yield each


def _key(entity: Entity) -> Key:
    return entity.kind, entity.place


@dataclass
class FakeEvents:
    """An `EventStore` that fails on request."""

    feed: list[Event] = field(default_factory=list[Event])
    fails_with: Exception | None = None
    clear_outbox: Callable[[PendingEvents], None] | None = None
    frozen: dict[int, FrozenLeaf] = field(default_factory=dict[int, FrozenLeaf])

    async def append_outbox(self, source: Head | Release | PendingEvents) -> None:
        await self.append(source.outbox)
        if self.clear_outbox and isinstance(source, PendingEvents):
            self.clear_outbox(source)

    async def append(self, events: Sequence[Event]) -> None:
        if self.fails_with:
            raise self.fails_with
        there = {event.id for event in self.feed}
        self.feed.extend(event for event in events if event.id not in there)

    async def since(self, number: int, count: int) -> list[tuple[int, Event]]:
        return list(enumerate(self.feed, start=1))[number : number + count]

    async def find(self, event_id: str, at_ms: int) -> LoggedEvent | None:
        found = [each for each in await self.logged(0, len(self.feed)) if each.event.id == event_id]
        return found[0] if found else None

    async def forget_origins(self, before_ms: int, count: int) -> int:
        old = [n for n, e in enumerate(self.feed) if e.at_ms < before_ms and is_personal(e)][:count]
        for number in old:
            self.feed[number] = anonymized(self.feed[number])
        return len(old)

    async def newest(self, before: int | None, count: int) -> list[tuple[int, Event]]:
        numbered = list(enumerate(self.feed, start=1))
        return [each for each in numbered if before is None or each[0] < before][::-1][:count]

    async def forget_account(self, account_id: str) -> int:
        before = list(self.feed)
        self.feed[:] = [without_account(event, account_id) for event in before]
        return sum(one != other for one, other in zip(before, self.feed, strict=True))

    async def overwrite_forgotten(self) -> None:
        """A list has no bytes of what was in it."""

    async def stream(self, name: str, before: int | None, count: int) -> list[tuple[int, Event]]:
        numbered = [
            (number, event)
            for number, event in enumerate(self.feed, start=1)
            if name in event.streams and (before is None or number < before)
        ]
        return numbered[::-1][:count]

    async def restore(self, events: Sequence[LoggedEvent]) -> None:
        await self.append([each.event for each in events])
        self.frozen |= {each.number: each.leaf for each in events if each.leaf}

    async def logged(self, after: int, count: int) -> list[LoggedEvent]:
        return [
            LoggedEvent(number, event, self.frozen.get(number))
            for number, event in await self.since(after, count)
        ]

    async def leaves(self, after: int, count: int) -> list[bytes]:
        found = [each.leaf for each in await self.logged(after, count)]
        return [leaf.leaf for leaf in takewhile(bool, found) if leaf]

    async def without_leaf(self, after: int, count: int) -> list[tuple[int, Event]]:
        every = await self.since(after, len(self.feed))
        return [each for each in every if each[0] not in self.frozen][:count]

    async def is_complete(self) -> bool:
        return not await self.without_leaf(0, 1)

    async def freeze(self, number: int, leaf: FrozenLeaf) -> None:
        self.frozen.setdefault(number, leaf)

    async def complete_logs(self, after: int, count: int) -> int:
        return max(after, min(len(self.feed), after + count))  # Its logs are the feed.

    def kinds(self) -> list[str]:
        """Return what happened, in order."""
        return [event.kind for event in self.feed]


@dataclass
class FakeRevocations:
    """A `RevocationStore`."""

    listed: list[Revocation] = field(default_factory=list[Revocation])

    async def add(self, revocations: Sequence[Revocation]) -> None:
        self.listed.extend(revocations)

    async def read(self) -> list[Revocation]:
        return list(self.listed)

    async def compact(self) -> None:
        """Do nothing."""


@dataclass
class FakeWork:
    """A `WorkStore`."""

    values: dict[tuple[str, str], tuple[str, int]] = field(
        default_factory=dict[tuple[str, str], tuple[str, int]]
    )
    counts: dict[tuple[str, str], tuple[int, int]] = field(
        default_factory=dict[tuple[str, str], tuple[int, int]]
    )
    leases: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])

    async def put(self, kind: str, key: str, value: str, expires_ms: int) -> None:
        self.values[kind, key] = (value, expires_ms)

    async def take(self, kind: str, key: str, now_ms: int) -> str | None:
        value, expires_ms = self.values.pop((kind, key), ("", 0))
        return value if now_ms < expires_ms else None

    async def peek(self, kind: str, key: str, now_ms: int) -> str | None:
        value, expires_ms = self.values.get((kind, key), ("", 0))
        return value if now_ms < expires_ms else None

    async def claim(self, kind: str, key: str, value: str, *, expires_ms: int, now_ms: int) -> bool:
        if await self.peek(kind, key, now_ms) is not None:
            return False
        await self.put(kind, key, value, expires_ms)
        return True

    async def count(self, counters: Sequence[Counter], now_ms: int) -> list[int]:
        return [self._count(counter, now_ms) for counter in counters]

    def _count(self, counter: Counter, now_ms: int) -> int:
        total, ends_ms = self.counts.get((counter.kind, counter.key), (0, 0))
        if ends_ms <= now_ms:
            total = 0
            ends_ms = counter.expires_ms
        self.counts[counter.kind, counter.key] = (total + counter.amount, ends_ms)
        return total + counter.amount

    async def lease(self, name: str, owner: str, now_ms: int, until_ms: int) -> bool:
        holder, ends_ms = self.leases.get(name, (owner, 0))
        if holder != owner and now_ms < ends_ms <= until_ms + CLOCK_DIFFERENCE_MS:
            return False
        self.leases[name] = (owner, until_ms)
        return True

    async def end_lease(self, name: str, owner: str) -> None:
        if name in self.leases and self.leases[name][0] == owner:
            del self.leases[name]

    async def remove_expired(self, before_ms: int) -> int:
        kept = {key: value for key, value in self.values.items() if value[1] >= before_ms}
        removed = len(self.values) - len(kept)
        self.values = kept
        return removed
