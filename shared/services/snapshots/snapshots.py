"""Snapshots: all records as compressed files outside the database, and restoring a registry from
them.

Nothing is locked while a snapshot is created, so it is of no single moment. The order makes it
complete: records are read before the feed that their events are appended to, so that every event is
in the feed or in the outbox of its record; and archives are stored before the records that name
them, and deleted a day after those, so that a named archive exists.
"""

import asyncio
import hashlib
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

from msgspec import Struct

from shared.domain.accounts import Account
from shared.domain.entities import Entity, Place
from shared.domain.packages import Head, Release, archive_container
from shared.domain.provenance.registry_statements import statements_name
from shared.domain.records import Record
from shared.domain.registry_counts import RegistryCounts
from shared.domain.release_states import State
from shared.domain.snapshots import (
    DIRECTORY,
    ENTITIES,
    EVENTS,
    MANIFEST_FILE,
    PACKAGES,
    RESTORE_KIND,
    RESTORE_UNFINISHED,
    SnapshotEvent,
    SnapshotManifest,
    SnapshotPart,
    SnapshotPulls,
    SnapshotUnusable,
    from_line,
    snapshot_name,
    to_line,
)
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.domain.transparency.leaves import LoggedEvent
from shared.domain.transparency.log_states import PLACE_OF_STATE, LogState
from shared.domain.visibility import Readers
from shared.ports.archive_store import ArchiveStore
from shared.ports.conflicts import AlreadyThere
from shared.ports.directory import DirectoryStore
from shared.ports.documents import DocumentStore
from shared.ports.events import EventStore
from shared.ports.metadata import MetadataStore
from shared.ports.pull_ledger import PullLedger
from shared.ports.snapshots import SnapshotStore
from shared.ports.system import Clock
from shared.ports.transparency import LogFiles
from shared.ports.work import WorkStore
from shared.services.packages.derived_data import DerivedData
from shared.services.packages.statistics import LastRegistryCounts
from shared.services.record_batches import RECORDS_AT_ONCE, entity_batches, package_batches
from shared.services.transparency.ended_logs import copy_ended_log

ENTITIES_AT_ONCE = 5_000  # About 10 MB. For each batch, Cosmos DB reads all remaining entities.
PACKAGES_AT_ONCE = 16  # Each is read with all its releases.

R = TypeVar("R", bound=Record)


class StoredSnapshots(Struct, frozen=True):
    store: SnapshotStore

    async def manifests(self) -> list[SnapshotManifest]:
        """Return the manifests of all complete snapshots, the newest first."""
        manifests = [each for each in await self.store.list() if each.endswith(f"/{MANIFEST_FILE}")]
        names = sorted((each.partition("/")[0] for each in manifests), reverse=True)
        return [await self.manifest(name) for name in names]

    async def manifest(self, name: str) -> SnapshotManifest:
        """Return the manifest of a snapshot; raise `SnapshotUnusable` if there is none."""
        content = b"".join([piece async for piece in self.store.read(f"{name}/{MANIFEST_FILE}")])
        try:
            return SnapshotManifest.model_validate_json(content)
        except ValueError:
            message = (
                f"There is no snapshot {name!r}. `ballroom snapshot list` lists the snapshots."
            )
            raise SnapshotUnusable(message) from None

    async def verify(self, name: str) -> SnapshotManifest:
        """Read all of a snapshot; raise `SnapshotUnusable` unless its files match the manifest."""
        manifest = await self.manifest(name)
        for part in manifest.parts:
            compressed = CompressedFile(part.name)
            async for line in compressed.unpack(self.store.read(f"{name}/{part.name}")):
                from_line(line)
            if compressed.part() != part:
                message = f"{part.name} of the snapshot {name} is not as it was written."
                raise SnapshotUnusable(message)
        return manifest

    async def records(self, name: str, file: str, kind: type[R]) -> AsyncGenerator[R]:
        """Yield the records of a file in order; raise `SnapshotUnusable` for a wrong kind."""
        async for line in CompressedFile(file).unpack(self.store.read(f"{name}/{file}")):
            record = from_line(line)
            if record is None:
                continue
            if not isinstance(record, kind):
                message = f"{file} of the snapshot {name} holds what belongs into another file."
                raise SnapshotUnusable(message)
            yield record

    async def remove(self, names: set[str]) -> None:
        """Delete snapshots, complete or not."""
        for file in sorted(await self.store.list(), key=_manifest_first):
            if file.partition("/")[0] in names:
                await self.store.delete(file)


