"""What the services need from the outside, and what each adapter promises.

Every promise here is tested by the suite of its port in `tests/contract`, which every adapter runs.
Common to all ports:

- A method is one trip to its store, whatever it reads there; reads of one method may be parallel.
- Writes are durable when the method returns. A call that fails in between may be repeated: nothing
  is there twice, and nothing is half there.
- Adapters raise `Busy` or `StorageFull` (`shared.domain.errors.base`) for a store that is
overloaded,
  out of reach or full, and no exception of their libraries.
- Packages, organizations and coordinates are compared without case.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

from shared.domain.archives.names import ArchiveName, Digest
from shared.domain.identity import AccessContext
from shared.domain.mail import Mail
from shared.domain.names import Coordinate, OrgName, Package
from shared.domain.packages import (
    FoundRelease,
    Graph,
    Head,
    Listing,
    Release,
    ReleaseEntry,
    Survey,
    Texts,
    Visibility,
)
from shared.domain.records import Entity, Event, PendingEvents, Place
from shared.domain.search import Facets, IndexTotals, Query, ResultPage, Results, Suggestion, Viewer

E = TypeVar("E", bound=Entity)

_OK = 200


class Stale(Exception):
    """The record was changed since it was read; read it again and decide again."""


class AlreadyThere(Exception):
    """A record of this key exists; nothing was written."""


class Undelivered(Exception):
    """A mail was not taken; the text is the kind of error, never an address or what was written."""


class Clock(Protocol):
    """The only source of time."""

    def now_ms(self) -> int:
        """Return the time in milliseconds since 1970, UTC; it may be set back."""
        ...

    def monotonic_ms(self) -> int:
        """Return milliseconds since some moment, which never go back: ages in memory use these."""
        ...


class Randomness(Protocol):
    """The only source of secrets and of ids."""

    def token_bytes(self, count: int) -> bytes:
        """Return `count` bytes that nobody can guess."""
        ...


class MetadataStore(Protocol):
    """Packages, releases and their entries.

    `add_release` is the commit of a push. Entries are derived from releases: of two writes of the
    same version the higher `revision` stays, whatever their order.
    """

    async def find(self, coordinate: Coordinate) -> FoundRelease:
        """Return the package and the release; each None where it does not exist."""
        ...

    async def by_digest(self, digest: Digest) -> FoundRelease:
        """Return the release whose archive has this digest, with its package; each None where
        there is none. An archive names its coordinate, so no two releases share one."""
        ...

    async def head(self, package: Package) -> Head | None:
        """Return the package's head, or None."""
        ...

    async def survey(self, packages: Sequence[Package]) -> list[Survey | None]:
        """Return each package with all its entries, newest first, in the order asked; None where
        it does not exist. The cost grows with what changed since the last call, not with history.
        """
        ...

    async def claim(self, head: Head) -> Head:
        """Create the head if no package has its name, and return the stored one: its own or the
        one that was there, never changed by this call."""
        ...

    async def add_release(self, release: Release) -> None:
        """Create the release of a package that was claimed. Of any number of concurrent calls for
        one coordinate exactly one succeeds; the others raise `AlreadyThere`. The spelling is the
        head's."""
        ...

    async def replace_release(self, release: Release) -> Release:
        """Store a changed release if its `revision` is still the stored one, else raise `Stale`.
        Return it with the next revision."""
        ...

    async def replace_head(self, head: Head) -> Head:
        """Store a changed head if its `revision` is still the stored one, else raise `Stale`.
        Return it with the next revision. `pulls` is left as stored: only the ledger writes it."""
        ...

    async def put_entries(self, package: Package, entries: Sequence[ReleaseEntry]) -> None:
        """Add or renew entries of the package; an entry with a lower revision changes nothing."""
        ...

    async def releases(self, package: Package) -> list[Release]:
        """Return every release of the package. For upkeep: the cost grows with history."""
        ...

    async def packages(self, after: str, count: int) -> list[Head]:
        """Return up to `count` heads whose key is above `after`, in order of key."""
        ...

    async def unpublished_events(self, count: int) -> list[Head | Release]:
        """Return up to `count` records whose outbox is not empty, oldest first."""
        ...

    async def claim_tool(self, tool: str, package: Package) -> Package:
        """Bind the tool id to the package if it is free, and return the package that owns it."""
        ...

    async def tool_owners(self, tools: Sequence[str]) -> list[Package | None]:
        """Return the package that owns each tool id, in the order asked; None where it is free."""
        ...


