"""Packages and releases: immutable records, as they are stored."""

import hashlib
from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.digests import Digest
from shared.domain.archives.names import ArchiveName
from shared.domain.coordinates import Coordinate, Package
from shared.domain.events import Event
from shared.domain.names import OrgName, PackageName
from shared.domain.records import Record, stored_as
from shared.domain.release_states import WITHDRAWN, Holder, PackageHold, State
from shared.domain.signatures import Signature
from shared.domain.times import StoredMs, utc_text
from shared.domain.versions import Version
from shared.domain.visibility import EVERYBODY, STAFF, Readers, Visibility
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason


class ErasedArchive(Record):
    """When the archive of a removed release was deleted with all that was made of it.

    A store that keeps copies of what was deleted has the last one until `copies_until_ms`.
    """

    at_ms: StoredMs
    copies_until_ms: StoredMs | None = None

    def __str__(self) -> str:
        return utc_text(self.at_ms)


class Pushers(Enum):
    """Who may push to a package, besides having the right to."""

    MEMBERS = "members"
    PUBLISHERS = "publishers"  # Trusted publishers only; no stored token.


class RequiredProvenance(StrEnum):
    """What an organization requires of its new releases."""

    NOTHING = "none"
    CI = "ci"  # A job of a trusted publisher publishes it.
    SIGSTORE = "sigstore"  # Such a job sends a Sigstore bundle as well, which verifies.


class Graalvm(Enum):
    """Whether the author says that the package compiles to a native image."""

    YES = "Yes"
    NO = "No"
    UNKNOWN = "Unknown"


class Dependency(Record):
    """A package and the version that was built against."""

    org: str
    name: str
    version: str


class ModuleText(Record):
    name: str
    summary: str = ""
    readme: str = ""


class Texts(Record):
    """The documentation in an archive, as Markdown."""

    readme: str = ""
    modules: tuple[ModuleText, ...] = ()


class Provenance(Record):
    """The CI job that published a release, as its provider signed it.

    `publishers` are the ids of the trusted publishers that matched.
    """

    provider: str
    publishers: tuple[str, ...] = ()
    repository: str = ""
    workflow: str = ""
    ref: str = ""
    commit: str = ""
    run_url: str = ""
    defined_elsewhere: str = ""  # The workflow, if it is not in the repository.
    # For issuers of OpenID Connect: the address of the issuer, and the subject of the token.
    issuer: str = ""
    subject: str = ""
    token_issuer: str = ""  # Who signed the id token; empty for releases of earlier versions.
    # For the other providers: the ids of the job, and other claims about the run.
    claims: Mapping[str, str] = {}

    @property
    def source(self) -> str:
        """The repository, or whom the issuer means where it names none."""
        return self.repository or self.subject

    @property
    def link(self) -> str:
        """The URL of the run, if pages may link to it; otherwise empty."""
        return self.run_url if self.run_url.startswith("https://") else ""

    @property
    def event_details(self) -> dict[str, str]:
        """The facts about the job for the details of an event."""
        details = self.model_dump(include={"provider", "repository", "workflow", "ref"})
        details |= {"commit": self.commit, "run": self.run_url}
        details |= {"reusable_workflow": self.defined_elsewhere}
        details |= {"issuer": self.issuer, "subject": self.subject}
        return {name: value for name, value in details.items() if value}


class Origin(Record):
    """Who published a release, with which credential, and from which CI job, if any."""

    principal: str
    credential: str = ""
    provenance: Provenance | None = None


class UpstreamOrigin(Record):
    """Where a mirrored release came from.

    `created_ms` of the release is when the upstream published it.
    """

    name: str
    first_seen_ms: StoredMs
    without_tools: tuple[str, ...] = ()  # Ids of its tools that belong to other packages here.
    removed_ms: StoredMs | None = None  # When its upstream was found to no longer have it.
    removed_because: WithdrawalReason | None = None  # None: it says no reason.
    removed_for_good: bool = False


