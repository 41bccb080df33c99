"""Checking: the checksums of archives, by which clients tell damaged files from whole ones."""

import asyncio

from shared.auth.recent import Recent
from shared.domain.checksum import Algorithm, Checksum
from shared.domain.errors import ChecksumDiffers
from shared.domain.package import Release
from shared.ports import ArchiveStore

CHUNK = 4 * 1024 * 1024  # Bytes that are read and summed up at once; about 10 ms on a thread.
REMEMBERED = 10_000  # Checksums; an archive never changes, so neither do they.


class Checking:
    """Computes checksums of stored archives, each once as long as it is remembered."""

    def __init__(self, archives: ArchiveStore) -> None:
        """Read from `archives`."""
        self._archives = archives
        self._known = Recent[str](REMEMBERED)

    async def checksum(self, release: Release, algorithm: Algorithm) -> str:
        """Return a checksum of the release's archive."""
        if algorithm is Algorithm.SHA256:
            return release.digest
        key = f"{algorithm.value}:{release.digest}"
        known = self._known.get(key)
        if known is None:
            known = await self._compute(release, algorithm)
            self._known.put(key, known)
        return known

    async def require(self, release: Release, claimed: Checksum) -> None:
        """Raise `ChecksumDiffers` unless the release's archive has the checksum."""
        actual = await self.checksum(release, claimed.algorithm)
        if actual != claimed.hex:
            raise ChecksumDiffers(claimed.algorithm.name, claimed.hex, actual)

    async def _compute(self, release: Release, algorithm: Algorithm) -> str:
        hasher = algorithm.hasher()
        for start in range(0, release.size_bytes, CHUNK):
            chunk = await self._archives.read(release.archive, start, CHUNK)
            await asyncio.to_thread(hasher.update, chunk)
        return hasher.hexdigest()