class DocumentStore(Protocol):
    """Immutable documents derived from an archive, by the archive's digest."""

    async def put(self, digest: Digest, texts: Texts, graph: Graph) -> None:
        """Store both documents of the archive; a repeat changes nothing."""
        ...

    async def texts(self, digest: Digest) -> Texts:
        """Return the documentation; empty where none was stored."""
        ...

    async def graphs(self, digests: Sequence[Digest]) -> list[bytes]:
        """Return each dependency graph in the order asked, as the JSON list of nodes
        `[{"org","name","version","dependencies":[…]}]` that resolve answers carry; `[]` where none
        was stored."""
        ...

    async def put_sbom(self, digest: Digest, content: bytes) -> bytes:
        """Store the bill of materials of the archive if it has none, and return the stored one:
        this one or the one that was there, never changed by this call."""
        ...

    async def sbom(self, digest: Digest) -> bytes | None:
        """Return the bill of materials, or None."""
        ...

    async def rendering(self, digest: Digest, name: str) -> bytes | None:
        """Return the HTML that was stored of a text of the archive under this name, or None."""
        ...

    async def put_rendering(self, digest: Digest, name: str, content: bytes) -> None:
        """Store the HTML of a text of the archive, over what is there under this name."""
        ...

    async def delete(self, digest: Digest) -> None:
        """Remove every document of the archive; nothing happens where there are none."""
        ...


@dataclass(frozen=True, slots=True)
class StoredArchive:
    """An archive at rest, and the side where it lies; None where all lie together."""

    digest: Digest
    size_bytes: int
    stored_ms: int
    side: Visibility | None = None


class ArchiveStore(Protocol):
    """The balas, byte for byte, by name; no two have one digest.

    Public ones lie apart from private ones where links lead past the registry, and together
    elsewhere. Whoever reads need not know on which side an archive lies, or that it is moved
    meanwhile.
    """

    async def put(self, name: ArchiveName, content: bytes | memoryview, side: Visibility) -> None:
        """Store the archive; a repeat changes nothing but renews `stored_ms`, so that a sweep which
        is under way spares it. Raises `StorageFull` and leaves nothing behind."""
        ...

    async def stat(self, name: ArchiveName) -> StoredArchive | None:
        """Return what is stored under the name, or None."""
        ...

    async def read(
        self,
        name: ArchiveName,
        start: int = 0,
        count: int | None = None,
        *,
        first: Visibility = Visibility.PUBLIC,
    ) -> bytes:
        """Return `count` bytes from `start`, all by default; raise `ArchiveNotFound`. The side that
        is looked at `first` is where it costs least if the archive lies there."""
        ...

    async def move(self, name: ArchiveName, to: Visibility) -> None:
        """Have the archive lie on that side, if there is one; a repeat finishes what was broken
        off. It can be read all the time, whoever else moves it and where to. What becomes public
        stays on the private side as well until no link to it is good any more, and a later repeat
        ends that."""
        ...

    def list(self, stored_before_ms: int) -> AsyncIterator[StoredArchive]:
        """Yield the archives that were last stored before that time; one that lies on both sides
        comes twice."""
        ...

    async def delete(self, digest: Digest, stored_before_ms: int) -> bool:
        """Remove the archive, wherever it lies, unless it was stored again since; say whether it is
        gone."""
        ...


class ArchiveLinks(Protocol):
    """Links past the registry, which whoever holds them may follow until they end."""

    async def link(self, name: ArchiveName, side: Visibility, file: str) -> str:
        """Return an address of the archive on that side, to be saved under the name `file`; that
        anything lies there is not looked at. It answers requests without `Authorization` alone,
        ends as soon as its side demands, and no `/` is in its query. Raises `Busy`."""
        ...


class EdgeCache(Protocol):
    """Caches of public answers between the registry and its clients."""

    async def forget(self, paths: Sequence[str]) -> None:
        """Have every copy of the answers under these paths removed, within minutes; a repeat does
        no harm. Raises `Busy` when that was not taken on."""
        ...


class DirectoryStore(Protocol):
    """Accounts, organizations and all that belongs to them: entities, by kind, owner and key.

    A write carries its event in the entity's outbox, so that no change is without one.
    """

    async def standing(self, account_id: str, org: OrgName, now_ms: int) -> AccessContext:
        """Return the account, the organization and the account's role in it at that time, each
        None where there is none."""
        ...

    async def get(self, kind: type[E], place: Place) -> E | None:
        """Return the entity at the place, or None. One read."""
        ...

    async def of(self, kind: type[E], owner: str) -> list[E]:
        """Return the owner's entities of a kind, in order of key."""
        ...

    async def about(self, kind: type[E], subject: str) -> list[E]:
        """Return the entities of a kind with this subject, whoever owns them, in order of place.
        For lists, never for rights: it may lag behind."""
        ...

    async def all(self, kind: type[E], after: Place, count: int) -> list[E]:
        """Return up to `count` entities of a kind above a place, in order of place. For operators
        and upkeep."""
        ...

    async def add(self, entity: E, *others: Entity) -> E:
        """Create entities of one owner, all of them or none, and return the first as stored; raise
        `AlreadyThere` when a place is taken. Where an entity was removed whose events are not
        published yet, the new one publishes them."""
        ...

    async def replace(self, entity: E) -> E:
        """Store a changed entity if its `revision` is still the stored one, else raise `Stale`.
        Return it with the next revision."""
        ...

    async def remove(self, entity: E) -> E:
        """Delete the entity if its `revision` is still the stored one, else raise `Stale`. Return
        it with the next revision, by which its outbox, kept until then, is published."""
        ...

    async def put(self, entity: Entity) -> None:
        """Store an entity over whatever is there: for what is merely noted, without events."""
        ...

    async def unpublished(self, count: int) -> list[PendingEvents]:
        """Return up to `count` outboxes that are not empty, oldest first."""
        ...

    async def ending(self, kind: type[E], after_ms: int, before_ms: int, count: int) -> list[E]:
        """Return up to `count` entities that end after the one time and before the other, those
        that end first first."""
        ...

    async def remove_ended(self, before_ms: int) -> int:
        """Delete what ended before that time and owes no events; return how many."""
        ...


