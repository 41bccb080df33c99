"""Interfaces of stores and other systems that services use, and what every adapter promises.

The suite of each port in `tests/contract` tests these promises, and every adapter runs it. All
ports promise:

- A method makes one round trip to its store; reads of one method may run in parallel.
- Writes are durable when the method returns. A failed call may be repeated: it never stores
  anything twice or in part.
- Adapters raise `Busy` when a store is overloaded or unreachable and `StorageFull` when it is full
  (`shared.domain.errors.requests`), and no exception of their libraries.
- Packages and organizations are compared without case, and versions with it.
"""

import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar, cast

from msgspec import Struct

from shared.confined.budget import Json, PartResult
from shared.domain.access import AccessContext
from shared.domain.api_docs.records import ApiDocsRecord
from shared.domain.archives.delivery import StoreLink
from shared.domain.archives.names import ArchiveName, Digest
from shared.domain.build_resolution import ModuleRequest, PackageRequest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ClientProfile
from shared.domain.listings import Facet, FacetCount, Listing
from shared.domain.mail import Mail
from shared.domain.mirroring import (
    CataloguedPackage,
    FetchedArchive,
    UpstreamItem,
    UpstreamModule,
    UpstreamPage,
    UpstreamResolution,
)
from shared.domain.names import OrgName
from shared.domain.packages import (
    FoundRelease,
    Graph,
    Head,
    Release,
    ReleaseEntry,
    Survey,
    Texts,
    Visibility,
)
from shared.domain.pull_records import FoundPulls, PullQuery, PullRecordBatch, RecordedPull
from shared.domain.records import Entity, Event, PendingEvents, Place
from shared.domain.revocations import Revocation
from shared.domain.search import (
    FacetedResults,
    IndexTotals,
    Query,
    ResultPage,
    Results,
    SearchKind,
    Suggestion,
    SymbolQuery,
    SymbolResults,
    Viewer,
)
from shared.domain.upstream_withdrawals import UpstreamChanges, UpstreamWithdrawal
from shared.domain.versions import Range, Version

E = TypeVar("E", bound=Entity)

_OK = 200


class Stale(Exception):
    """The record changed after it was read: read it again, and decide again."""


class AlreadyThere(Exception):
    """A record with this key exists; nothing was written."""


class VersionDiffersInCase(AlreadyThere):
    """A release exists whose version differs in upper and lower case alone; nothing was written."""

    def __init__(self, existing: str) -> None:
        super().__init__(existing)
        self.existing = existing


class Undelivered(Exception):
    """The mail server refused a mail. The text is the kind of error, without address or content;
    `way_out` is a sentence for the operator, if there is one of this kind."""

    def __init__(self, reason: str, way_out: str = "") -> None:
        super().__init__(reason)
        self.way_out = way_out


class Clock(Protocol):
    """The only source of time."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970, UTC. The clock may be set back."""
        ...

    def monotonic_ms(self) -> int:
        """Return milliseconds since an arbitrary time. They never decrease: use them for ages."""
        ...


class Randomness(Protocol):
    """The only source of secrets and of ids."""

    def token_bytes(self, count: int) -> bytes:
        """Return `count` unpredictable bytes."""
        ...


class ReadCheck(Protocol):
    """Decides which packages a caller may read; `Authorization.read_check` returns one."""

    async def __call__(
        self, requested: Sequence[tuple[Package, Head | None]], /
    ) -> Collection[str]:
        """Return the keys of the packages that the caller may read; the head of one that does not
        exist is None."""
        ...


