"""Mirroring: who owns a name, what an upstream registry says, and what is remembered of it.

An *upstream* is another registry whose packages are served here, too. A *mirrored* release is one
that came from it. The *owner of a name* is this registry, or the upstream: never both.
"""

from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import ClassVar, Generic, TypeVar

from msgspec import Struct

from shared.domain.api_docs.item_summaries import (
    NO_API,
    ApiSummary,
    ConnectorSummary,
    TriggerSummary,
)
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate, Package, package_owner, release_place
from shared.domain.entities import Entity, Place
from shared.domain.listings import Listing
from shared.domain.mirror_rules import public_since
from shared.domain.names import OrgName, PackageName
from shared.domain.packages import Head, Release, ReleaseEntry, Texts
from shared.domain.records import Record
from shared.domain.times import StoredMs
from shared.domain.versions import Version

Summary = ConnectorSummary | TriggerSummary

INCIDENT = "incident"
REFUSED = "refused"

EntryT = TypeVar("EntryT")


class _OfPackage(Record):
    """A record of a package, by its name."""

    org: str
    name: str

    @property
    def package(self) -> Package:
        return Package(OrgName(self.org), PackageName(self.name))


class UpstreamRelease(_OfPackage, Entity):
    """A release of the upstream as it was first seen, and why it is refused, if it is.

    `digest` is pinned: an archive with another one is an incident, and is never served.
    """

    kind: ClassVar[str] = "upstream-release"

    version: str
    upstream: str
    digest: str
    first_seen_ms: StoredMs
    published_ms: StoredMs | None = None  # None or 0: the upstream has not said it yet.
    # When the last list of versions without this release was read; None if none was.
    looked_ms: StoredMs | None = None
    facts: ReleaseEntry | None = None  # For lists of versions; None until one was made.
    refused_because: str = ""
    refused_ms: StoredMs | None = None
    offered_digest: str = ""  # The digest that the upstream now offers, if it differs: an incident.
    admitted_because: str = ""  # Why an administrator serves it at any age.
    is_internal: bool = False  # Whether the upstream describes it only to requests with its token.

    @property
    def coordinate(self) -> Coordinate:
        return self.package.at(Version.parse(self.version))

    @property
    def has_age(self) -> bool:
        """Whether the minimum age can be decided: the time of publication is known, or the release
        was admitted at any age."""
        return bool(self.published_ms or self.admitted_because)

    @property
    def public_since_ms(self) -> int:
        """Since when it is public, as the minimum age counts; 0 if that is no matter."""
        if self.admitted_because:
            return 0
        return public_since(self.published_ms, self.first_seen_ms, self.looked_ms)

    @property
    def is_incident(self) -> bool:
        """Whether the upstream changed an archive after it was first seen."""
        return bool(self.offered_digest)

    @property
    def place(self) -> Place:
        return release_place(self.coordinate)

    @property
    def subject(self) -> str:
        """What lists of refused releases are read by; empty for one that is served."""
        if not self.refused_because:
            return ""
        return INCIDENT if self.is_incident else REFUSED


def stored_since(known: UpstreamRelease | None, created_ms: int) -> int:
    """Return since when a stored release is public: where nothing is known of its age, as after the
    import of a bundle, its own time counts."""
    return known.public_since_ms if known and known.has_age else created_ms


class UpstreamVersions(_OfPackage, Entity):
    """The versions of a package that the upstream listed last, all of which are described.

    It is written after the facts of each version, so it is never a part of a list.
    """

    kind: ClassVar[str] = "upstream-versions"

    upstream: str
    versions: tuple[str, ...]
    listed_ms: StoredMs  # When the upstream was asked.
    is_internal: bool = False  # Whether it was asked with its token.

    @property
    def place(self) -> Place:
        return upstream_versions_place(self.package, is_internal=self.is_internal)


def upstream_versions_place(package: Package, *, is_internal: bool) -> Place:
    return Place(package_owner(package), "internal-versions" if is_internal else "versions")


class FetchedArchive(Struct, frozen=True):
    """The bytes of an archive, which nobody has checked, their digest, and the announced one."""

    content: memoryview
    digest: Digest
    announced: Digest


class UpstreamResolution(Struct, frozen=True):
    """The release that the upstream chose for a request, with its dependency graph as JSON."""

    version: Version
    deprecation: str | None
    graph: bytes


class UpstreamModule(Struct, frozen=True):
    """The package and version that hold a module, as the upstream says."""

    package: PackageName
    version: Version


class CataloguedPackage(_OfPackage, Entity):
    """A package of the upstream's catalogue: its newest release as listed; nothing was fetched."""

    kind: ClassVar[str] = "catalogued-package"

    release: Release
    api: ApiSummary = NO_API

    @property
    def place(self) -> Place:
        return Place(self.org.lower(), self.name.lower())

    @property
    def upstream(self) -> str:
        """The name of the upstream that lists it."""
        return self.release.upstream.name if self.release.upstream else ""

    def says_the_same(self, other: "CataloguedPackage") -> bool:
        """Check whether both say the same of one upstream, whenever each was seen."""
        same = {"upstream": None}
        is_same = self.release.model_copy(update=same) == other.release.model_copy(update=same)
        return is_same and self.api == other.api and self.upstream == other.upstream

    def with_api_of(self, earlier: "CataloguedPackage | None") -> "CataloguedPackage":
        """Return it with the connectors and triggers that are known of the same release."""
        if earlier is None or earlier.release.version != self.release.version:
            return self
        return self.model_copy(update={"api": earlier.api})

    def listing(self, standard_names: Collection[str]) -> Listing:
        """Return the package of the upstream in the form in which search lists packages of ours."""
        created_ms = self.release.created_ms
        is_standard = self.org.lower() in standard_names
        head = Head(org=self.org, name=self.name, created_ms=created_ms, upstream=self.upstream)
        api = self.api if self.api != NO_API else None
        return Listing(head, self.release, Texts(), is_standard, api)


class CatalogueRound(Entity):
    """When the lists of an upstream were last read to their ends, and why that failed since."""

    kind: ClassVar[str] = "catalogue-round"

    upstream: str
    completed_ms: int | None = None
    failed_ms: int | None = None
    problem: str = ""  # Empty if the last round did not fail.
    # The key of the last package of which it was asked whether it was removed, if more are left.
    confirmed_key: str = ""

    @property
    def place(self) -> Place:
        return Place(f"catalogue-{sha256(self.upstream.encode()).hexdigest()[:32]}")


class UpstreamPage(Struct, Generic[EntryT], frozen=True):
    """A page of a list: its usable entries by their keys, and how many it and the list have."""

    entries: Mapping[str, EntryT]
    listed: int
    total: int


class UpstreamItem(Struct, frozen=True):
    """A connector or trigger as the upstream lists it."""

    release: Coordinate
    summary: Summary
