"""What the registry knows about a package and its releases: immutable records, as they are
stored.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import Self
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from shared.domain.archives.names import ArchiveName, Digest
from shared.domain.names import Coordinate, OrgName, Package, PackageName
from shared.domain.records import Event, Record
from shared.domain.versions import Version


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
    def event_details(self) -> dict[str, str]:
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


class ReleaseEntry(Record):
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
        return Version.parse(self.version)


@dataclass(frozen=True, slots=True)
class FoundRelease:
    """What one read of a coordinate brings: the package and the release, where they exist."""

    head: Head | None
    release: Release | None


@dataclass(frozen=True, slots=True)
class Survey:
    """A package with all its entries, newest version first, whatever their state."""

    head: Head
    entries: tuple[ReleaseEntry, ...]

    @property
    def revision(self) -> int:
        """Return a number that grows with every change of the package but that of its pulls."""
        return self.head.revision + sum(entry.revision for entry in self.entries)

    @property
    def changed_ms(self) -> int:
        """Return when something of the package changed last, withheld releases included."""
        records = (self.head, *self.entries)
        return max(max(each.created_ms, each.changed_ms or 0) for each in records)

    def with_tool(self, tool: str) -> Self:
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


_NODES = TypeAdapter(tuple[GraphNode, ...])
_OURS_ALONE = {"__all__": {"schema_version": True, "dependencies": {"__all__": {"schema_version"}}}}


def graph_document(graph: Graph) -> bytes:
    """Return the JSON list of nodes `[{"org","name","version","dependencies":[…]}]`."""
    return _NODES.dump_json(graph.nodes, exclude=_OURS_ALONE)


def read_graph(document: bytes) -> tuple[GraphNode, ...]:
    """Return the nodes of a document that `graph_document` made."""
    return _NODES.validate_json(document)


_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII)  # No port, no other alphabet.
_PATH = re.compile(r"(?:/[\w.~-]+)+/?", re.ASCII)


@dataclass(frozen=True, slots=True)
class SourceRepository:
    """The source repository that an author names; `url` is None where it is no web address.

    An author can name the repository of somebody else. The name is verified when the job that
    published the release ran in that repository.
    """

    text: str
    url: str | None
    is_verified: bool

    @classmethod
    def of(cls, release: Release) -> Self | None:
        """Return the source of a release, or None where its author says nothing."""
        text = release.source_repository
        if not text:
            return None
        claimed = _place(text)
        vouched = _repository(release.origin.provenance)
        url = f"https://{claimed}" if claimed else None
        return cls(text, url, claimed is not None and claimed.lower() == vouched)


def _place(address: str) -> str | None:
    """Return host and path of a plain web address, as repositories have them; None for others."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return None
    is_plain = parts.scheme in ("http", "https") and not parts.query and not parts.fragment
    if not is_plain or not _HOST.fullmatch(parts.netloc.lower()) or ".." in parts.path:
        return None
    if not _PATH.fullmatch(parts.path or "/"):
        return parts.netloc.lower() if parts.path in ("", "/") else None
    return parts.netloc.lower() + parts.path.rstrip("/").removesuffix(".git")


def _repository(provenance: Provenance | None) -> str | None:
    """Return host and path of the repository that the job ran in, without case."""
    if provenance is None or not provenance.repository:
        return None
    run = _place(provenance.run_url)
    if run is None:
        return None
    host = run.partition("/")[0]
    named = f"{host}/{provenance.repository}".lower()
    return named if f"{run.lower()}/".startswith(f"{named}/") else None