class PackageReader(Protocol):
    """Reads packages, releases and their entries.

    With a `check`, a package that the caller may not read does not exist. It is asked once the
    heads are known, and before anything else is decoded, so that the time of an answer does not
    tell a hidden package from a missing one.
    """

    async def find(
        self, coordinate: Coordinate, /, *, check: ReadCheck | None = None
    ) -> FoundRelease:
        """Return the package and the release, each None if it does not exist."""
        ...

    async def by_digest(self, digest: Digest, /, *, check: ReadCheck | None = None) -> FoundRelease:
        """Return the release whose archive has this digest, and its package, each None if it does
        not exist. An archive contains its coordinate, so no two releases share a digest.

        For a digest without a release, `check` is asked about `NO_PACKAGE`.
        """
        ...

    async def survey(
        self,
        packages: Sequence[Package],
        versions: Collection[Coordinate] = (),
        /,
        *,
        check: ReadCheck | None = None,
    ) -> list[Survey | None]:
        """Return each package with all its entries, newest first, in the order of `packages`; None
        for a package that does not exist. Of `versions` are among the entries all that were
        published before the call. The cost grows with the changes since the last call, not with the
        number of releases."""
        ...

    async def tool_owners(self, tools: Sequence[str]) -> list[Package | None]:
        """Return the package that owns each tool id, in the order of `tools`; None if it is
        free."""
        ...


class MetadataStore(PackageReader, Protocol):
    """Packages, releases and their entries.

    `add_release` commits a push. Entries are derived from releases: of two writes of one version
    the higher `revision` stays, in whichever order they arrive.
    """

    async def head(self, package: Package) -> Head | None:
        """Return the head of the package, or None."""
        ...

    async def claim(self, head: Head) -> Head:
        """Create the head if no package has its name. Return the stored head: this one, or the
        existing one, which the call leaves unchanged."""
        ...

    async def add_release(self, release: Release) -> None:
        """Create the release of a package whose head exists. Of concurrent calls with one
        coordinate exactly one succeeds; the others raise `AlreadyThere`. So do those with versions
        that differ in case alone, which raise `VersionDiffersInCase`. The release has the spelling
        of the head."""
        ...

    async def restore_release(self, release: Release) -> None:
        """Create a release of a snapshot as `add_release` does, but also beside one whose version
        differs in case alone: earlier versions of the registry published both."""
        ...

    async def replace_release(self, release: Release) -> Release:
        """Store a changed release and return it with the next revision; raise `Stale` if its
        `revision` is not the stored one."""
        ...

    async def replace_head(self, head: Head) -> Head:
        """Store a changed head and return it with the next revision; raise `Stale` if its
        `revision` is not the stored one. Keeps the stored `pulls`, which only the ledger writes."""
        ...

    async def put_entries(self, package: Package, entries: Sequence[ReleaseEntry]) -> None:
        """Add or replace entries of the package; ignore those with a lower revision than stored."""
        ...

    async def releases(self, package: Package) -> list[Release]:
        """Return every release of the package. For maintenance tasks: the cost grows with their
        number."""
        ...

    async def packages(self, after: str, count: int) -> list[Head]:
        """Return up to `count` heads with keys above `after`, ordered by key."""
        ...

    async def unpublished_events(self, count: int) -> list[Head | Release]:
        """Return up to `count` records whose outbox is not empty, oldest first."""
        ...

    async def claim_tool(self, tool: str, package: Package) -> Package:
        """Assign the tool id to the package if it is free; return the package that owns it."""
        ...


class DocumentStore(Protocol):
    """Documents derived from an archive, by its digest.

    They are immutable, except for those that a newer version of the registry makes better.
    """

    async def put(self, digest: Digest, texts: Texts, graph: Graph) -> None:
        """Store both documents of the archive; a repeat changes nothing."""
        ...

    async def texts(self, digest: Digest) -> Texts:
        """Return the documentation; empty if none is stored."""
        ...

    async def graphs(self, digests: Sequence[Digest]) -> list[bytes]:
        """Return each dependency graph, in the order of `digests`, as the JSON list of nodes of a
        resolution, `[{"org","name","version","dependencies":[…]}]`; `[]` if none is stored."""
        ...

    async def put_sbom(self, digest: Digest, content: bytes) -> bytes:
        """Store the bill of materials of the archive if it has none. Return the stored one: this
        one, or the existing one, which the call leaves unchanged."""
        ...

    async def sbom(self, digest: Digest) -> bytes | None:
        """Return the bill of materials, or None."""
        ...

    async def rendering(self, digest: Digest, name: str) -> bytes | None:
        """Return the stored HTML of a text of the archive by its name, or None."""
        ...

    async def put_rendering(self, digest: Digest, name: str, content: bytes) -> None:
        """Store the HTML of a text of the archive by its name, replacing an earlier one."""
        ...

    async def delete_renderings(self, digest: Digest, names: Sequence[str]) -> None:
        """Delete the HTML of texts of the archive with these names, if there is any."""
        ...

    async def put_api_docs(
        self, digest: Digest, record: ApiDocsRecord, pieces: Path | None = None
    ) -> None:
        """Store the file of pieces that the record points to, and then the record of the archive's
        API documentation. Replaces documentation by the same or an older generator, whose pieces
        are deleted; that of a newer one stays. The file may be moved from where it is."""
        ...

    async def api_docs_record(self, digest: Digest) -> ApiDocsRecord | None:
        """Return the state of the archive's API documentation; None if none was made yet."""
        ...

    async def read_pieces(self, digest: Digest, name: str, start: int, count: int) -> bytes | None:
        """Return `count` bytes of a file of pieces from `start`; None if the file was deleted."""
        ...

    async def delete(self, digest: Digest) -> None:
        """Delete every document of the archive, if there are any."""
        ...