class EventStore(Protocol):
    """The feed of all changes, append only, numbered without gaps."""

    async def publish(self, source: Head | Release | PendingEvents) -> None:
        """Append the events of the record's outbox that are not in the feed yet, in order, then
        clear that outbox if the record is still at this revision, which stays; of a removed entity
        nothing is left then. A repeat adds nothing."""
        ...

    async def append(self, events: Sequence[Event]) -> None:
        """Append events that belong to no record; those that are there already are left alone."""
        ...

    async def since(self, number: int, count: int) -> list[tuple[int, Event]]:
        """Return up to `count` events with their numbers, from the first after `number`."""
        ...

    async def forget_origins(self, before_ms: int, count: int) -> int:
        """Remove address and credential from up to `count` events before that time that still have
        one; return how many. What happened, and who did it, stays."""
        ...

    async def stream(self, name: str, before: int | None, count: int) -> list[tuple[int, Event]]:
        """Return up to `count` events of one log (`Event.streams`), newest first, from the last
        whose number is below `before`, or from the newest."""
        ...


@dataclass(frozen=True, slots=True)
class Counter:
    """What to add to a count, and until when the count is kept if it is new."""

    kind: str
    key: str
    expires_ms: int
    amount: int = 1


class WorkStore(Protocol):
    """Short-lived state: one-time codes, sign-in states, guards, counts and leases."""

    async def put(self, kind: str, key: str, value: str, expires_ms: int) -> None:
        """Store a value until that time, over an older one."""
        ...

    async def take(self, kind: str, key: str, now_ms: int) -> str | None:
        """Return the value and delete it, so that of concurrent calls one gets it; None where it is
        absent or expired."""
        ...

    async def peek(self, kind: str, key: str, now_ms: int) -> str | None:
        """Return the value and leave it; None where it is absent or expired."""
        ...

    async def claim(self, kind: str, key: str, value: str, *, expires_ms: int, now_ms: int) -> bool:
        """Store a value where there is none, or an expired one; of concurrent calls one succeeds,
        and says so."""
        ...

    async def count(self, counters: Sequence[Counter], now_ms: int) -> list[int]:
        """Add to each count, from nothing where it is absent or expired, and return the totals in
        the order asked. No addition is lost; a call that failed may have counted."""
        ...

    async def lease(self, name: str, owner: str, now_ms: int, until_ms: int) -> bool:
        """Take or renew the lease; False while another owner holds it."""
        ...

    async def remove_expired(self, before_ms: int) -> int:
        """Delete what expired before that time; return how many."""
        ...


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull to count: which release, by whom (a keyed hash), in which window, on which day."""

    coordinate: Coordinate
    caller: str
    window: int  # Ten-minute windows since 1970: clients repeat a pull for each platform.
    day: str  # 2026-11-20, UTC.


@dataclass(frozen=True, slots=True)
class PullHistory:
    """The pulls of a package as they were rolled up last; what was never pulled is in none."""

    versions: Mapping[str, int]  # Of all time, by version.
    months: Mapping[str, int]  # Of all time, by month: 2026-11.
    days: Mapping[str, Mapping[str, int]]  # From the day that was asked for on: by day and version.


class PullLedger(Protocol):
    """Pull counts by release and day."""

    async def record(self, pulls: Sequence[Pull]) -> None:
        """Count the pulls; one that was recorded before (same release, caller and window) is not
        counted again, so a flush may be repeated."""
        ...

    async def roll_up(self, before_window: int) -> list[Package]:
        """Add what was counted to the heads' `pulls`, each pull once however often this is called,
        and forget the callers of windows before that one. Return the packages that changed; the
        heads' revisions stay."""
        ...

    async def restore(self, package: Package, daily: Mapping[str, Mapping[str, int]]) -> None:
        """Have these pulls, by version and then by day, be all that were counted of a package and
        rolled up: for a registry that is made anew."""
        ...

    async def daily(self, package: Package) -> Mapping[str, Mapping[str, int]]:
        """Return pulls by version, then by day."""
        ...

    async def history(self, package: Package, since: str) -> PullHistory:
        """Return what was rolled up: of all time, and of each day from `since` on. What is stored
        of earlier days is not read one by one."""
        ...


