"""Placing: moving archives to the side where they belong, and withdrawing copies from caches.

The records say who may have an archive, and every answer of ours looks at them first. What lies
past our answers follows here, as soon as the change is recorded. It is derived: a change stays in
its record's outbox until this is done, so that upkeep finishes what a crash left.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.domain.archive_name import ArchiveName
from shared.domain.package import Head, Release, Visibility
from shared.domain.sides import moves_archives, side_of
from shared.ports import ArchiveStore, Edge, MetadataStore
from shared.services.serving import public_copies

AT_ONCE = 16  # Archives of one package that are moved side by side.


@dataclass(frozen=True)
class Placing:
    """Moves archives as their records demand; every call may be repeated."""

    metadata: MetadataStore
    archives: ArchiveStore
    edge: Edge | None  # None where no copies are kept, or nobody can withdraw them.

    async def follow(self, record: Head | Release) -> None:
        """Do what the unfinished changes of the record demand, which is nothing for most of them.

        Whoever changes it meanwhile may be overtaken, so it is read again until it stands.
        """
        if not moves_archives(record.outbox):
            return
        placed: Mapping[ArchiveName, Visibility] | None = None
        while (wanted := await self._wanted(record)) != placed:
            await self._place(wanted)
            placed = wanted

    async def _wanted(self, record: Head | Release) -> Mapping[ArchiveName, Visibility]:
        """Return where the archives of the record belong by now."""
        if isinstance(record, Head):
            head, releases = await asyncio.gather(
                self.metadata.head(record.package), self.metadata.releases(record.package)
            )
            return {each.archive: side_of(head, each) for each in releases} if head else {}
        found = await self.metadata.find(record.coordinate)
        head, release = found.head, found.release
        return {release.archive: side_of(head, release)} if head and release else {}

    async def _place(self, wanted: Mapping[ArchiveName, Visibility]) -> None:
        names = list(wanted)
        for start in range(0, len(names), AT_ONCE):
            batch = names[start : start + AT_ONCE]
            await asyncio.gather(*(self.archives.move(name, wanted[name]) for name in batch))
        await self._withdraw([name for name in names if wanted[name] is Visibility.PRIVATE])

    async def _withdraw(self, names: Sequence[ArchiveName]) -> None:
        if self.edge is not None and names:
            await self.edge.forget([public_copies(name) for name in names])
