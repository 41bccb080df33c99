"""Stored records: the base class, events in an outbox, and the entities of the directory."""

from typing import ClassVar, NamedTuple

from msgspec import Struct
from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A stored value; readers accept the fields of this schema version and the one before."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    schema_version: int = 1


class Place(NamedTuple):
    """Where an entity is stored: its owner, and its key among the owner's entities of a kind."""

    owner: str
    key: str = ""


class Event(Record):
    """A change, for the event feed.

    `org` (a key) and `account` (an id) select the audit logs that show it; `actor`, `credential`
    and `address` say who made it, with what and from where. `public` says that everybody could
    read of it when it happened, so that its leaf in the transparency log is readable.
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
    public: bool = False

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of its logs: of an organization, an account, a package, and the people who
        publish the packages of an organization."""
        org = (org_stream(self.org),) if self.org else ()
        account = (account_stream(self.account),) if self.account else ()
        package = (package_stream(self.subject.partition(":")[0]),) if self._is_of_package else ()
        publishing = (publishing_stream(self.org),) if self._changes_who_publishes else ()
        return (*org, *account, *package, *publishing)

    @property
    def _is_of_package(self) -> bool:
        is_of_publisher = self.kind in _KINDS_OF_PUBLISHERS and "/" in self.subject
        return is_of_publisher or self.kind.startswith(_KINDS_OF_PACKAGES)

    @property
    def _changes_who_publishes(self) -> bool:
        """Whether it is about the role of somebody who publishes the packages of an organization,
        or did before."""
        if not self.org or not self.kind.startswith(_KINDS_OF_ROLES):
            return False
        roles = {self.details.get("before", ""), self.details.get("after", "")}
        return self.kind.startswith(_KINDS_OF_OWNERS) or not roles.isdisjoint(ROLES_THAT_PUBLISH)


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
    counted: str  # The kind.
    number: int

    @property
    def place(self) -> Place:
        return Place(self.owner, self.counted)


_KINDS_OF_PACKAGES = ("package.", "release.")
# Changes of the trusted publishers of a package. A job that was refused changes nothing.
_KINDS_OF_PUBLISHERS = frozenset(
    {"publisher.added", "publisher.bound", "publisher.confirmed", "publisher.removed"}
)
_KINDS_OF_OWNERS = "owner."
_KINDS_OF_ROLES = (_KINDS_OF_OWNERS, "member.")
ROLES_THAT_PUBLISH = frozenset({"owner", "maintainer"})  # As in the details of events.


def package_stream(package: str) -> str:
    """Return the name of the log of a package, its releases and its trusted publishers; `package`
    is such as `acme/greet`."""
    return f"package:{package.lower()}"


def publishing_stream(org: str) -> str:
    """Return the name of the log of the roles that publish the packages of an organization."""
    return f"publishing:{org.lower()}"


def org_stream(key: str) -> str:
    return f"org:{key}"


def account_stream(account_id: str) -> str:
    return f"account:{account_id}"