class _Counter:
    """Counts the records that a snapshot writes."""

    def __init__(self) -> None:
        self.counts = RegistryCounts()

    def add(self, counts: RegistryCounts) -> None:
        self.counts = self.counts.plus(counts)


class SnapshotCreation(Struct, frozen=True):
    """Creates snapshots."""

    metadata: MetadataStore
    directory: DirectoryStore
    events: EventStore
    pulls: PullLedger
    snapshots: StoredSnapshots
    last_counts: LastRegistryCounts
    clock: Clock

    async def create(self) -> SnapshotManifest:
        """Write every record, then the manifest; count the records meanwhile."""
        begun_ms = self.clock.now_ms()
        counter = _Counter()
        name = snapshot_name(begun_ms)
        manifest = SnapshotManifest(
            name=name,
            begun_ms=begun_ms,
            parts=(
                await self._write(name, DIRECTORY, self._directory_lines(counter)),
                await self._write(name, PACKAGES, self._package_lines(counter)),
                await self._write(name, EVENTS, self._event_lines()),
            ),
            ended_ms=self.clock.now_ms(),
        )
        text = manifest.model_dump_json(indent=2).encode()
        await self.snapshots.store.write(f"{name}/{MANIFEST_FILE}", _one(text))
        await self.last_counts.save(counter.counts)
        return manifest

    async def _write(self, name: str, file: str, lines: AsyncIterator[bytes]) -> SnapshotPart:
        compressed = CompressedFile(file)
        await self.snapshots.store.write(f"{name}/{file}", compressed.pack(lines))
        return compressed.part()

    async def _directory_lines(self, counter: _Counter) -> AsyncGenerator[bytes]:
        for kind in ENTITIES:
            async for batch in entity_batches(self.directory, kind, ENTITIES_AT_ONCE):
                counter.add(RegistryCounts.of_entities(batch, self.clock.now_ms()))
                for entity in batch:
                    yield to_line(entity)

    async def _package_lines(self, counter: _Counter) -> AsyncGenerator[bytes]:
        async for heads in package_batches(self.metadata, PACKAGES_AT_ONCE):
            for lines in await asyncio.gather(*(self._lines_of(head, counter) for head in heads)):
                for line in lines:
                    yield line

    async def _lines_of(self, head: Head, counter: _Counter) -> list[bytes]:
        package = head.package
        releases, daily = await asyncio.gather(
            self.metadata.releases(package), self.pulls.daily(package)
        )
        counter.add(RegistryCounts.of_package(head, releases))
        counted = {version: dict(days) for version, days in daily.items()}
        pulls = SnapshotPulls(org=package.org, name=package.name, daily=counted)
        return [to_line(each) for each in (head, *releases, pulls)]

    async def _event_lines(self) -> AsyncGenerator[bytes]:
        last = 0
        while logged := await self.events.logged(last, RECORDS_AT_ONCE):
            for each in logged:
                yield to_line(SnapshotEvent.of(each))
            last = logged[-1].number
        # The events of deleted entities are in no record of the snapshot.
        for pending in await self.directory.outboxes(ENTITIES_AT_ONCE):
            for event in pending.outbox:
                yield to_line(SnapshotEvent.of(LoggedEvent(0, event, None)))


async def _one(piece: bytes) -> AsyncGenerator[bytes]:
    yield piece


# An interrupted restore can be repeated during this time.
RESTORE_MARK_KEPT_FOR = timedelta(days=7)

_KEY = "name"


class ArchiveSources(Struct, frozen=True):
    """The stores of what no record has: archives, bills of materials and the files of logs that
    ended, here or of another registry."""

    archives: ArchiveStore
    documents: DocumentStore
    log_files: LogFiles


async def _nothing_more() -> None: ...