class Head(Record):
    """A package's small mutable record: claims the name, and holds what applies to all versions."""

    org: str
    name: str
    visibility: Visibility = Visibility.PUBLIC
    created_ms: StoredMs
    changed_ms: StoredMs | None = None  # None: nothing but `pulls` has changed since then.
    deprecation: str | None = None
    successor: str = ""  # Org/name of the package that replaces it; `Successors` names it.
    pushers: Pushers = Pushers.MEMBERS
    hold: PackageHold | None = None
    made_by: tuple[str, ...] = ()  # The trusted publishers of its first push.
    pulls: int = 0
    upstream: str = ""  # The registry that its releases are mirrored from; empty for ours.
    # Whom the registry let read when the archives got their containers (`PlaceArchives`).
    placed_for: Readers = Readers.EVERYBODY
    revision: int = 1
    outbox: tuple[Event, ...] = ()

    @classmethod
    def stand_in(cls) -> Self:
        """Return what stores decode in place of a head that does not exist, so that a missing
        package takes as long as one that is hidden from the caller."""
        return cls(org="organization", name="package", visibility=Visibility.PRIVATE, created_ms=0)

    @property
    def package(self) -> Package:
        """The package, in the spelling of its first push."""
        return Package(OrgName(self.org), PackageName(self.name))

    @property
    def key(self) -> str:
        """The key of the package."""
        return f"{self.org}/{self.name}".lower()

    @property
    def replaced_by(self) -> Package | None:
        """The package that replaces it; only those who may see that are told."""
        org, _, name = self.successor.partition("/")
        return Package(OrgName(org), PackageName(name)) if name else None

    @property
    def readers(self) -> str:
        """Who may see the package: `EVERYBODY`, `STAFF`, or the key of its organization, for its
        members."""
        if self.visibility is Visibility.PUBLIC:
            return EVERYBODY
        return STAFF if self.visibility is Visibility.INTERNAL else self.org.lower()


class GivenApproval(Record):
    """Somebody who signed in recently approved a release that waits for that."""

    by: str
    at_ms: StoredMs


class RequiredApproval(Record):
    """So many people have to approve a release before it is published, for a reason that completes
    "it is held: "."""

    needed: int
    reason: str
    given: tuple[GivenApproval, ...] = ()

    @property
    def is_met(self) -> bool:
        return len({each.by for each in self.given}) >= self.needed


class ReleaseWarning(Record):
    """What a rule said of a release that was accepted all the same, for its owners."""

    rule: str
    whose: str  # "the registry", or the name of the organization.
    message: str


class ArchiveFacts(Record):
    """What an archive says of its release."""

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
    modules: tuple[str, ...] = ()  # The exported ones.
    # None for records of version 0.1, which 0.2 and 0.3 updated by the archive.
    internal_modules: tuple[str, ...] | None = None
    dependencies: tuple[Dependency, ...] = ()
    tools: tuple[str, ...] = ()
    compiler_plugin: bool = False  # Or other code that runs in the builds of users.
    sbom: bool = False
    # The hash of the names and contents of its files. None for records of earlier versions, until
    # somebody pushes the version again (`PublishedContents`).
    entries_hash: str | None = None

    @property
    def coordinate(self) -> Coordinate:
        package = Package(OrgName(self.org), PackageName(self.name))
        return Coordinate(package, Version.parse(self.version))

    @property
    def archive_digest(self) -> Digest:
        return Digest(self.digest)

    @property
    def archive(self) -> ArchiveName:
        return ArchiveName(self.archive_digest, self.coordinate, self.platform)


