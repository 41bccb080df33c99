"""Archives, byte for byte."""

from collections.abc import AsyncIterator
from typing import Protocol

from msgspec import Struct

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.digests import Digest
from shared.domain.archives.names import ArchiveName

# A `stored_before_ms` after the time of every archive, also where the clock was set back since.
STORED_AT_ANY_TIME_MS = 10**15


class StoredArchive(Struct, frozen=True):
    """A stored archive, and its container; None if there is one container for all."""

    digest: Digest
    size_bytes: int
    stored_ms: int
    container: ArchiveContainer | None = None


class ArchiveStore(Protocol):
    """Archives, byte for byte, by name; no two have the same digest.

    Where links lead past the registry, public and private archives are in two containers. A reader
    needs to know neither the container of an archive nor that the archive is being moved.
    """

    async def put(
        self, name: ArchiveName, content: bytes | memoryview, container: ArchiveContainer
    ) -> None:
        """Store the archive. A repeat renews `stored_ms`, so that a concurrent sweep keeps the
        archive, and changes nothing else if the archive has this content; else it replaces it at
        once. Leaves nothing behind when it raises `StorageFull`."""
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
        first: ArchiveContainer = ArchiveContainer.PUBLIC,
    ) -> bytes:
        """Return `count` bytes from `start`, by default all; log the loss and raise `ArchiveLost`
        if there is no archive. Reading costs least if it is in the container `first`."""
        ...

    async def move(self, name: ArchiveName, to: ArchiveContainer) -> None:
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
