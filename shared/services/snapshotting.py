"""Snapshotting: writing all records down where a lost database does not take them along.

Nothing is held up meanwhile, so a snapshot is of no single moment. What makes it whole is the
order: records are read before the feed that they have published to, so every event is either in the
feed or still owed by its record; and archives are stored before the records that name them and
swept a day after those are gone, so what a snapshot names is there.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.census import Census
from shared.domain.entity import Place
from shared.domain.package import Head
from shared.domain.snapshots import (
    DIRECTORY,
    ENTITIES,
    EVENTS,
    MANIFEST,
    PACKAGES,
    Manifest,
    Part,
    Pulls,
    SnapshotUnusable,
    line_of,
    snapshot_name,
)
from shared.ports import (
    Clock,
    DirectoryStore,
    EventStore,
    MetadataStore,
    PullLedger,
)
from shared.services.censuses import Censuses, Tally
from shared.services.packing import Packing
from shared.services.reporting import BATCH, Report
from shared.services.shelving import Shelf

ENTITIES_AT_ONCE = 5_000  # Some 10 MB. The cloud reads all that is left for each batch.
PACKAGES_AT_ONCE = 16
UNFINISHED_KEPT = timedelta(days=1)  # Longer than any snapshot takes.


@dataclass(frozen=True)
class Snapshotting:
    """Takes snapshots, and lets go of old ones."""

    metadata: MetadataStore
    directory: DirectoryStore
    events: EventStore
    pulls: PullLedger
    shelf: Shelf
    censuses: Censuses
    clock: Clock
    kept: timedelta

    async def run(self) -> Report:
        """Take a snapshot, read it again, and let go of those whose time is over.

        While the new one is no good, all others stay.
        """
        manifest = await self.take()
        try:
            await self.shelf.verified(manifest.name)
        except SnapshotUnusable as unusable:
            return Report("snapshot", manifest.lines, 0, (str(unusable),))
        return Report("snapshot", manifest.lines, 1 + await self._let_go())

    async def take(self) -> Manifest:
        """Write every record down; the manifest comes last. What is met is counted on the way."""
        begun_ms, tally = self.clock.now_ms(), Tally()
        name = snapshot_name(begun_ms)
        manifest = Manifest(
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
        await self.shelf.store.write(f"{name}/{MANIFEST}", _one(text))
        await self.censuses.note(tally.census)
        return manifest

    async def _write(self, name: str, file: str, lines: AsyncIterator[bytes]) -> Part:
        packing = Packing(file)
        await self.shelf.store.write(f"{name}/{file}", packing.pack(lines))
        return packing.part()

    async def _directory_lines(self, tally: Tally) -> AsyncGenerator[bytes]:
        for kind in ENTITIES:
            after = Place("")
            while batch := await self.directory.all(kind, after, ENTITIES_AT_ONCE):
                tally.add(Census.of_entities(batch, self.clock.now_ms()))
                for entity in batch:
                    yield line_of(entity)
                after = batch[-1].place

    async def _package_lines(self, tally: Tally) -> AsyncGenerator[bytes]:
        after = ""
        while heads := await self.metadata.packages(after, PACKAGES_AT_ONCE):
            for lines in await asyncio.gather(*(self._lines_of(head, tally) for head in heads)):
                for line in lines:
                    yield line
            after = heads[-1].package.key

    async def _lines_of(self, head: Head, tally: Tally) -> list[bytes]:
        package = head.package
        releases, daily = await asyncio.gather(
            self.metadata.releases(package), self.pulls.daily(package)
        )
        tally.add(Census.of_package(head, releases))
        counted = {version: dict(days) for version, days in daily.items()}
        pulls = Pulls(org=package.org, name=package.name, daily=counted)
        return [line_of(each) for each in (head, *releases, pulls)]

    async def _event_lines(self) -> AsyncGenerator[bytes]:
        last = 0
        while numbered := await self.events.since(last, BATCH):
            for _, event in numbered:
                yield line_of(event)
            last = numbered[-1][0]
        # Those of removed entities are owed by nobody whom a snapshot knows.
        for waiting in await self.directory.unpublished(ENTITIES_AT_ONCE):
            for event in waiting.outbox:
                yield line_of(event)

    async def _let_go(self) -> int:
        """Remove old snapshots, but for the newest, and what never was a whole one."""
        now_ms = self.clock.now_ms()
        whole = [manifest.name for manifest in await self.shelf.all()]
        old = snapshot_name(now_ms - self.kept // timedelta(milliseconds=1))
        dead = snapshot_name(now_ms - UNFINISHED_KEPT // timedelta(milliseconds=1))
        names = {each.partition("/")[0] for each in await self.shelf.store.list()}
        going = {name for name in whole[1:] if name < old}
        going |= {name for name in names.difference(whole) if name < dead}
        await self.shelf.remove(going)
        return len(going)


async def _one(piece: bytes) -> AsyncGenerator[bytes]:
    yield piece
