"""Bringing back the archive of a release that was lost or damaged."""

from msgspec import Struct

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Invalid, NotFound
from shared.domain.errors.packages import ArchiveLost, ReleaseNotFound
from shared.domain.packages import Release, archive_container
from shared.domain.release_states import State
from shared.domain.visibility import Readers
from shared.ports.archive_store import STORED_AT_ANY_TIME_MS, ArchiveStore
from shared.ports.metadata import MetadataStore


class ArchiveRecovery(Struct, frozen=True):
    """Puts archives back that other stores have: a backup, or the registry of another folder."""

    metadata: MetadataStore
    archives: ArchiveStore
    readers: Readers

    async def put_back(self, coordinate: Coordinate, source: ArchiveStore) -> bool:
        """Store the archive of a release as `source` has it; return False if it is intact here.

        The bytes have to be those of the record. It may be repeated.
        """
        found = await self.metadata.find(coordinate)
        head = found.head
        release = found.release
        if head is None or release is None or release.state is State.REMOVED:
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        if await _has(self.archives, release):
            return False
        if await source.stat(release.archive) is None:
            raise NotFound(
                "archive-not-in-backup",
                f"That backup has no archive of {coordinate}. Try an older or a newer backup, or "
                "push the same archive again.",
            )
        content = await source.read(release.archive)
        if Digest.of(content) != release.archive_digest:
            raise Invalid(
                "archive-damaged-in-backup",
                f"The archive of {coordinate} is damaged in that backup as well. Try an older one, "
                "or push the same archive again.",
            )
        container = archive_container(head, release, self.readers)
        await self.archives.put(release.archive, content, container)
        if not await _has(self.archives, release):
            # The other container of the cloud has a damaged copy.
            await self.archives.delete(release.archive_digest, STORED_AT_ANY_TIME_MS)
            await self.archives.put(release.archive, content, container)
        if not await _has(self.archives, release):
            raise ArchiveLost(coordinate)
        return True


async def _has(archives: ArchiveStore, release: Release) -> bool:
    if await archives.stat(release.archive) is None:
        return False
    return Digest.of(await archives.read(release.archive)) == release.archive_digest
