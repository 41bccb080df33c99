"""The archives of another registry, each fetched when it is read, for a drill."""

from collections.abc import AsyncIterator, Mapping

from shared.adapters.file_archives import FileArchives
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.digests import Digest
from shared.domain.archives.names import ArchiveName
from shared.ports.archive_store import ArchiveStore, StoredArchive


class SampledArchives:
    """An `ArchiveStore` that knows which archives the other store has, and keeps in files what was
    read of them. It changes nothing in the other store."""

    def __init__(
        self, there: ArchiveStore, listed: Mapping[Digest, StoredArchive], here: FileArchives
    ) -> None:
        self._there = there
        self._listed = dict(listed)
        self._here = here

    async def put(
        self, name: ArchiveName, content: bytes | memoryview, container: ArchiveContainer
    ) -> None:
        await self._here.put(name, content, container)

    async def stat(self, name: ArchiveName) -> StoredArchive | None:
        return self._listed.get(name.digest) or await self._here.stat(name)

    async def read(
        self,
        name: ArchiveName,
        start: int = 0,
        count: int | None = None,
        *,
        first: ArchiveContainer = ArchiveContainer.PUBLIC,
    ) -> bytes:
        if await self._here.stat(name) is None:
            await self._here.put(name, await self._there.read(name, first=first), first)
        return await self._here.read(name, start, count)

    async def move(self, name: ArchiveName, to: ArchiveContainer) -> None:
        """Change nothing: there is one folder here."""

    async def list(self, stored_before_ms: int) -> AsyncIterator[StoredArchive]:
        for each in self._listed.values():
            if each.stored_ms < stored_before_ms:
                yield each

    async def delete(self, digest: Digest, stored_before_ms: int) -> bool:
        """Forget the archive here; the other store keeps it."""
        self._listed.pop(digest, None)
        return await self._here.delete(digest, stored_before_ms)
