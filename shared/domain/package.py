"""What the registry knows of a package and its releases: immutable records, as they are stored."""

import hashlib
from dataclasses import dataclass, replace
from enum import Enum
from typing import Self

from pydantic import BaseModel, ConfigDict

from shared.domain.archive_name import ArchiveName
from shared.domain.digest import Digest
from shared.domain.names import Coordinate, OrgName, Package, PackageName
from shared.domain.version import Version


class Record(BaseModel):
    """A stored value; readers accept the fields of this schema version and the one before."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1


class Visibility(Enum):
    """Who may see a package."""

    PUBLIC = "public"
    PRIVATE = "private"


class State(Enum):
    """What moderation made of a release; only live ones are served."""

    LIVE = "live"
    HELD = "held"
    QUARANTINED = "quarantined"
    REMOVED = "removed"


class Pushers(Enum):
    """Who may push to a package, besides having the right to."""

    MEMBERS = "members"
    PUBLISHERS = "publishers"  # Trusted publishers alone: no stored token, whosever it is.


class Graalvm(Enum):
    """Whether the author says that the package compiles to a native image."""

    YES = "Yes"
    NO = "No"
    UNKNOWN = "Unknown"


class Dependency(Record):
    """A package and the version it was built against."""

    org: str
    name: str
    version: str


class GraphNode(Record):
    """One package of a dependency graph with its direct dependencies."""

    org: str
    name: str
    version: str
    dependencies: tuple[Dependency, ...] = ()


class Graph(Record):
    """The dependency graph that a bala recorded: itself and every transitive dependency."""

    nodes: tuple[GraphNode, ...] = ()


class ModuleText(Record):
    """One module with its documentation."""

    name: str
    summary: str = ""
    readme: str = ""


class Texts(Record):
    """The documentation that a bala holds, as Markdown."""

    readme: str = ""
    modules: tuple[ModuleText, ...] = ()


class Provenance(Record):
    """Which job of a CI system published a release, as its provider signed it.

    `publishers` are the ids of the trusted publishers that let it in.
    """

    provider: str
    publishers: tuple[str, ...] = ()
    repository: str = ""
    workflow: str = ""
    ref: str = ""
    commit: str = ""
    run_url: str = ""
    defined_elsewhere: str = ""  # What the job ran in, where that is no file of the repository.

    @property
    def link(self) -> str:
        """Return the address of its run as pages may lead there; empty where they may not."""
        return self.run_url if self.run_url.startswith("https://") else ""

    @property
    def run(self) -> dict[str, str]:
        """Return what is known of the job, as events tell it."""
        told = self.model_dump(include={"provider", "repository", "workflow", "ref"})
        told |= {"commit": self.commit, "run": self.run_url}
        told |= {"reusable_workflow": self.defined_elsewhere}
        return {name: value for name, value in told.items() if value}


class Origin(Record):
    """Who published a release, by which credential, and from which job of a CI system, if any."""

    principal: str
    credential: str = ""
    provenance: Provenance | None = None


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


def org_stream(key: str) -> str:
    """Return the name of an organization's log."""
    return f"org:{key}"


def account_stream(account_id: str) -> str:
    """Return the name of a person's log."""
    return f"account:{account_id}"


class Head(Record):
    """A package's small mutable record: it claims the name and says what holds for all versions."""

    org: str
    name: str
    visibility: Visibility = Visibility.PUBLIC
    created_ms: int
    changed_ms: int | None = None  # None: nothing but `pulls` has changed since it was created.
    deprecation: str | None = None
    pushers: Pushers = Pushers.MEMBERS
    made_by: tuple[str, ...] = ()  # The trusted publishers that its first push came by.
    pulls: int = 0
    revision: int = 1
    outbox: tuple[Event, ...] = ()

    @property
    def package(self) -> Package:
        """Return the package, in the spelling of its first push."""
        return Package(OrgName(self.org), PackageName(self.name))


