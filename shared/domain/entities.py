"""The entities of the directory: where each is stored, and the events of its changes."""

from typing import ClassVar, NamedTuple

from msgspec import Struct

from shared.domain.events import Event
from shared.domain.records import Record


class Place(NamedTuple):
    """Where an entity is stored: its owner, and its key among the owner's entities of a kind."""

    owner: str
    key: str = ""


class PendingEvents(Struct, frozen=True):
    """The events of an entity that are not in the feed yet, at one of its revisions."""

    kind: str
    place: Place
    revision: int
    outbox: tuple[Event, ...]


class Entity(Record):
    """A record of the directory; the write that changes it carries the event of the change.

    An owner is an organization's key, an account's id, or a prefix and a hash; entities of one
    owner can be added at once. Keys and owners hold none of `/ \\ ? #`.
    """

    kind: ClassVar[str]
    # Whether it is made again from other records if it is lost, so that adding it need not wait for
    # the disk.
    is_derived: ClassVar[bool] = False

    revision: int = 1
    outbox: tuple[Event, ...] = ()

    @property
    def place(self) -> Place:
        """The place; unique among entities of a kind."""
        raise NotImplementedError

    @property
    def subject(self) -> str:
        """A second key to find entities by, which several may share; empty where there is none."""
        return ""

    @property
    def ends_ms(self) -> int | None:
        """When upkeep may remove the entity; None for never."""
        return None

    @property
    def pending_events(self) -> PendingEvents:
        return PendingEvents(self.kind, self.place, self.revision, self.outbox)


class AdditionCount(Entity):
    """How many entities of a kind were ever added for an owner. Each addition replaces it, so that
    of two at the same time the second one counts again what is there."""

    kind: ClassVar[str] = "addition-count"

    owner: str
    counted: str  # The kind of the counted entities.
    number: int

    @property
    def place(self) -> Place:
        return Place(self.owner, self.counted)