class ConfinedTasks(Protocol):
    """Runs what reads a stranger's text, in a process with limits."""

    async def run(self, task: str, folder: Path, request: Json) -> list[PartResult]:
        """Run a task over a folder, which has what it reads and gets what it writes; return its
        parts in the order in which they ended.

        Raises `ConfinedUnavailable` if nothing is known about the input: repeat it later.
        """
        ...

    async def close(self) -> None: ...


class StoredArchive(Struct, frozen=True):
    """A stored archive, and its container; None if there is one container for all."""

    digest: Digest
    size_bytes: int
    stored_ms: int
    container: Visibility | None = None


class ArchiveStore(Protocol):
    """Archives, byte for byte, by name; no two have the same digest.

    Where links lead past the registry, public and private archives are in two containers. A reader
    needs to know neither the container of an archive nor that the archive is being moved.
    """

    async def put(
        self, name: ArchiveName, content: bytes | memoryview, container: Visibility
    ) -> None:
        """Store the archive. A repeat renews `stored_ms`, so that a concurrent sweep keeps the
        archive, and changes nothing else. Leaves nothing behind when it raises `StorageFull`."""
        ...

    async def stat(self, name: ArchiveName) -> StoredArchive | None:
        """Return size and time of the archive with the name, or None."""
        ...

    async def read(
        self,
        name: ArchiveName,
        start: int = 0,
        count: int | None = None,
        *,
        first: Visibility = Visibility.PUBLIC,
    ) -> bytes:
        """Return `count` bytes from `start`, by default all; log the loss and raise `ArchiveLost`
        if there is no archive. Reading costs least if it is in the container `first`."""
        ...

    async def move(self, name: ArchiveName, to: Visibility) -> None:
        """Move the archive to the container, if it exists; a repeat finishes an interrupted move.
        The archive can be read at any time, also during concurrent moves. An archive that becomes
        public also stays in the private container until the last link to it has expired; a later
        repeat deletes it there."""
        ...

    def list(self, stored_before_ms: int) -> AsyncIterator[StoredArchive]:
        """Yield the archives last stored before that time; one in both containers comes twice."""
        ...

    async def delete(self, digest: Digest, stored_before_ms: int) -> bool:
        """Delete the archive from every container unless it was stored since; return whether it is
        gone."""
        ...


class CopyLeft(Struct, frozen=True):
    """A copy of deleted bytes that a store still has, and when it goes by itself."""

    name: str
    until_ms: int


class DeletedCopies(Protocol):
    """The copies that a store keeps of blobs that were deleted or overwritten."""

    @property
    def kept_for(self) -> timedelta:
        """How long the last copy of a deleted blob is kept."""
        ...

    async def erase(self, digest: Digest, compared: Sequence[Digest]) -> list[CopyLeft]:
        """Delete the copies of an archive and of its documents, of search indexes that were
        replaced, and of what compares other archives with it; a blob that is in use stays.

        Returns the copies that are left, as those that the caller has no right to delete. May be
        repeated.
        """
        ...


