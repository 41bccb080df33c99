"""The balas as blobs. A blob is there whole or not at all, and says itself when it was stored."""

from collections.abc import AsyncIterator
from io import BytesIO

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobProperties
from azure.storage.blob.aio import BlobClient

from shared.adapters.blob.connecting import Blobs, answered
from shared.adapters.paths import archive_blob, digest_of_blob
from shared.domain.digest import Digest
from shared.domain.errors import ArchiveNotFound
from shared.ports import Clock, StoredArchive

_STORED = "stored_ms"


class BlobArchives:
    """The ArchiveStore of a registry in the cloud."""

    def __init__(self, blobs: Blobs, clock: Clock) -> None:
        """Keep the archives in the container `archives`; `clock` dates them."""
        self._blobs = blobs
        self._clock = clock

    async def put(self, digest: Digest, content: bytes | memoryview) -> None:
        """Store the archive, or renew the time of the one that is there."""
        with answered():
            while not await self._created(digest, content):
                if await self._renewed(digest):
                    return

    async def stat(self, digest: Digest) -> StoredArchive | None:
        """Return what is stored under the digest, or None."""
        with answered():
            try:
                return _stored(digest, await self._blob(digest).get_blob_properties())
            except ResourceNotFoundError:
                return None

    async def read(self, digest: Digest, start: int = 0, count: int | None = None) -> bytes:
        """Return `count` bytes from `start`, all by default; raise `ArchiveNotFound`."""
        with answered():
            try:
                found = await self._blob(digest).download_blob(offset=start, length=count)
                return await found.readall()
            except ResourceNotFoundError:
                raise ArchiveNotFound from None
            except HttpResponseError:
                return b""  # From behind its end.

    async def list(self, stored_before_ms: int) -> AsyncIterator[StoredArchive]:
        """Yield the archives that were last stored before that time."""
        with answered():
            async for blob in self._blobs.container("archives").list_blobs(include=["metadata"]):
                archive = _stored(digest_of_blob(blob.name), blob)
                if archive.stored_ms < stored_before_ms:
                    yield archive

    async def delete(self, digest: Digest, stored_before_ms: int) -> bool:
        """Remove the archive unless it was stored again since; say whether it is gone."""
        blob = self._blob(digest)
        with answered():
            try:
                found = await blob.get_blob_properties()
                if _stored(digest, found).stored_ms >= stored_before_ms:
                    return False
                unmodified = MatchConditions.IfNotModified
                await blob.delete_blob(etag=found.etag, match_condition=unmodified)
            except ResourceModifiedError:
                return False  # It was stored again meanwhile.
            except ResourceNotFoundError:
                return True
        return True

    async def _renewed(self, digest: Digest) -> bool:
        try:
            await self._blob(digest).set_blob_metadata(self._date())
        except ResourceNotFoundError:
            return False  # A sweep took it in between.
        return True

    async def _created(self, digest: Digest, content: bytes | memoryview) -> bool:
        try:
            await self._blob(digest).upload_blob(
                BytesIO(content), overwrite=False, metadata=self._date(), max_concurrency=4
            )
        except ResourceExistsError:
            return False
        return True

    def _date(self) -> dict[str, str]:
        return {_STORED: str(self._clock.now_ms())}

    def _blob(self, digest: Digest) -> BlobClient:
        return self._blobs.container("archives").get_blob_client(archive_blob(digest))


def _stored(digest: Digest, found: BlobProperties) -> StoredArchive:
    return StoredArchive(digest, found.size, int((found.metadata or {}).get(_STORED, 0)))
