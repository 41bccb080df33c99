"""Archives as blobs. A blob is there whole or not at all, and records when it was stored."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
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

from shared.adapters.blob.client import RANGE_BEHIND_THE_END, BlobContainers, translate_blob_errors
from shared.adapters.blob.signed_links import LINK_LIFETIME, BlobLinks
from shared.adapters.paths import ARCHIVE_CONTAINERS, archive_blob, archive_blobs, digest_of_blob
from shared.domain.archives.names import ArchiveName, Digest
from shared.domain.errors.packages import ArchiveNotFound
from shared.domain.packages import Visibility
from shared.ports import Clock, StoredArchive

_STORED = "stored_ms"
_OTHER = {Visibility.PUBLIC: Visibility.PRIVATE, Visibility.PRIVATE: Visibility.PUBLIC}

# Whoever followed a private link in its last moment reads for a while.
_LINGERS = LINK_LIFETIME[Visibility.PRIVATE] + timedelta(minutes=10)
_LINGERS_MS = _LINGERS // timedelta(milliseconds=1)


class BlobArchives:
    """The ArchiveStore of a registry in the cloud: a container for each side."""

    def __init__(self, blobs: BlobContainers, clock: Clock) -> None:
        """Keep the archives in the containers `archives` and `private`; `clock` dates them."""
        self._blobs = blobs
        self._clock = clock
        self.links = BlobLinks(blobs, clock)

    async def put(self, name: ArchiveName, content: bytes | memoryview, side: Visibility) -> None:
        """Store the archive, or renew the time of the one that is there."""
        blob = self._blob(name, side)
        with translate_blob_errors():
            while not await self._created(blob, content):
                if await self._renewed(blob):
                    return

    async def stat(self, name: ArchiveName) -> StoredArchive | None:
        """Return what is stored under the name, on the public side if it lies on both."""
        with translate_blob_errors():
            for side in Visibility:
                with suppress(ResourceNotFoundError):
                    found = await self._blob(name, side).get_blob_properties()
                    return _stored(name.digest, found, side)
        return None

    async def read(
        self,
        name: ArchiveName,
        start: int = 0,
        count: int | None = None,
        *,
        first: Visibility = Visibility.PUBLIC,
    ) -> bytes:
        """Return `count` bytes from `start`, all by default; raise `ArchiveNotFound`."""
        with translate_blob_errors():
            # Once more on the first side: it may have moved there after it was looked for.
            for side in (first, _OTHER[first], first):
                with suppress(ResourceNotFoundError):
                    return await _part(self._blob(name, side), start, count)
        raise ArchiveNotFound

    async def move(self, name: ArchiveName, to: Visibility) -> None:
        """Have the archive lie on that side.

        Each of two who move it there and back takes it away on condition that nobody touched it
        there since, and touches it on the other side before. So one of them fails to take it away,
        whoever was first with what, and the archive is never gone on both sides.
        """
        source, target = self._blob(name, _OTHER[to]), self._blob(name, to)
        with translate_blob_errors(), suppress(ResourceNotFoundError):  # Then it is there by now.
            found = await source.get_blob_properties()
            if await self._arrived(source, target, to):
                await _delete(source, found)

    async def list(self, stored_before_ms: int) -> AsyncIterator[StoredArchive]:
        """Yield the archives that were last stored before that time."""
        for side, container in ARCHIVE_CONTAINERS.items():
            with translate_blob_errors():
                async for blob in self._blobs.container(container).list_blobs(include=["metadata"]):
                    archive = _stored(digest_of_blob(blob.name), blob, side)
                    if archive.stored_ms < stored_before_ms:
                        yield archive

    async def delete(self, digest: Digest, stored_before_ms: int) -> bool:
        """Remove the archive unless it was stored again since; say whether it is gone."""
        is_gone = True
        with translate_blob_errors():
            for side, name in ARCHIVE_CONTAINERS.items():
                container, prefix = self._blobs.container(name), archive_blobs(digest)
                async for blob in container.list_blobs(prefix, include=["metadata"]):
                    is_old = _stored(digest, blob, side).stored_ms < stored_before_ms
                    client = container.get_blob_client(blob.name)
                    is_gone &= is_old and await _delete(client, blob)
        return is_gone

    async def _arrived(self, source: BlobClient, target: BlobClient, side: Visibility) -> bool:
        """Have a copy on that side, touched just now; say whether the source may go already."""
        while not await self._copied(source, target):
            if side is Visibility.PUBLIC and not await self._has_settled(target):
                return False
            if await self._renewed(target):
                return True
        return side is Visibility.PRIVATE

    async def _has_settled(self, target: BlobClient) -> bool:
        """Say whether a public copy was there so long that links to the private one have ended."""
        there = await target.get_blob_properties()
        return self._clock.now_ms() - _date_of(there) >= _LINGERS_MS

    async def _copied(self, source: BlobClient, target: BlobClient) -> bool:
        try:
            await target.start_copy_from_url(
                await self.links.source(source),
                metadata=self._date(),
                requires_sync=True,
                match_condition=MatchConditions.IfMissing,
            )
        except (ResourceExistsError, ResourceModifiedError):  # 409, or 412 by the documentation.
            return False
        return True

    async def _renewed(self, blob: BlobClient) -> bool:
        try:
            await blob.set_blob_metadata(self._date())
        except ResourceNotFoundError:
            return False  # A sweep took it in between, or somebody moved it.
        return True

    async def _created(self, blob: BlobClient, content: bytes | memoryview) -> bool:
        try:
            # Piece by piece: when one of several at once fails, the library leaves the others alone
            # and their failures to nobody.
            await blob.upload_blob(BytesIO(content), overwrite=False, metadata=self._date())
        except ResourceExistsError:
            return False
        return True

    def _date(self) -> dict[str, str]:
        return {_STORED: str(self._clock.now_ms())}

    def _blob(self, name: ArchiveName, side: Visibility) -> BlobClient:
        container = self._blobs.container(ARCHIVE_CONTAINERS[side])
        return container.get_blob_client(archive_blob(name))


async def _part(blob: BlobClient, start: int, count: int | None) -> bytes:
    try:
        found = await blob.download_blob(offset=start, length=count)
        return await found.readall()
    except ResourceNotFoundError:
        raise
    except HttpResponseError as refused:
        if refused.status_code != RANGE_BEHIND_THE_END:
            raise
        return b""


async def _delete(blob: BlobClient, found: BlobProperties) -> bool:
    """Delete the blob as it was found; say whether it is gone."""
    try:
        unmodified = MatchConditions.IfNotModified
        await blob.delete_blob(etag=found.etag, match_condition=unmodified)
    except ResourceModifiedError:
        return False  # It was stored again meanwhile.
    except ResourceNotFoundError:
        return True
    return True


def _stored(digest: Digest, found: BlobProperties, side: Visibility) -> StoredArchive:
    return StoredArchive(digest, found.size, _date_of(found), side)


def _date_of(found: BlobProperties) -> int:
    return int((found.metadata or {}).get(_STORED, 0))