class Release(ArchiveFacts):
    """One version of a package: facts from its archive, and its state.

    Creating this record commits a push. At most 16 KB as JSON.
    """

    created_ms: StoredMs
    changed_ms: StoredMs | None = None  # None: unchanged since publication.
    origin: Origin
    state: State = State.LIVE
    state_reason: str = ""
    public_reason: PublicReason | None = None
    # Held since publication, until an owner decides on it.
    is_held_for_owner: bool = stored_as("awaits_owner", False)
    # Who holds the release, if it is held, and not for an owner.
    holder: Holder = Holder.ADMINISTRATOR
    refused: bool = False  # An owner refused it while it was held, so it was never published.
    # A decision withheld it while it waited since its push, so outsiders know nothing of it.
    was_never_served: bool = False
    # It was served while its package was public, so the public log may name it.
    is_disclosed: bool = stored_as("is_told", False)
    # The erased archive of a removed release, once it is deleted.
    erased: ErasedArchive | None = None
    deprecation: str | None = None
    upstream: UpstreamOrigin | None = None  # None for releases that were published here.
    # Empty if `sign-releases` still has to sign the release.
    signatures: tuple[Signature, ...] = ()
    # Names the statements of the registry among its attestations; empty while it has none.
    statements: str = ""
    sigstore: str = ""  # Which Sigstore instance its bundle was verified with; empty without one.
    # It is not published before its Sigstore bundle comes.
    needs_sigstore: bool = stored_as("awaits_sigstore", False)
    approval: RequiredApproval | None = None  # It is not published before people approve it.
    warnings: tuple[ReleaseWarning, ...] = ()
    revision: int = 1
    outbox: tuple[Event, ...] = ()

    @property
    def has_statements(self) -> bool:
        return bool(self.statements)

    @property
    def by_ci(self) -> bool:
        """Whether a job of a trusted publisher published it here."""
        return self.origin.provenance is not None

    @property
    def is_withdrawn(self) -> bool:
        """Whether it was published, and is quarantined or removed now. A hold by its owner is no
        withdrawal; `ReleaseEntry.is_publicly_withheld` includes it."""
        return self.state in WITHDRAWN and not (self.refused or self.was_never_served)

    @property
    def is_known(self) -> bool:
        """Whether all who may read its package know it, since it is or was served."""
        is_served = self.state is State.LIVE
        return is_served or self.is_disclosed or self.is_withdrawn or self.is_held_by_owner

    def tool_named(self, text: str) -> str:
        """Return the tool with this id, else the first one whose id contains the text, else the
        first one; empty where there are none."""
        wanted = text.strip().lower()
        by_id = {tool.lower(): tool for tool in self.tools}
        similar = (tool for key, tool in by_id.items() if wanted in key)
        return by_id.get(wanted) or next(similar, self.tools[0] if self.tools else "")

    @property
    def is_from_go(self) -> bool:
        """Whether the Go toolchain packed the archive, in layout 4."""
        return self.bala_version.partition(".")[0] == "4"

    @property
    def is_held_by_owner(self) -> bool:
        return self.state is State.HELD and self.holder is Holder.OWNER

    @property
    def is_held_for_package(self) -> bool:
        """Whether it is published when its package is no longer held as a whole."""
        return self.state is State.HELD and self.holder is Holder.PACKAGE

    @property
    def is_held_for_sigstore(self) -> bool:
        """Whether it is published when its Sigstore bundle comes."""
        return self.state is State.HELD and self.holder is Holder.SIGSTORE

    @property
    def needs_approval(self) -> bool:
        """Whether people have to approve it before it is published, whatever else it waits for."""
        return self.approval is not None and not self.approval.is_met

    @property
    def is_held_for_review(self) -> bool:
        """Whether it is held until people approve it, and for nothing else."""
        return self.state is State.HELD and self.holder is Holder.REVIEW

    @property
    def is_waiting(self) -> bool:
        """Whether it is published once something happens that it has waited for since its push."""
        waits_for_people = self.is_held_for_owner or self.is_held_for_review
        return waits_for_people or self.is_held_for_package or self.is_held_for_sigstore

    @property
    def is_stored(self) -> bool:
        """Whether the archive was ever stored here; False for what is only known of an upstream,
        whose descriptions have no size."""
        return self.upstream is None or self.size_bytes > 0