class SnapshotRestore(Struct, frozen=True):
    """Writes the records of a snapshot to the stores of an empty registry.

    A release is written when its archive exists, and its package is listed after that, so that
    every release can be pulled. A repeat goes on after an interruption: it adds what is missing and
    changes nothing else.
    """

    metadata: MetadataStore
    directory: DirectoryStore
    events: EventStore
    pulls: PullLedger
    work: WorkStore
    clock: Clock
    here: ArchiveSources
    derived_data: DerivedData
    readers: Readers

    async def restore(
        self,
        snapshots: StoredSnapshots,
        name: str,
        elsewhere: ArchiveSources | None = None,
        finish: Callable[[], Awaitable[None]] = _nothing_more,
        erased: Collection[str] = (),
    ) -> TaskReport:
        """Write the records of a snapshot, and copy the archives that only `elsewhere` has, and the
        files of logs that ended. Until `finish` is done as well, no registry starts over the
        records.

        A release without an archive is left out and reported as a problem; a repeat adds it once
        its archive exists. One whose digest `erased` names needs none: it was removed after the
        snapshot, and its version stays taken when `finish` removes it again. Raises
        `SnapshotUnusable` if the registry is not empty.
        """
        manifest = await snapshots.verify(name)
        await self._begin(name)
        problems = list[str]()
        async for entity in snapshots.records(name, DIRECTORY, Entity):
            with suppress(AlreadyThere):
                await self.directory.add(entity)
        await self._append_events(snapshots, name)
        async for records in _packages(snapshots, name):
            problems += await self._restore_package(records, elsewhere, erased)
        if elsewhere is not None:
            await self._copy_ended_logs(elsewhere)
        await finish()
        await self.work.take(RESTORE_KIND, RESTORE_UNFINISHED, self.clock.now_ms())
        return TaskReport(manifest.lines, manifest.lines - len(problems), tuple(problems))

    async def _copy_ended_logs(self, elsewhere: ArchiveSources) -> None:
        state = await self.directory.get(LogState, PLACE_OF_STATE)
        for ended in state.former if state else ():
            await copy_ended_log(ended, elsewhere.log_files, self.here.log_files)

    async def _begin(self, name: str) -> None:
        now_ms = self.clock.now_ms()
        begun = await self.work.peek(RESTORE_KIND, _KEY, now_ms)
        if begun != name and not await self._is_empty():
            message = "There is a registry here already. Restore to an empty one."
            raise SnapshotUnusable(message)
        ends_ms = now_ms + RESTORE_MARK_KEPT_FOR // MS
        await self.work.put(RESTORE_KIND, _KEY, name, ends_ms)
        await self.work.put(RESTORE_KIND, RESTORE_UNFINISHED, name, ends_ms)

    async def _is_empty(self) -> bool:
        heads = await self.metadata.packages("", 1)
        accounts = await self.directory.list_all(Account, Place(""), 1)
        return not heads and not accounts and not await self.events.since(0, 1)

    async def _append_events(self, snapshots: StoredSnapshots, name: str) -> None:
        """Restore the feed before anything can be appended to it, so that the numbers stay."""
        batch = list[LoggedEvent]()
        number = 0
        async for event in snapshots.records(name, EVENTS, SnapshotEvent):
            number += 1
            if event.leaf and event.number != number:
                message = f"{EVENTS} of the snapshot {name} lacks event {number}."
                raise SnapshotUnusable(message)
            batch.append(event.logged)
            if len(batch) >= RECORDS_AT_ONCE:
                await self.events.restore(batch)
                batch.clear()
        await self.events.restore(batch)

    async def _restore_package(
        self, records: Sequence[Record], elsewhere: ArchiveSources | None, erased: Collection[str]
    ) -> list[str]:
        """Write a package and its releases; return the problems."""
        problems = list[str]()
        head = next(each for each in records if isinstance(each, Head))
        await self.metadata.claim(head)
        for record in records:
            if isinstance(record, Release):
                problems += await self._restore_release(head, record, elsewhere, erased)
            elif isinstance(record, SnapshotPulls):
                await self.pulls.restore(record.package, record.daily)
        await self.derived_data.rebuild(head.package)
        return problems

    async def _restore_release(
        self,
        head: Head,
        release: Release,
        elsewhere: ArchiveSources | None,
        erased: Collection[str],
    ) -> list[str]:
        if elsewhere is not None:
            await self._copy(head, release, elsewhere)
        needs_archive = release.state is not State.REMOVED and release.digest not in erased
        if needs_archive and await self.here.archives.stat(release.archive) is None:
            return [f"{release.coordinate}: its archive is missing."]
        for tool in release.tools:
            await self.metadata.claim_tool(tool, head.package)
        with suppress(AlreadyThere):
            await self.metadata.restore_release(await self._with_attestations(release))
        return []

    async def _copy(self, head: Head, release: Release, elsewhere: ArchiveSources) -> None:
        """Copy the archive, its bill of materials and its attestations; the other documents are
        made from the archive."""
        if await elsewhere.archives.stat(release.archive) is None:
            return
        if await self.here.archives.stat(release.archive) is None:
            content = await elsewhere.archives.read(release.archive)
            container = archive_container(head, release, self.readers)
            await self.here.archives.put(release.archive, content, container)
        sbom = await elsewhere.documents.sbom(release.archive_digest)
        if sbom is not None:
            await self.here.documents.put_sbom(release.archive_digest, sbom)
        attestations = await elsewhere.documents.attestations(release.archive_digest)
        for name, content in attestations.items():
            await self.here.documents.put_attestation(release.archive_digest, name, content)

    async def _with_attestations(self, release: Release) -> Release:
        """Return the release without the statements that it names, if they are not stored here: the
        task `sign-releases` makes them again, unless the release is removed."""
        if not release.has_statements or release.state is State.REMOVED:
            return release
        name = statements_name(release.statements)
        if await self.here.documents.attestation(release.archive_digest, name) is not None:
            return release
        return release.model_copy(update={"statements": ""})