class ArchiveLinks(Protocol):
    """Links to archives past the registry, valid for anyone who has them until they expire."""

    async def link(self, name: ArchiveName, container: Visibility, file: str) -> StoreLink:
        """Return a link to the archive in the container, without checking that it exists.

        Clients save it by the name `file`. The link works for requests without `Authorization`
        only, has the lifetime of its container, and no `/` in its query. Raises `Busy`.
        """
        ...


class EdgeCache(Protocol):
    """Caches of public answers between the registry and its clients."""

    async def forget(self, paths: Sequence[str]) -> None:
        """Start to remove all copies of the answers of these paths, which takes minutes. May be
        repeated. Raises `Busy` if the request is not accepted."""
        ...


class DirectoryStore(Protocol):
    """Accounts, organizations and what belongs to them: entities, by kind, owner and key.

    A write stores the events of the change in the outbox of the entity.
    """

    async def access_context(self, account_id: str, org: OrgName, now_ms: int) -> AccessContext:
        """Return the account, the organization, and the role of the account in it at that time,
        each None if there is none."""
        ...

    async def get(self, kind: type[E], place: Place) -> E | None:
        """Return the entity at the place, or None."""
        ...

    async def list_by_owner(self, kind: type[E], owner: str) -> list[E]:
        """Return the entities of a kind and owner, ordered by key."""
        ...

    async def list_by_subject(self, kind: type[E], subject: str) -> list[E]:
        """Return the entities of a kind with this subject and any owner, ordered by place. The
        result may be out of date: use it for lists, never for rights."""
        ...

    async def list_all(self, kind: type[E], after: Place, count: int) -> list[E]:
        """Return up to `count` entities of a kind above a place, ordered by place. For operators
        and maintenance tasks."""
        ...

    async def add(self, entity: E, *others: Entity, replacing: Entity | None = None) -> E:
        """Create all entities, which have one owner, or none; return the first as stored. Raise
        `AlreadyThere` if a place is taken. The new entity takes over unpublished events of an
        entity that was removed from its place.

        In the same write `replacing`, a changed entity of that owner without events, is stored with
        the next revision; raise `Stale` if its `revision` is not the stored one. Of concurrent
        calls that replace the same revision one succeeds."""
        ...

    async def replace(self, entity: E) -> E:
        """Store a changed entity and return it with the next revision; raise `Stale` if its
        `revision` is not the stored one."""
        ...

    async def remove(self, entity: E) -> E:
        """Delete the entity; raise `Stale` if its `revision` is not the stored one. Return it with
        the next revision, which publishing its outbox needs; the outbox is kept until then."""
        ...

    async def put(self, entity: Entity) -> None:
        """Store an entity without events, replacing an earlier one."""
        ...

    async def unpublished(self, count: int) -> list[PendingEvents]:
        """Return up to `count` outboxes that are not empty, oldest first."""
        ...

    async def list_expiring(
        self, kind: type[E], after_ms: int, before_ms: int, count: int
    ) -> list[E]:
        """Return up to `count` entities that expire between two times, the first to expire
        first."""
        ...

    async def remove_expired(self, before_ms: int) -> int:
        """Delete entities that expired before that time and have no unpublished events; return how
        many."""
        ...


class EventStore(Protocol):
    """The event feed: append only, numbered without gaps."""

    async def publish(self, source: Head | Release | PendingEvents) -> None:
        """Append the events of the record's outbox that are not in the feed yet, in order; then
        clear the outbox if the record still has this revision, which it keeps. Deletes the outbox
        of a removed entity. A repeat adds nothing."""
        ...

    async def append(self, events: Sequence[Event]) -> None:
        """Append events that belong to no record, unless they are in the feed already."""
        ...

    async def since(self, number: int, count: int) -> list[tuple[int, Event]]:
        """Return up to `count` events after `number`, with their numbers."""
        ...

    async def forget_origins(self, before_ms: int, count: int) -> int:
        """Anonymize up to `count` events before that time, as `anonymized` does; return how many
        were looked at that were not anonymized before. The rest of the event stays."""
        ...

    async def forget_account(self, account_id: str) -> int:
        """Remove what events say of an account, as `without_account` does; return how many said
        something. A repeat changes nothing."""
        ...

    async def overwrite_forgotten(self) -> None:
        """Overwrite what the files of this store still have of deleted records and of forgotten
        events, after the calls above and after those of an earlier process that failed; nothing is
        left in any page or log. Writes wait meanwhile. Raises `Unavailable`; a repeat continues.

        A service in the cloud does that by itself."""
        ...

    async def newest(self, before: int | None, count: int) -> list[tuple[int, Event]]:
        """Return up to `count` events of the feed with numbers below `before`, by default from the
        newest on, newest first."""
        ...

    async def stream(self, name: str, before: int | None, count: int) -> list[tuple[int, Event]]:
        """Return up to `count` events of one log (`Event.streams`) with numbers below `before`, by
        default from the newest on, newest first."""
        ...

    async def complete_logs(self, after: int, count: int) -> int:
        """Add up to `count` events with numbers above `after` to those of their logs that lack
        them, as logs do that an earlier version did not have. Return the number of the last one, or
        `after` if there is none. A repeat changes nothing."""
        ...


