"""The directory in a dictionary."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self, TypeVar, cast

from shared.domain.accounts import Account
from shared.domain.entity import Entity, Place, Waiting
from shared.domain.identity import Standing
from shared.domain.names import OrgName
from shared.domain.organizations import Membership, Organization, place_of, place_of_member
from shared.ports import AlreadyThere, Stale

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

    async def standing(self, account_id: str, org: OrgName, now_ms: int) -> Standing:
        """Return what the account is in the organization."""
        self.calls.append("standing")
        return Standing.of(
            self._at(Account, Place(account_id)),
            self._at(Organization, place_of(org)),
            self._at(Membership, place_of_member(org, account_id)),
            now_ms,
        )

    async def get(self, kind: type[E], place: Place) -> E | None:
        """Return the entity at the place, or None."""
        self.calls.append("get")
        return self._at(kind, place)

    async def of(self, kind: type[E], owner: str) -> list[E]:
        """Return the owner's entities."""
        self.calls.append("of")
        return [each for each in self.every(kind) if each.place.owner == owner]

    async def about(self, kind: type[E], subject: str) -> list[E]:
        """Return the entities with this subject."""
        self.calls.append("about")
        return [each for each in self.every(kind) if each.subject == subject]

    async def all(self, kind: type[E], after: Place, count: int) -> list[E]:
        """Return entities above a place."""
        self.calls.append("all")
        return [each for each in self.every(kind) if each.place > after][:count]

    async def add(self, entity: E, *others: Entity) -> E:
        """Create entities, all or none."""
        self.calls.append("add")
        if any(_key(each) in self.entities for each in (entity, *others)):
            raise AlreadyThere
        self._keep((entity, *others))
        return entity

    async def replace(self, entity: E) -> E:
        """Store a changed entity at its next revision."""
        self.calls.append("replace")
        self._check(entity)
        stored = entity.model_copy(update={"revision": entity.revision + 1})
        self._keep([stored])
        return stored

    async def remove(self, entity: E) -> E:
        """Delete the entity."""
        self.calls.append("remove")
        self._check(entity)
        del self.entities[_key(entity)]
        return entity.model_copy(update={"revision": entity.revision + 1})

    async def put(self, entity: Entity) -> None:
        """Store an entity over another."""
        self.calls.append("put")
        self._keep([entity])

    async def unpublished(self, count: int) -> list[Waiting]:
        """Return outboxes that are not empty."""
        self.calls.append("unpublished")
        return [each.waiting for each in self.entities.values() if each.outbox][:count]

    async def ending(self, kind: type[E], after_ms: int, before_ms: int, count: int) -> list[E]:
        """Return what ends between the two times."""
        self.calls.append("ending")
        found = [each for each in self.every(kind) if after_ms < (each.ends_ms or 0) < before_ms]
        return sorted(found, key=lambda entity: entity.ends_ms or 0)[:count]

    async def remove_ended(self, before_ms: int) -> int:
        """Delete what ended before that time."""
        self.calls.append("remove_ended")
        ended = [
            key
            for key, each in self.entities.items()
            if each.ends_ms is not None and each.ends_ms < before_ms and not each.outbox
        ]
        for key in ended:
            del self.entities[key]
        return len(ended)

    def published(self, waiting: Waiting) -> None:
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


def _key(entity: Entity) -> Key:
    return entity.kind, entity.place