async def _packages(snapshots: StoredSnapshots, name: str) -> AsyncGenerator[list[Record]]:
    """Yield the records of each package, its head first."""
    package = list[Record]()
    async for record in snapshots.records(name, PACKAGES, Record):
        if isinstance(record, Head) and package:
            yield package
            package = []
        package.append(record)
    if package:
        yield package


def _manifest_first(file: str) -> bool:
    # The manifest is deleted first, so that a partly deleted snapshot is known to be incomplete.
    return not file.endswith(MANIFEST_FILE)


PIECE_BYTES = 256 * 1024
LINES_AT_ONCE = 100  # Lines read before other tasks run: a line takes about forty microseconds.

_GZIP = 31  # The window bits by which zlib reads and writes gzip files.


class CompressedFile:
    """Compresses or decompresses one file of a snapshot, and measures it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines = 0
        self._bytes = 0
        self._hash = hashlib.sha256()

    async def pack(self, lines: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        """Yield the compressed file of these lines, in pieces."""
        compressor = zlib.compressobj(wbits=_GZIP)
        piece = bytearray()
        async for line in lines:
            await self._count()
            piece += compressor.compress(line)
            if len(piece) >= PIECE_BYTES:
                yield self._measure(bytes(piece))
                piece.clear()
        yield self._measure(bytes(piece) + compressor.flush())

    async def unpack(self, pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        """Yield the lines of a compressed file; raise `SnapshotUnusable` if it is damaged."""
        decompress = zlib.decompressobj(wbits=_GZIP).decompress
        rest = b""
        async for piece in pieces:
            *lines, rest = (rest + self._decompressed(decompress, piece)).split(b"\n")
            for line in lines:
                await self._count()
                yield line

    def part(self) -> SnapshotPart:
        """Return the measures of the file, after all of it was read or written."""
        digest = self._hash.hexdigest()
        return SnapshotPart(name=self._name, lines=self._lines, bytes=self._bytes, sha256=digest)

    async def _count(self) -> None:
        self._lines += 1
        if self._lines % LINES_AT_ONCE == 0:
            await asyncio.sleep(0)

    def _measure(self, piece: bytes) -> bytes:
        self._bytes += len(piece)
        self._hash.update(piece)
        return piece

    def _decompressed(self, decompress: Callable[[bytes], bytes], piece: bytes) -> bytes:
        try:
            return decompress(self._measure(piece))
        except zlib.error:
            message = f"{self._name} of the snapshot is damaged. Take another snapshot."
            raise SnapshotUnusable(message) from None
