"""Snapshots: all records as compressed files outside the database, and restoring a registry from
them.
"""

import asyncio
import hashlib
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from shared.domain.accounts import Account
from shared.domain.archives.delivery import archive_container
from shared.domain.packages import Head, Release, State
from shared.domain.records import Entity, Event, Place, Record
from shared.domain.snapshots import (
    DIRECTORY,
    ENTITIES,
    EVENTS,
    MANIFEST_FILE,
    PACKAGES,
    SnapshotManifest,
    SnapshotPart,
    SnapshotPulls,
    SnapshotUnusable,
    from_line,
    snapshot_name,
    to_line,
)
from shared.domain.status import RegistryCounts
from shared.ports import (
    AlreadyThere,
    ArchiveStore,
    Clock,
    DirectoryStore,
    DocumentStore,
    EventStore,
    MetadataStore,
    PullLedger,
    SnapshotStore,
    WorkStore,
)
from shared.services.derived_data import DerivedData
from shared.services.records import entity_batches, package_batches
from shared.services.statistics import LastRegistryCounts, RegistryCounter
from shared.services.upkeep import UPKEEP_BATCH, TaskReport

# Snapshotting: writing all records down where a lost database does not take them along.
#
# Nothing is held up meanwhile, so a snapshot is of no single moment. What makes it whole is the
# order: records are read before the feed that they have published to, so every event is either in
# the
# feed or still owed by its record; and archives are stored before the records that name them and
# swept a day after those are gone, so what a snapshot names is there.

ENTITIES_AT_ONCE = 5_000  # Some 10 MB. The cloud reads all that is left for each batch.
PACKAGES_AT_ONCE = 16
UNFINISHED_KEPT = timedelta(days=1)  # Longer than any snapshot takes.

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class StoredSnapshots:
    """The snapshots of one store."""

    store: SnapshotStore

    async def manifests(self) -> list[SnapshotManifest]:
        """Return what every whole snapshot holds, the newest first."""
        whole = [each for each in await self.store.list() if each.endswith(f"/{MANIFEST_FILE}")]
        names = sorted((each.partition("/")[0] for each in whole), reverse=True)
        return [await self.manifest(name) for name in names]

    async def manifest(self, name: str) -> SnapshotManifest:
        """Return what a snapshot holds; raise `SnapshotUnusable` where there is none."""
        content = b"".join([piece async for piece in self.store.read(f"{name}/{MANIFEST_FILE}")])
        try:
            return SnapshotManifest.model_validate_json(content)
        except ValueError:
            message = f"There is no snapshot {name!r}. `snapshot list` names those there are."
            raise SnapshotUnusable(message) from None

    async def verify(self, name: str) -> SnapshotManifest:
        """Read all of a snapshot; raise `SnapshotUnusable` unless it is what was written."""
        manifest = await self.manifest(name)
        for part in manifest.parts:
            packing = CompressedFile(part.name)
            async for line in packing.unpack(self.store.read(f"{name}/{part.name}")):
                from_line(line)
            if packing.part() != part:
                message = f"{part.name} of the snapshot {name} is not as it was written."
                raise SnapshotUnusable(message)
        return manifest

    async def records(self, name: str, file: str, kind: type[R]) -> AsyncGenerator[R]:
        """Yield the records of a file, in its order; raise `SnapshotUnusable` at another kind."""
        async for line in CompressedFile(file).unpack(self.store.read(f"{name}/{file}")):
            record = from_line(line)
            if not isinstance(record, kind):
                message = f"{file} of the snapshot {name} holds what belongs into another file."
                raise SnapshotUnusable(message)
            yield record

    async def remove(self, names: set[str]) -> None:
        """Remove snapshots, whole or not."""
        for file in sorted(await self.store.list(), key=_manifest_first):
            if file.partition("/")[0] in names:
                await self.store.delete(file)


