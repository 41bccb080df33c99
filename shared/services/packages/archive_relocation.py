"""Moves of archives between the public and the private container."""

import asyncio
from collections.abc import Mapping, Sequence

from msgspec import Struct

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.delivery import changes_placement
from shared.domain.archives.names import ArchiveName
from shared.domain.coordinates import Package
from shared.domain.packages import Head, Release, archive_container
from shared.domain.visibility import Readers
from shared.ports.archive_delivery import EdgeCache
from shared.ports.archive_store import ArchiveStore
from shared.ports.metadata import MetadataStore
from shared.runtime.gathering import gather_all
from shared.runtime.retries import retried_when_stale
from shared.services.packages.archive_delivery import public_link_prefix

ARCHIVES_MOVED_AT_ONCE = 16  # Archives of one package that are moved at the same time.


class ArchiveRelocation(Struct, frozen=True):
    """Moves archives to the container where their records say they belong, and purges caches.

    Archives are moved before caches are purged, because a cache that is purged earlier could read
    the archive again. The registry itself looks only at the records of archives; moves and purges
    are for stores and caches that serve archives without asking it. A change stays in the outbox of
    its record until both are done, so that a maintenance task finishes them after a crash. Every
    call may be repeated.
    """

    metadata: MetadataStore
    archives: ArchiveStore
    edge: EdgeCache | None  # None if no cache can be purged.
    readers: Readers

    async def apply(self, record: Head | Release) -> None:
        """Move the archives of a changed record; most changes move none.

        Another change may happen meanwhile, so the record is read again until it is unchanged.
        """
        if not changes_placement(record.outbox):
            return
        placed: Mapping[ArchiveName, ArchiveContainer] | None = None
        while (wanted := await self._containers(record)) != placed:
            await self._move(wanted)
            placed = wanted

    async def place(self, head: Head, now_ms: int) -> None:
        """Move the archives of a package that were placed while the setting `readers` had another
        value, and store the new value in its record.

        Instances with the earlier setting may still push afterwards, so the placement counts as
        settled only after a while, as it does after a change of the package.
        """
        await self._move(await self._containers(head))
        await self._note_placement(head.package, now_ms)

    @retried_when_stale
    async def _note_placement(self, package: Package, now_ms: int) -> None:
        head = await self.metadata.head(package)
        if head is not None:
            noted = {"placed_for": self.readers, "changed_ms": now_ms}
            await self.metadata.replace_head(head.model_copy(update=noted))

    async def _containers(self, record: Head | Release) -> Mapping[ArchiveName, ArchiveContainer]:
        """Return the container in which each archive of the record now belongs."""
        if isinstance(record, Head):
            head, releases = await asyncio.gather(
                self.metadata.head(record.package), self.metadata.releases(record.package)
            )
            return (
                {each.archive: archive_container(head, each, self.readers) for each in releases}
                if head
                else {}
            )
        found = await self.metadata.find(record.coordinate)
        head = found.head
        release = found.release
        if head is None or release is None:
            return {}
        return {release.archive: archive_container(head, release, self.readers)}

    async def _move(self, wanted: Mapping[ArchiveName, ArchiveContainer]) -> None:
        names = list(wanted)
        for start in range(0, len(names), ARCHIVES_MOVED_AT_ONCE):
            batch = names[start : start + ARCHIVES_MOVED_AT_ONCE]
            # A move that went on after the failure of another could end after a later change's.
            await gather_all(*(self.archives.move(name, wanted[name]) for name in batch))
        await self._purge([name for name in names if wanted[name] is ArchiveContainer.PRIVATE])

    async def _purge(self, names: Sequence[ArchiveName]) -> None:
        if self.edge is not None and names:
            await self.edge.forget([public_link_prefix(name) for name in names])
