"""Deploying: how a Maven client publishes, one file a request.

The archive is the release: its arrival commits, and everything that a client sends beside it is
checked and, but for the bill of materials, not kept. What is read back is made from the release.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from shared.domain.checksum import Algorithm, Checksum
from shared.domain.digest import Digest
from shared.domain.errors import (
    FileTooLarge,
    ReleaseNotFound,
    SbomExists,
    SbomUnreadable,
    VersionExists,
)
from shared.domain.identity import Principal
from shared.domain.json_bounds import has_at_most
from shared.domain.names import Coordinate, Package
from shared.domain.package import Release, State
from shared.domain.pom import require_pom
from shared.ports import DocumentStore, MetadataStore
from shared.services.checking import Checking
from shared.services.publishing import Publishing, Upload

MAX_SBOM_BYTES = 8 * 1024 * 1024  # A bill of materials names each dependency in about 1 KiB.
MOST_SBOM_VALUES = 1_000_000  # A name, a version and a licence are about ten bytes each.
_FORMAT = "CycloneDX"


@dataclass(frozen=True)
class Deploying:
    """Takes the files of releases in whatever order they come."""

    publishing: Publishing
    metadata: MetadataStore
    documents: DocumentStore
    checking: Checking

    async def archive(self, content: bytes, at: Coordinate, *, by: Principal) -> Release:
        """Publish the archive; it must be the release that its place names.

        A repeat of the same bytes is fine at any time: these clients never ask whether a version
        is there, and repeat a whole push when one file of it fails.
        """
        try:
            return await self.publishing.push(Upload(content, claimed=at), by)
        except VersionExists:
            found = await self.metadata.find(at)
            digest = await asyncio.to_thread(Digest.of, content)
            if found.release is None or not _is_there_with(found.release, digest):
                raise
            return found.release

    async def archive_checksum(
        self, content: bytes, algorithm: Algorithm, at: Coordinate, *, by: Principal
    ) -> None:
        """Compare a checksum with that of the archive, which came before it."""
        release = await self._published(at, by)
        await self.checking.require(release, Checksum.parse(algorithm, content))

    async def pom(self, content: bytes, at: Coordinate, *, by: Principal) -> None:
        """Check a POM, which may come before its archive or after one that was refused."""
        await self.require_right(at.package, by=by)
        require_pom(content, at)

    async def sbom(self, content: bytes, at: Coordinate, *, by: Principal) -> None:
        """Keep the bill of materials of a release that has none."""
        release = await self._published(at, by)
        if len(content) > MAX_SBOM_BYTES:
            what = "bill of materials"
            raise FileTooLarge(what, len(content), MAX_SBOM_BYTES)
        if not await asyncio.to_thread(_is_cyclonedx, content):
            raise SbomUnreadable
        if await self.documents.put_sbom(release.content, content) != content:
            raise SbomExists(at)

    async def require_right(self, package: Package, *, by: Principal) -> None:
        """Raise unless `by` may publish the package: so are files taken that are made here."""
        head = await self.metadata.head(package)
        await self.publishing.require_right(package, head, by)

    async def _published(self, at: Coordinate, by: Principal) -> Release:
        """Return the release that a file belongs to, if `by` may publish it."""
        found = await self.metadata.find(at)
        await self.publishing.require_right(at.package, found.head, by)
        if found.release is None or not _takes_files(found.release):
            raise ReleaseNotFound(at.package, at.version)
        return found.release


def _takes_files(release: Release) -> bool:
    """Say whether what comes beside the archive is taken: a push is whole, held or not."""
    return release.state is State.LIVE or release.awaits_owner


def _is_there_with(release: Release, digest: Digest) -> bool:
    return _takes_files(release) and release.content == digest


def _is_cyclonedx(content: bytes) -> bool:
    if not has_at_most(MOST_SBOM_VALUES, content):
        return False
    try:
        read: object = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(read, dict) and cast(Mapping[str, object], read).get("bomFormat") == _FORMAT