class Counter(Struct, frozen=True):
    """An amount to add to a count, and when a new count expires."""

    kind: str
    key: str
    expires_ms: int
    amount: int = 1


class WorkStore(Protocol):
    """Short-lived state: one-time codes, sign-in attempts, counts and leases."""

    async def put(self, kind: str, key: str, value: str, expires_ms: int) -> None:
        """Store a value until that time, replacing an earlier one."""
        ...

    async def take(self, kind: str, key: str, now_ms: int) -> str | None:
        """Delete the value and return it; None if it is absent or expired. Of concurrent calls
        exactly one gets the value."""
        ...

    async def peek(self, kind: str, key: str, now_ms: int) -> str | None:
        """Return the value; None if it is absent or expired."""
        ...

    async def claim(self, kind: str, key: str, value: str, *, expires_ms: int, now_ms: int) -> bool:
        """Store a value if there is none or an expired one; return whether it was stored. Of
        concurrent calls exactly one succeeds."""
        ...

    async def count(self, counters: Sequence[Counter], now_ms: int) -> list[int]:
        """Add to each count, starting at 0 if it is absent or expired; return the totals in the
        order of `counters`. No addition is lost; a failed call may have counted."""
        ...

    async def lease(self, name: str, owner: str, now_ms: int, until_ms: int) -> bool:
        """Take or renew the lease; return False while another owner has it."""
        ...

    async def remove_expired(self, before_ms: int) -> int:
        """Delete values that expired before that time; return how many."""
        ...


class Pull(Struct, frozen=True):
    """A pull of a release, by one caller or, without one, by any."""

    coordinate: Coordinate
    day: str  # 2026-11-20, UTC.
    caller: str = ""  # A keyed hash.
    window: int = 0  # Ten-minute windows since 1970: clients repeat a pull for each platform.


class CallerScope(Enum):
    """Where a caller is recognized who pulls a release again in the same window."""

    REGISTRY = "registry"  # In all processes: the ledger knows callers.
    PROCESS = "process"  # The ledger knows none, so a process leaves repeated pulls out itself.


class PullBatch(Struct, frozen=True):
    """The pulls that a process counted since its last batch."""

    process: str  # Random.
    number: int  # Higher than that of the last batch of the process.
    counts: Mapping[Pull, int]


class PullHistory(Struct, frozen=True):
    """The pulls of a package, without versions and days that have none."""

    versions: Mapping[str, int]  # Of all time, by version.
    months: Mapping[str, int]  # Of all time, by month: 2026-11.
    days: Mapping[str, Mapping[str, int]]  # From the day that was asked for on: by day and version.


class RollUp(NamedTuple):
    """The result of a roll-up."""

    changed: list[Package]  # Their place in the search may be another now.
    is_behind: bool  # So many pulls waited that the next one should not wait for its time.