class SearchIndex(Protocol):
    """One row for each package: its newest live release."""

    async def offer(self, listing: Listing) -> bool:
        """Show this release, unless a better one of the package is shown: a stable release beats a
        pre-release, one that is not deprecated one that is, then the newer version. What the newer
        head says holds for both. Say whether none of the package was shown."""
        ...

    async def replace(self, listing: Listing) -> None:
        """Show this release, whatever is shown now."""
        ...

    async def remove(self, package: Package) -> None:
        """Show the package no longer."""
        ...

    async def search(self, query: Query, page: ResultPage, viewer: Viewer) -> Results:
        """Return one page of what matches and `viewer` may see, with the exact count."""
        ...

    async def facets(self, query: Query, viewer: Viewer) -> Facets:
        """Return how everything that `search` finds divides: how many packages have each value."""
        ...

    async def totals(self) -> IndexTotals:
        """Return what there is that everybody may see. The cost grows with the packages, not with
        their history: whoever shows it often remembers it."""
        ...

    async def suggest(self, text: str, viewer: Viewer, count: int) -> list[Suggestion]:
        """Return names that begin with, or are close to, `text`."""
        ...


class SnapshotStore(Protocol):
    """Files of snapshots, by names of two parts: the snapshot's and their own."""

    async def write(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        """Store a file, over one that is there; a write that breaks off leaves none, or that."""
        ...

    def read(self, name: str) -> AsyncIterator[bytes]:
        """Yield the file in pieces; none where there is no such file."""
        ...

    async def list(self) -> list[str]:
        """Return the names of all files."""
        ...

    async def delete(self, name: str) -> None:
        """Remove the file; nothing happens where there is none."""
        ...


class SearchFeed(Protocol):
    """Brings what packages show to the copies that searches are answered from, in worlds where
    that is not done by the write itself. Everything may be repeated, and by several at once."""

    async def merge(self, items: Sequence[Mapping[str, object]]) -> int:
        """Bring these items of the change feed, as stored; return how many were of use."""
        ...

    async def catch_up(self) -> int:
        """Bring all that changed since this was last called, however long ago; return how much."""
        ...

    async def rebuild(self) -> int:
        """Make anew what searches are answered from; return the number of packages."""
        ...


@dataclass(frozen=True, slots=True)
class Lease:
    """Who reads the changes of a range, until when, and from which place on; it has a version."""

    owner: str
    until_ms: int
    after: str
    version: str = ""


class ChangeSource(Protocol):
    """The changes of stored items, for a host that calls Functions with them."""

    async def ranges(self, container: str) -> list[str]:
        """Return the ranges that a container's changes are read by, each with an order of its own;
        their names are fit for names of leases."""
        ...

    async def changes(
        self, container: str, range_: str, after: str, most: int
    ) -> tuple[list[Mapping[str, object]], str]:
        """Return up to so many items that changed after the place, and the place after them; an
        empty place is now."""
        ...

    async def lease(self, container: str, name: str) -> Lease | None:
        """Return the lease, or None if nobody has ever had it."""
        ...

    async def take(self, container: str, name: str, lease: Lease) -> Lease | None:
        """Store the lease over that of its version, over none if it has no version, and return it
        with its new one; None where somebody else was faster."""
        ...


class Mailer(Protocol):
    """Sends mail to people."""

    async def send(self, mail: Mail) -> None:
        """Hand the mail over to whoever delivers it, within seconds; raise `Undelivered` when
        nobody takes it. A repeat sends it again."""
        ...


class DomainRecords(Protocol):
    """What the owner of a domain says of it in public."""

    async def texts(self, name: str) -> list[str]:
        """Return the TXT records of the name, none where it has none; raise `DomainSilent` when
        nobody answered for it, which says nothing of what is there."""
        ...


class Unanswered(Exception):
    """Another server gave no usable answer; the text says why, for an operator's log."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What another server answered; names of headers are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json_object(self) -> Mapping[str, object]:
        """Return the JSON object of a 200; raise `Unanswered` for anything else."""
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
    """Asks other servers for small documents: over https, and never inside our own network.

    An answer is at most 1 MiB and complete within five seconds. Redirects are answers as well, and
    are not followed. Both methods raise `Unanswered` when there is no such answer, or when the
    address is one that must not be asked.
    """

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """Return what the server has at the address."""
        ...

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Send the body, and return what the server answers."""
        ...