@dataclass(frozen=True)
class SnapshotCreation:
    """Takes snapshots, and lets go of old ones."""

    metadata: MetadataStore
    directory: DirectoryStore
    events: EventStore
    pulls: PullLedger
    snapshots: StoredSnapshots
    last_counts: LastRegistryCounts
    clock: Clock
    snapshot_days: int

    async def run(self) -> TaskReport:
        """Take a snapshot, read it again, and let go of those whose time is over.

        While the new one is no good, all others stay.
        """
        manifest = await self.create()
        try:
            await self.snapshots.verify(manifest.name)
        except SnapshotUnusable as unusable:
            return TaskReport("snapshot", manifest.lines, 0, (str(unusable),))
        return TaskReport("snapshot", manifest.lines, 1 + await self._delete_old())

    async def create(self) -> SnapshotManifest:
        """Write every record down; the manifest comes last. What is met is counted on the way."""
        begun_ms, tally = self.clock.now_ms(), RegistryCounter()
        name = snapshot_name(begun_ms)
        manifest = SnapshotManifest(
            name=name,
            begun_ms=begun_ms,
            parts=(
                await self._write(name, DIRECTORY, self._directory_lines(tally)),
                await self._write(name, PACKAGES, self._package_lines(tally)),
                await self._write(name, EVENTS, self._event_lines()),
            ),
            ended_ms=self.clock.now_ms(),
        )
        text = manifest.model_dump_json(indent=2).encode()
        await self.snapshots.store.write(f"{name}/{MANIFEST_FILE}", _one(text))
        await self.last_counts.save(tally.counts)
        return manifest

    async def _write(self, name: str, file: str, lines: AsyncIterator[bytes]) -> SnapshotPart:
        packing = CompressedFile(file)
        await self.snapshots.store.write(f"{name}/{file}", packing.pack(lines))
        return packing.part()

    async def _directory_lines(self, tally: RegistryCounter) -> AsyncGenerator[bytes]:
        for kind in ENTITIES:
            async for batch in entity_batches(self.directory, kind, ENTITIES_AT_ONCE):
                tally.add(RegistryCounts.of_entities(batch, self.clock.now_ms()))
                for entity in batch:
                    yield to_line(entity)

    async def _package_lines(self, tally: RegistryCounter) -> AsyncGenerator[bytes]:
        async for heads in package_batches(self.metadata, PACKAGES_AT_ONCE):
            for lines in await asyncio.gather(*(self._lines_of(head, tally) for head in heads)):
                for line in lines:
                    yield line

    async def _lines_of(self, head: Head, tally: RegistryCounter) -> list[bytes]:
        package = head.package
        releases, daily = await asyncio.gather(
            self.metadata.releases(package), self.pulls.daily(package)
        )
        tally.add(RegistryCounts.of_package(head, releases))
        counted = {version: dict(days) for version, days in daily.items()}
        pulls = SnapshotPulls(org=package.org, name=package.name, daily=counted)
        return [to_line(each) for each in (head, *releases, pulls)]

    async def _event_lines(self) -> AsyncGenerator[bytes]:
        last = 0
        while numbered := await self.events.since(last, UPKEEP_BATCH):
            for _, event in numbered:
                yield to_line(event)
            last = numbered[-1][0]
        # Those of removed entities are owed by nobody whom a snapshot knows.
        for waiting in await self.directory.unpublished(ENTITIES_AT_ONCE):
            for event in waiting.outbox:
                yield to_line(event)

    async def _delete_old(self) -> int:
        """Remove old snapshots, but for the newest, and what never was a whole one."""
        now_ms = self.clock.now_ms()
        whole = [manifest.name for manifest in await self.snapshots.manifests()]
        old = snapshot_name(
            now_ms - timedelta(days=self.snapshot_days) // timedelta(milliseconds=1)
        )
        dead = snapshot_name(now_ms - UNFINISHED_KEPT // timedelta(milliseconds=1))
        names = {each.partition("/")[0] for each in await self.snapshots.store.list()}
        going = {name for name in whole[1:] if name < old}
        going |= {name for name in names.difference(whole) if name < dead}
        await self.snapshots.remove(going)
        return len(going)


async def _one(piece: bytes) -> AsyncGenerator[bytes]:
    yield piece


# Restoring: making an empty registry what a snapshot says.
#
# A release is written when its archive is there, and its package is listed after that: at no moment
# is there something that cannot be pulled. What broke off is gone on with by a repeat, which adds
# what is not there and changes nothing that is.

RESTORE_MARK_KEPT_FOR = timedelta(days=7)  # That long a restore which broke off may be repeated.

_KIND, _KEY = "snapshot-restore", "name"


@dataclass(frozen=True, slots=True)
class ArchiveSources:
    """Where archives and bills of materials come from that are not here yet."""

    archives: ArchiveStore
    documents: DocumentStore


@dataclass(frozen=True)
class SnapshotRestore:
    """Writes the records of snapshots to the stores of an empty registry."""

    metadata: MetadataStore
    directory: DirectoryStore
    events: EventStore
    pulls: PullLedger
    work: WorkStore
    clock: Clock
    here: ArchiveSources
    derived_data: DerivedData

    async def restore(
        self, shelf: StoredSnapshots, name: str, elsewhere: ArchiveSources | None = None
    ) -> TaskReport:
        """Write the records of a snapshot, and copy archives that only `elsewhere` has.

        Releases without an archive are left out: each is a problem, and a repeat adds them once
        their archives are there. Raises `SnapshotUnusable` where there is a registry already.
        """
        manifest = await shelf.verify(name)
        await self._begin(name)
        problems = list[str]()
        async for entity in shelf.records(name, DIRECTORY, Entity):
            with suppress(AlreadyThere):
                await self.directory.add(entity)
        await self._append(shelf, name)
        async for records in _packages(shelf, name):
            problems += await self._package(records, elsewhere)
        return TaskReport(
            "restore", manifest.lines, manifest.lines - len(problems), tuple(problems)
        )

    async def _begin(self, name: str) -> None:
        now_ms = self.clock.now_ms()
        begun = await self.work.peek(_KIND, _KEY, now_ms)
        if begun != name and not await self._is_empty():
            message = "There is a registry here already. Restore to an empty one."
            raise SnapshotUnusable(message)
        ends_ms = now_ms + RESTORE_MARK_KEPT_FOR // timedelta(milliseconds=1)
        await self.work.put(_KIND, _KEY, name, ends_ms)

    async def _is_empty(self) -> bool:
        heads = await self.metadata.packages("", 1)
        accounts = await self.directory.all(Account, Place(""), 1)
        return not heads and not accounts and not await self.events.since(0, 1)

    async def _append(self, shelf: StoredSnapshots, name: str) -> None:
        waiting = list[Event]()
        async for event in shelf.records(name, EVENTS, Event):
            waiting.append(event)
            if len(waiting) >= UPKEEP_BATCH:
                await self.events.append(waiting)
                waiting.clear()
        await self.events.append(waiting)

    async def _package(
        self, records: Sequence[Record], elsewhere: ArchiveSources | None
    ) -> list[str]:
        """Write a package, and return what is wrong with it."""
        problems = list[str]()
        head = next(each for each in records if isinstance(each, Head))
        await self.metadata.claim(head)
        for record in records:
            if isinstance(record, Release):
                problems += await self._release(head, record, elsewhere)
            elif isinstance(record, SnapshotPulls):
                await self.pulls.restore(record.package, record.daily)
        await self.derived_data.rebuild(head.package)
        return problems

    async def _release(
        self, head: Head, release: Release, elsewhere: ArchiveSources | None
    ) -> list[str]:
        if elsewhere is not None:
            await self._copy(head, release, elsewhere)
        is_removed = release.state is State.REMOVED
        if not is_removed and await self.here.archives.stat(release.archive) is None:
            return [f"{release.coordinate}: its archive is missing."]
        for tool in release.tools:
            await self.metadata.claim_tool(tool, head.package)
        with suppress(AlreadyThere):
            await self.metadata.add_release(release)
        return []

    async def _copy(self, head: Head, release: Release, elsewhere: ArchiveSources) -> None:
        """Copy the archive and what a client sent beside it; the rest is read from the archive."""
        if await elsewhere.archives.stat(release.archive) is None:
            return
        if await self.here.archives.stat(release.archive) is None:
            content = await elsewhere.archives.read(release.archive)
            await self.here.archives.put(release.archive, content, archive_container(head, release))
        sbom = await elsewhere.documents.sbom(release.content)
        if sbom is not None:
            await self.here.documents.put_sbom(release.content, sbom)


async def _packages(shelf: StoredSnapshots, name: str) -> AsyncGenerator[list[Record]]:
    """Yield the records of each package, which begin with its head."""
    package = list[Record]()
    async for record in shelf.records(name, PACKAGES, Record):
        if isinstance(record, Head) and package:
            yield package
            package = []
        package.append(record)
    if package:
        yield package


def _manifest_first(file: str) -> bool:
    return not file.endswith(MANIFEST_FILE)  # What is half gone is no snapshot.


PIECE_BYTES = 256 * 1024  # Bytes that are handed over at once.
LINES_AT_ONCE = 100  # Then others have their turn: a line takes some forty microseconds.

_GZIP = 31  # What zlib calls the format of gzip files.


class CompressedFile:
    """Packs or unpacks one file, and notes what it is."""

    def __init__(self, name: str) -> None:
        """Begin the file."""
        self._name = name
        self._lines = 0
        self._bytes = 0
        self._hash = hashlib.sha256()

    async def pack(self, lines: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        """Yield the file of these lines, in pieces."""
        packer, waiting = zlib.compressobj(wbits=_GZIP), bytearray()
        async for line in lines:
            await self._count()
            waiting += packer.compress(line)
            if len(waiting) >= PIECE_BYTES:
                yield self._noted(bytes(waiting))
                waiting.clear()
        yield self._noted(bytes(waiting) + packer.flush())

    async def unpack(self, pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        """Yield the lines of a file; raise `SnapshotUnusable` for what was not packed here."""
        unpack, rest = zlib.decompressobj(wbits=_GZIP).decompress, b""
        async for piece in pieces:
            *lines, rest = (rest + self._unpacked(unpack, piece)).split(b"\n")
            for line in lines:
                await self._count()
                yield line

    def part(self) -> SnapshotPart:
        """Return what the file is, when all of it has passed."""
        digest = self._hash.hexdigest()
        return SnapshotPart(name=self._name, lines=self._lines, bytes=self._bytes, sha256=digest)

    async def _count(self) -> None:
        self._lines += 1
        if self._lines % LINES_AT_ONCE == 0:
            await asyncio.sleep(0)

    def _noted(self, piece: bytes) -> bytes:
        self._bytes += len(piece)
        self._hash.update(piece)
        return piece

    def _unpacked(self, unpack: Callable[[bytes], bytes], piece: bytes) -> bytes:
        try:
            return unpack(self._noted(piece))
        except zlib.error:
            message = f"{self._name} of the snapshot is damaged. Take another snapshot."
            raise SnapshotUnusable(message) from None