class PullLedger(Protocol):
    """Pull counts by release and day."""

    async def record(self, batch: PullBatch) -> None:
        """Count the pulls of a batch. The call may be repeated until it returns, and before it does
        the next batch of the process must not be recorded.

        A pull with a caller counts once for each release, caller and window, and `pulls` of the
        head and the history have it at once; a ledger with `CallerScope.PROCESS` takes no callers,
        and they have it after a roll-up."""
        ...

    async def roll_up(self, before_window: int, today: str) -> RollUp:
        """Add counted pulls that are in no head yet to `pulls` of the heads, which keep their
        revisions, each pull once, and delete the callers of windows before that one. Return the
        packages whose pulls changed since the last call.

        All pulls of the days before today are added, if one call is enough for all packages that
        have some. Of today some may wait: at most a tenth of the pulls of a package."""
        ...

    async def restore(self, package: Package, daily: Mapping[str, Mapping[str, int]]) -> None:
        """Replace all rolled-up pulls of a package by these, by version and day; for restoring a
        registry."""
        ...

    async def daily(self, package: Package) -> Mapping[str, Mapping[str, int]]:
        """Return at least the rolled-up pulls by version, then by day."""
        ...

    async def history(self, package: Package, since: str) -> PullHistory:
        """Return the pulls of all time that the head has, and those of each day from `since` on.
        The cost does not grow with earlier days."""
        ...


class PullRecordStore(Protocol):
    """The record of pulls: who pulled which release, from where and when.

    A pull is recorded once for each caller, release and window of ten minutes, in whichever batch
    it comes; a store with `CallerScope.PROCESS` does so for the batches of one process.
    """

    async def record(self, batch: PullRecordBatch) -> None:
        """Add the pulls of a batch. The call may be repeated until it returns."""
        ...

    async def find(self, query: PullQuery) -> FoundPulls:
        """Return up to `query.count` pulls that match, newest first; fewer, and where to go on, if
        the store read as much as it reads for one call. Pulls of several processes may be in
        another order within the seconds between two batches.

        Raises `InvalidRequest` for a cursor of another store."""
        ...

    async def of_principal(self, principal: str, count: int) -> list[RecordedPull]:
        """Return up to `count` pulls of a principal in all organizations, in any order. The cost
        grows with the number of pulls: for the export of an account."""
        ...

    async def forget_principal(self, principal: str) -> int:
        """Delete the pulls of a principal in all organizations; return how many there were. May be
        repeated, and goes on where an interrupted call stopped."""
        ...

    async def remove_before(self, before_ms: int, count: int) -> int:
        """Delete up to about `count` pulls from before that time, the oldest first; return how
        many. A store whose items end by themselves has none to delete."""
        ...


class SearchIndex(Protocol):
    """One row for each package: its latest live release."""

    async def offer(self, listing: Listing) -> bool:
        """List this release unless a better one of the package is listed: stable before
        pre-release, then not deprecated before deprecated, then the newer version. The facts of the
        newer head apply to both. Return whether no release of the package was listed."""
        ...

    async def replace(self, listing: Listing) -> bool:
        """List this release, whichever is listed. Return whether the index listed anything else,
        if only other symbols of it, or other pulls by more than what a search shows."""
        ...

    async def remove(self, package: Package) -> bool:
        """Remove the package from the index; return whether it was listed."""
        ...

    async def search(self, query: Query, page: ResultPage, viewer: Viewer) -> Results:
        """Return a page of the matches that `viewer` may see, and their exact number."""
        ...

    async def search_with_facets(
        self, query: Query, page: ResultPage, viewer: Viewer
    ) -> FacetedResults:
        """Return the results of `search`, how many of all packages that it finds have each value of
        each facet, and the number of deprecated packages that a search without them leaves out."""
        ...

    async def facet_values(
        self, facet: Facet, query: Query, viewer: Viewer
    ) -> tuple[FacetCount, ...]:
        """Return every value of one facet, where `search_with_facets` returns the most frequent
        ones. The cost grows with the number of packages."""
        ...

    async def totals(self) -> IndexTotals:
        """Return the totals of public packages. The cost grows with the number of packages, so
        callers cache the result."""
        ...

    async def symbols(self, query: SymbolQuery, page: ResultPage, viewer: Viewer) -> SymbolResults:
        """Return a page of the symbols that match, of the packages that `viewer` may see; without
        words they are all of the wanted organizations, and none without those.
        Exact names come first, then the packages that are used most; `sort` changes nothing."""
        ...

    async def suggest(self, text: str, viewer: Viewer, count: int) -> list[Suggestion]:
        """Return names that begin with `text` or are similar to it."""
        ...