class ReleaseEntry(Record):
    """The facts of a release for lists and resolution, derived from the release."""

    version: str
    platform: str
    ballerina_version: str = ""
    state: State = State.LIVE
    public_reason: PublicReason | None = None
    refused: bool = False
    was_never_served: bool = False
    holder: Holder = Holder.ADMINISTRATOR
    erased: ErasedArchive | None = None
    deprecation: str | None = None
    modules: tuple[str, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    tools: tuple[str, ...] = ()
    digest: str
    size_bytes: int
    signatures: tuple[Signature, ...] = ()
    has_statements: bool = False
    by_ci: bool = False
    sigstore: str = ""
    created_ms: StoredMs
    changed_ms: StoredMs | None = None
    revision: int = 1

    @classmethod
    def of(cls, release: Release) -> Self:
        return cls.model_validate(release, from_attributes=True)

    @property
    def is_publicly_withheld(self) -> bool:
        """Whether it was published, and everybody may know that it is withheld now: withdrawn, as
        `Release.is_withdrawn` says, or held by its owner."""
        was_published = not (self.refused or self.was_never_served)
        return was_published and (self.state in WITHDRAWN or self.is_held_by_owner)

    @property
    def is_known(self) -> bool:
        """Whether all who may read its package may know it: it is live, or publicly withheld."""
        return self.state is State.LIVE or self.is_publicly_withheld

    @property
    def is_held_by_owner(self) -> bool:
        return self.state is State.HELD and self.holder is Holder.OWNER

    @property
    def parsed(self) -> Version:
        return Version.parse(self.version)


class AvailableRelease(Struct, frozen=True):
    """A live release that the caller may see, with its package."""

    head: Head
    release: Release

    @property
    def deprecation(self) -> str | None:
        return effective_deprecation(self.head, self.release.deprecation)


class FoundRelease(Struct, frozen=True):
    """A release in any state, as it is stored, with its package."""

    head: Head | None
    release: Release | None

    @property
    def available(self) -> AvailableRelease | None:
        """The release if it is live; None for one that is missing or withheld."""
        if self.head is None or self.release is None or self.release.state is not State.LIVE:
            return None
        return AvailableRelease(self.head, self.release)


class Survey(Struct, frozen=True):
    """A package with all its entries, latest version first, in any state."""

    head: Head
    entries: tuple[ReleaseEntry, ...]

    @property
    def revision(self) -> int:
        """A number that grows with every change of the package except its pulls."""
        return self.head.revision + sum(entry.revision for entry in self.entries)

    def has(self, version: Version) -> bool:
        """Check whether the version was published, whatever became of it."""
        return any(entry.version == version.text for entry in self.entries)

    @property
    def changed_ms(self) -> int:
        """When the package last changed, including withheld releases."""
        records = (self.head, *self.entries)
        return max(max(each.created_ms, each.changed_ms or 0) for each in records)

    @property
    def live(self) -> tuple[ReleaseEntry, ...]:
        return tuple(each for each in self.entries if each.state is State.LIVE)

    @property
    def publicly_withheld(self) -> tuple[ReleaseEntry, ...]:
        """The entries that were withdrawn or that an owner held."""
        return tuple(each for each in self.entries if each.is_publicly_withheld)

    @property
    def is_known(self) -> bool:
        """Whether all who may read the package may know it. Only its members may know a package
        whose releases all wait."""
        return any(each.is_known for each in self.entries)

    def with_tool(self, tool: str) -> Self:
        return replace(self, entries=tuple(e for e in self.entries if tool in e.tools))


def effective_deprecation(head: Head, own: str | None) -> str | None:
    """Return the message of the release, else of its package; None when not deprecated."""
    return own if own is not None else head.deprecation


def is_for_everybody(head: Head, readers: Readers) -> bool:
    """Check whether links, caches and copies of the package may be for everybody."""
    return head.visibility is Visibility.PUBLIC and readers is Readers.EVERYBODY


def archive_container(head: Head, release: Release, readers: Readers) -> ArchiveContainer:
    """Return the container for a release: private for withheld releases, and where not everybody
    may read the package."""
    is_public = is_for_everybody(head, readers) and release.state is State.LIVE
    return ArchiveContainer.PUBLIC if is_public else ArchiveContainer.PRIVATE


def numeric_id(coordinate: Coordinate) -> int:
    """Return the stable number below 2^31 by which clients know a release."""
    return stable_number(coordinate.key)


def stable_number(key: str) -> int:
    """Return a number below 2^31, since clients parse a Java int."""
    digest = hashlib.sha256(key.encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFF_FFFF