class Release(Record):
    """One version of a package: what was read from its bala, and what happened to it since.

    Creating this record is the commit of a push. At most 16 KB as JSON.
    """

    org: str
    name: str
    version: str
    digest: str
    size_bytes: int
    platform: str
    ballerina_version: str = ""
    bala_version: str = ""
    language_spec_version: str = ""
    implementation_vendor: str = ""
    summary: str = ""
    licenses: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    source_repository: str = ""
    icon: str = ""
    template: bool = False
    graalvm: Graalvm = Graalvm.UNKNOWN
    modules: tuple[str, ...] = ()  # Those that it exports, which others can import.
    # The rest. None: `modules` are all of them, since the record is from before they were told
    # apart; `mend` does that from the archive.
    internal_modules: tuple[str, ...] | None = None
    dependencies: tuple[Dependency, ...] = ()
    tools: tuple[str, ...] = ()
    compiler_plugin: bool = False
    sbom: bool = False
    created_ms: int
    changed_ms: int | None = None  # None: it is as it was published.
    origin: Origin
    state: State = State.LIVE
    state_reason: str = ""
    awaits_owner: bool = False  # Held since it was published, until an owner confirms it.
    deprecation: str | None = None
    revision: int = 1
    outbox: tuple[Event, ...] = ()

    @property
    def coordinate(self) -> Coordinate:
        """Return the coordinate, in the spelling of the package's first push."""
        package = Package(OrgName(self.org), PackageName(self.name))
        return Coordinate(package, Version.parse(self.version))

    def tool_named(self, text: str) -> str:
        """Return the tool of this id, else its first one; nothing where it brings none."""
        named = (tool for tool in self.tools if tool.lower() == text.strip().lower())
        return next(named, self.tools[0] if self.tools else "")

    @property
    def content(self) -> Digest:
        """Return the digest of the archive."""
        return Digest(self.digest)

    @property
    def archive(self) -> ArchiveName:
        """Return what the archive is called."""
        return ArchiveName(self.content, self.coordinate, self.platform)


class Entry(Record):
    """A release as lists and resolution need it; derived from the release, newest revision wins."""

    version: str
    platform: str
    ballerina_version: str = ""
    state: State = State.LIVE
    deprecation: str | None = None
    modules: tuple[str, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    tools: tuple[str, ...] = ()
    digest: str
    size_bytes: int
    created_ms: int
    changed_ms: int | None = None
    revision: int = 1

    @classmethod
    def of(cls, release: Release) -> Self:
        """Derive the entry of `release`."""
        return cls.model_validate(release, from_attributes=True)

    @property
    def parsed(self) -> Version:
        """Return the version, parsed."""
        return Version.parse(self.version)


@dataclass(frozen=True, slots=True)
class Found:
    """What one read of a coordinate brings: the package and the release, where they exist."""

    head: Head | None
    release: Release | None


@dataclass(frozen=True, slots=True)
class Survey:
    """A package with all its entries, newest version first, whatever their state."""

    head: Head
    entries: tuple[Entry, ...]

    @property
    def revision(self) -> int:
        """Return a number that grows with every change of the package but that of its pulls."""
        return self.head.revision + sum(entry.revision for entry in self.entries)

    @property
    def changed_ms(self) -> int:
        """Return when something of the package changed last, withheld releases included."""
        records = (self.head, *self.entries)
        return max(max(each.created_ms, each.changed_ms or 0) for each in records)

    def having_tool(self, tool: str) -> Self:
        """Return the package with those of its entries that have the tool."""
        return replace(self, entries=tuple(e for e in self.entries if tool in e.tools))


@dataclass(frozen=True, slots=True)
class Listing:
    """A release as it is shown to people and clients: with its package and its documentation."""

    head: Head
    release: Release
    texts: Texts

    @property
    def deprecation(self) -> str | None:
        """Return the message of the release's deprecation, or of its whole package's."""
        return effective_deprecation(self.head, self.release.deprecation)


def effective_deprecation(head: Head, own: str | None) -> str | None:
    """Return a release's own deprecation message, else its package's; None means not deprecated."""
    return own if own is not None else head.deprecation


def numeric_id(coordinate: Coordinate) -> int:
    """Return the stable number below 2^31 that clients know a release by."""
    digest = hashlib.sha256(coordinate.key.encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFF_FFFF