class SnapshotStore(Protocol):
    """Files of snapshots, by `snapshot/file`."""

    async def write(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        """Store a file, replacing an earlier one. An interrupted write changes nothing."""
        ...

    def read(self, name: str) -> AsyncIterator[bytes]:
        """Yield the content of the file in pieces; nothing if it does not exist."""
        ...

    async def list(self) -> list[str]:
        """Return the names of all files."""
        ...

    async def delete(self, name: str) -> None:
        """Delete the file, if it exists."""
        ...


class RevocationStore(Protocol):
    """The list of revocations of this registry, outside its database."""

    async def add(self, revocations: Sequence[Revocation]) -> None:
        """Append entries. A repeat may append them twice, which changes nothing."""
        ...

    async def read(self) -> list[Revocation]:
        """Return all entries, in any order."""
        ...

    async def compact(self) -> None:
        """Store the entries in as few files as possible, and renew their times."""
        ...


class SearchFeed(Protocol):
    """Builds the index from which instances begin, where searches read copies of it. All methods
    may be repeated and run concurrently."""

    async def catch_up(self) -> int:
        """Build a new index if there is none, or it is old; return how much changed since it."""
        ...

    async def rebuild(self) -> int:
        """Create a new index from all records; return the number of packages."""
        ...

    async def erase_earlier(self) -> None:
        """Create a new index from all records, and delete every earlier one."""
        ...


class Mailer(Protocol):
    """Sends mail to people."""

    async def send(self, mail: Mail) -> None:
        """Pass the mail to the mail server, within seconds; raise `Undelivered` if it refuses. A
        repeat sends the mail again."""
        ...

    async def check(self) -> str:
        """Connect to the mail server, sign in, and send nothing; within five seconds.

        Returns a sentence about the server, an empty text if there is none; raises `Undelivered`.
        """
        ...


class Unanswered(Exception):
    """Another server gave no usable response; the text is the reason, for the log.

    `trouble` and `way_out` say it to people, without names of the network inside.
    """

    trouble: str = "does not answer"
    way_out: str = ""


class ServerUnreachable(Unanswered):
    """No connection could be made, or none is tried for a time: it concerns every request."""


class CertificateUntrusted(ServerUnreachable):
    """The server shows a certificate that is not trusted, or is for another name."""

    trouble = "has a certificate that this registry does not trust"
    way_out = (
        "If an authority of your own issued it, or that of a proxy that opens TLS, add the "
        "authority's certificate to the file that BALLROOM_CA_FILE names, and restart."
    )


class ProxyFailed(ServerUnreachable):
    """The proxy refuses the connection, or is not reached itself.

    `is_name_public` if the name of the server resolves here to public addresses. Others may be
    names of the network inside, so people who chose the name are not told what the proxy says.
    """

    is_name_public: bool = False

    trouble = "is not reached through the proxy of this registry"
    way_out = (
        "See that HTTPS_PROXY names the proxy, with user and password if it asks for them, and "
        "that the proxy lets this machine through; NO_PROXY names hosts that are called directly."
    )


def repeated(failure: Unanswered, reason: str) -> Unanswered:
    """Return a failure of an earlier request as that of another one, of the same kind if no
    connection was made."""
    kind = type(failure) if isinstance(failure, ServerUnreachable) else Unanswered
    return kind(reason)


class AnswerUnusable(Unanswered):
    """The server answered this request in a way that cannot be used, which says nothing about its
    other answers."""


class TokenNeeded(AnswerUnusable):
    """The registry answers nobody without an access token, and none is set for it."""


class AnswerTooLarge(AnswerUnusable):
    """The answer has more bytes than its reader takes."""

    def __init__(self) -> None:
        super().__init__("the answer is too large")


class NoRoomToFetch(Unanswered):
    """This registry fetches as much as it has room for; the other server is not to blame."""

    def __init__(self) -> None:
        super().__init__("there is no room for more answers at the same time")


class HttpResponse(Struct, frozen=True):
    """The response of another server; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json_object(self) -> Mapping[str, object]:
        """Return the JSON object of a response with status 200; raise `Unanswered` otherwise."""
        if self.status != _OK:
            message = f"the answer was {self.status}"
            raise Unanswered(message)
        try:
            value: object = json.loads(self.body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            message = "the answer was no JSON object"
            raise Unanswered(message)
        return cast(Mapping[str, object], value)


class HttpClient(Protocol):
    """Requests small documents from other servers by https, and never from our own network.

    Responses have at most 1 MiB and are complete within five seconds. Redirects are not followed.
    Both methods raise `Unanswered` if there is no such response or if the address is not allowed.
    """

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """Return the response of the server."""
        ...

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Send the body, and return what the server answers."""
        ...


class HttpDownloader(HttpClient, Protocol):
    """Requests large files as well, which are not held in memory."""

    async def download(
        self, url: str, headers: Mapping[str, str], write: Callable[[bytes], object]
    ) -> HttpResponse:
        """Return the response without its body, which is passed to `write` as it arrives."""
        ...


class ReleaseUnusable(AnswerUnusable):
    """The upstream described the release that was asked for, in a way that nothing can use."""


class UpstreamBusy(Unanswered):
    """The upstream asks to be left alone for a time; the text is the reason, for the log."""

    def __init__(self, status: int, wait: timedelta) -> None:
        super().__init__(f"the answer was {status}, to be repeated in {wait.total_seconds():.0f} s")
        self.wait = wait


class Upstream(Protocol):
    """Another registry, by the Central protocol, as a caller without credentials, or with a token.

    Every method sends one request, except `fetch`, which sends two, one after the other. Each
    answer is complete before a deadline, and nothing in it breaks the rules of names and versions.
    All raise `AnswerUnusable` for an answer that concerns this request alone, `ServerUnreachable`
    without a connection, `UpstreamBusy` if the upstream says when to ask again, and `Unanswered`
    for its own failures. `via` is what the request came through (the header `Via`), so that two
    registries that mirror each other do not ask each other in turn.
    """

    def with_token(self) -> "Upstream | None":
        """Return the same registry as a caller with the token that the operator set for it; None if
        there is none."""
        ...

    async def versions(
        self, package: Package, client: ClientProfile, *, via: str
    ) -> tuple[Version, ...] | None:
        """Return the versions that the client can use, or None if there is no such package."""
        ...

    async def has_organization(self, org: OrgName, *, via: str) -> bool:
        """Check whether there are public packages of the organization."""
        ...

    async def describe(
        self, package: Package, wanted: Version | Range, client: ClientProfile, *, via: str
    ) -> Listing | None:
        """Return the exact version, or the latest of the range; None if there is none."""
        ...

    def fetch(
        self, coordinate: Coordinate, *, via: str
    ) -> AbstractAsyncContextManager[FetchedArchive | None]:
        """Return the archive, which can be read until the block ends, or None if there is no such
        version. Few archives are in hand at the same time: raises `NoRoomToFetch` after a wait, and
        `StorageFull`."""
        ...

    async def withdrawal(self, coordinate: Coordinate, *, via: str) -> UpstreamWithdrawal | None:
        """Return what the upstream says of a version that it withdrew; None if it has it, or says
        no more than that it is missing."""
        ...

    async def changes(self, since: int, count: int) -> UpstreamChanges | None:
        """Return the withdrawals and returns of releases among up to `count` changes of its feed
        after the number; None if it has no such feed."""
        ...

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], client: ClientProfile, *, via: str
    ) -> list[UpstreamResolution | None]:
        """Return the upstream's choice for each request, in their order."""
        ...

    async def resolve_modules(
        self, requests: Sequence[ModuleRequest], client: ClientProfile, *, via: str
    ) -> list[UpstreamModule | None]:
        """Return which package holds each module, in the order of the requests."""
        ...

    async def catalogue(self, offset: int, limit: int) -> UpstreamPage[CataloguedPackage]:
        """Return a page of the list of all packages, each with its newest release, in order of
        name. The upstream may shift it while it is read."""
        ...

    async def tool(self, tool: str, *, via: str) -> Package | None:
        """Return the package that has the tool, or None if none has."""
        ...

    async def items(
        self, kind: SearchKind, offset: int, limit: int
    ) -> UpstreamPage[UpstreamItem] | None:
        """Return a page of the list of all connectors or triggers; None if it has no such list."""
        ...
