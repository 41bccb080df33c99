"""Entities: the mutable records of the directory, where they lie, and what they owe the feed."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from shared.domain.package import Event, Record


class Place(NamedTuple):
    """Where an entity lies: whom it belongs to, and what it is called there among its kind."""

    owner: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What an entity owes the feed at one of its revisions."""

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

    revision: int = 1
    outbox: tuple[Event, ...] = ()

    @property
    def place(self) -> Place:
        """Return where it lies; no two of a kind share a place."""
        raise NotImplementedError

    @property
    def subject(self) -> str:
        """Return a second way to find it, which others may share; empty where there is none."""
        return ""

    @property
    def ends_ms(self) -> int | None:
        """Return when it means nothing any more and upkeep may remove it; None is never."""
        return None

    @property
    def waiting(self) -> Waiting:
        """Return what it owes the feed."""
        return Waiting(self.kind, self.place, self.revision, self.outbox)
