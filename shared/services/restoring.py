"""Restoring: making an empty registry what a snapshot says.

A release is written when its archive is there, and its package is listed after that: at no moment
is there something that cannot be pulled. What broke off is gone on with by a repeat, which adds
what is not there and changes nothing that is.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.accounts import Account
from shared.domain.entity import Entity, Place
from shared.domain.package import Event, Head, Record, Release, State
from shared.domain.sides import side_of
from shared.domain.snapshots import (
    DIRECTORY,
    EVENTS,
    PACKAGES,
    Pulls,
    SnapshotUnusable,
)
from shared.ports import (
    AlreadyThere,
    ArchiveStore,
    Clock,
    DirectoryStore,
    DocumentStore,
    EventStore,
    MetadataStore,
    PullLedger,
    WorkStore,
)
from shared.services.deriving import Deriving
from shared.services.reporting import BATCH, Report
from shared.services.shelving import Shelf

MARK_KEPT = timedelta(days=7)  # That long a restore which broke off may be repeated.

_KIND, _KEY = "snapshot-restore", "name"


@dataclass(frozen=True, slots=True)
class Bytes:
    """Where archives and bills of materials come from that are not here yet."""

    archives: ArchiveStore
    documents: DocumentStore


@dataclass(frozen=True)
class Restoring:
    """Writes the records of snapshots to the stores of an empty registry."""

    metadata: MetadataStore
    directory: DirectoryStore
    events: EventStore
    pulls: PullLedger
    work: WorkStore
    clock: Clock
    here: Bytes
    deriving: Deriving

    async def restore(self, shelf: Shelf, name: str, elsewhere: Bytes | None = None) -> Report:
        """Write the records of a snapshot, and copy archives that only `elsewhere` has.

        Releases without an archive are left out: each is a problem, and a repeat adds them once
        their archives are there. Raises `SnapshotUnusable` where there is a registry already.
        """
        manifest = await shelf.verified(name)
        await self._begin(name)
        problems = list[str]()
        async for entity in shelf.records(name, DIRECTORY, Entity):
            with suppress(AlreadyThere):
                await self.directory.add(entity)
        await self._append(shelf, name)
        async for records in _packages(shelf, name):
            problems += await self._package(records, elsewhere)
        return Report("restore", manifest.lines, manifest.lines - len(problems), tuple(problems))

    async def _begin(self, name: str) -> None:
        now_ms = self.clock.now_ms()
        begun = await self.work.peek(_KIND, _KEY, now_ms)
        if begun != name and not await self._is_empty():
            message = "There is a registry here already. Restore to an empty one."
            raise SnapshotUnusable(message)
        ends_ms = now_ms + MARK_KEPT // timedelta(milliseconds=1)
        await self.work.put(_KIND, _KEY, name, ends_ms)

    async def _is_empty(self) -> bool:
        heads = await self.metadata.packages("", 1)
        accounts = await self.directory.all(Account, Place(""), 1)
        return not heads and not accounts and not await self.events.since(0, 1)

    async def _append(self, shelf: Shelf, name: str) -> None:
        waiting = list[Event]()
        async for event in shelf.records(name, EVENTS, Event):
            waiting.append(event)
            if len(waiting) >= BATCH:
                await self.events.append(waiting)
                waiting.clear()
        await self.events.append(waiting)

    async def _package(self, records: Sequence[Record], elsewhere: Bytes | None) -> list[str]:
        """Write a package, and return what is wrong with it."""
        problems = list[str]()
        head = next(each for each in records if isinstance(each, Head))
        await self.metadata.claim(head)
        for record in records:
            if isinstance(record, Release):
                problems += await self._release(head, record, elsewhere)
            elif isinstance(record, Pulls):
                await self.pulls.restore(record.package, record.daily)
        await self.deriving.rebuild(head.package)
        return problems

    async def _release(self, head: Head, release: Release, elsewhere: Bytes | None) -> list[str]:
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

    async def _copy(self, head: Head, release: Release, elsewhere: Bytes) -> None:
        """Copy the archive and what a client sent beside it; the rest is read from the archive."""
        if await elsewhere.archives.stat(release.archive) is None:
            return
        if await self.here.archives.stat(release.archive) is None:
            content = await elsewhere.archives.read(release.archive)
            await self.here.archives.put(release.archive, content, side_of(head, release))
        sbom = await elsewhere.documents.sbom(release.content)
        if sbom is not None:
            await self.here.documents.put_sbom(release.content, sbom)


async def _packages(shelf: Shelf, name: str) -> AsyncGenerator[list[Record]]:
    """Yield the records of each package, which begin with its head."""
    package = list[Record]()
    async for record in shelf.records(name, PACKAGES, Record):
        if isinstance(record, Head) and package:
            yield package
            package = []
        package.append(record)
    if package:
        yield package
