"""Stored records: the base class, events in an outbox, and the entities of the directory."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A stored value; readers accept the fields of this schema version and the one before."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1


class Place(NamedTuple):
    """Where an entity lies: whom it belongs to, and what it is called there among its kind."""

    owner: str
    key: str = ""


class Event(Record):
    """A change that is waiting to be, or was, written to the event feed.

    `org` (a key) and `account` (an id) say in whose logs it is read; `actor`, `credential` and
    `address` who made it, with what and from where.
    """

    id: str
    kind: str
    at_ms: int
    actor: str
    subject: str
    org: str = ""
    account: str = ""
    credential: str = ""
    address: str = ""
    details: dict[str, str] = {}

    @property
    def streams(self) -> tuple[str, ...]:
        """Return the logs that it is read in."""
        org = (org_stream(self.org),) if self.org else ()
        return (*org, account_stream(self.account)) if self.account else org


@dataclass(frozen=True, slots=True)
class PendingEvents:
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
    def pending_events(self) -> PendingEvents:
        """Return what it owes the feed."""
        return PendingEvents(self.kind, self.place, self.revision, self.outbox)


def org_stream(key: str) -> str:
    """Return the name of an organization's log."""
    return f"org:{key}"


def account_stream(account_id: str) -> str:
    """Return the name of a person's log."""
    return f"account:{account_id}"
