"""Archives as blobs, which are complete or do not exist. Metadata holds when each was stored."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from io import SEEK_CUR, SEEK_END, SEEK_SET, RawIOBase
from typing import TYPE_CHECKING

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobProperties, ContentSettings
from azure.storage.blob.aio import BlobClient

from shared.adapters.blob.client import (
    ARCHIVE_CONTAINERS,
    LINK_CACHE_CONTROL,
    LINK_LIFETIME,
    BlobContainers,
    BlobLinks,
    archive_blob,
    archive_blobs,
    digest_of_blob,
    translate_blob_errors,
)
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.delivery import ARCHIVE_TYPE, content_disposition
from shared.domain.archives.digests import Digest
from shared.domain.archives.names import ArchiveName, archive_file_name
from shared.domain.errors.packages import ArchiveLost
from shared.domain.errors.requests import Busy
from shared.domain.times import MS
from shared.ports.archive_store import StoredArchive
from shared.ports.conflicts import Stale
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.telemetry.log import log

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_STORED = "stored_ms"
_OTHER = {
    ArchiveContainer.PUBLIC: ArchiveContainer.PRIVATE,
    ArchiveContainer.PRIVATE: ArchiveContainer.PUBLIC,
}

# A client that followed a private link just before it expired reads for a while.
_LINK_GRACE = LINK_LIFETIME[ArchiveContainer.PRIVATE] + timedelta(minutes=10)


class BlobArchives:
    """The ArchiveStore of a registry in the cloud, with a public and a private container.

    Each blob has the headers with which a CDN that reads the public container sends it.
    """

    def __init__(self, blobs: BlobContainers, clock: Clock) -> None:
        self._blobs = blobs
        self._clock = clock
        self.links = BlobLinks(blobs, clock)

    async def put(
        self, name: ArchiveName, content: bytes | memoryview, container: ArchiveContainer
    ) -> None:
        blob = self._blob(name, container)
        with translate_blob_errors():
            headers = _headers(name, container)
            while not await self._create(blob, content, headers):
                if not await _has(blob, content):
                    await self._upload(blob, content, headers, overwrite=True)
                    return
                if await self._renew(blob, headers):
                    return

    async def stat(self, name: ArchiveName) -> StoredArchive | None:
        with translate_blob_errors():
            for container in ARCHIVE_CONTAINERS:
                with suppress(ResourceNotFoundError):
                    found = await self._blob(name, container).get_blob_properties()
                    return _stored(name.digest, found, container)
        return None

    async def read(
        self,
        name: ArchiveName,
        start: int = 0,
        count: int | None = None,
        *,
        first: ArchiveContainer = ArchiveContainer.PUBLIC,
    ) -> bytes:
        with translate_blob_errors():
            # The first container again: the archive may have moved there in between.
            for container in (first, _OTHER[first], first):
                with suppress(ResourceNotFoundError):
                    return await _read_range(self._blob(name, container), start, count)
        log.error("archive.lost", coordinate=str(name.coordinate), digest=name.digest.hex)
        raise ArchiveLost(name.coordinate)

    async def move(self, name: ArchiveName, to: ArchiveContainer) -> None:
        """Move the archive to that container; safe while another process moves it back.

        Each process first writes metadata of the copy in the target, then deletes the source on
        condition that its ETag is unchanged. So of two processes one fails to delete, and the
        archive never disappears from both containers.
        """
        source = self._blob(name, _OTHER[to])
        target = self._blob(name, to)
        # If the source is missing, another process has moved it.
        with (
            translate_blob_errors(),
            suppress(ResourceNotFoundError),
        ):
            found = await source.get_blob_properties()
            if await self._copy_or_renew(source, target, to, _headers(name, to)):
                await _delete(source, found)

    async def list(self, stored_before_ms: int) -> AsyncIterator[StoredArchive]:
        for container, name in ARCHIVE_CONTAINERS.items():
            with translate_blob_errors():
                async for blob in self._blobs.container(name).list_blobs(include=["metadata"]):
                    archive = _stored(digest_of_blob(blob.name), blob, container)
                    if archive.stored_ms < stored_before_ms:
                        yield archive

    async def delete(self, digest: Digest, stored_before_ms: int) -> bool:
        is_gone = True
        with translate_blob_errors():
            for container, name in ARCHIVE_CONTAINERS.items():
                blobs = self._blobs.container(name)
                prefix = archive_blobs(digest)
                async for blob in blobs.list_blobs(prefix, include=["metadata"]):
                    is_old = _stored(digest, blob, container).stored_ms < stored_before_ms
                    client = blobs.get_blob_client(blob.name)
                    is_gone &= is_old and await _delete(client, blob)
        return is_gone

    async def _copy_or_renew(
        self,
        source: BlobClient,
        target: BlobClient,
        container: ArchiveContainer,
        headers: ContentSettings,
    ) -> bool:
        """Copy to the target, or renew its copy; return whether the source may be deleted."""
        while not await self._copy(source, target):
            if container is ArchiveContainer.PUBLIC and not await self._has_settled(target):
                return False
            if await self._renew(target, headers):
                return True
        with suppress(ResourceNotFoundError):  # Then another process has moved it back.
            await target.set_http_headers(headers)  # A copy begins with those of its source.
        return container is ArchiveContainer.PRIVATE

    async def _has_settled(self, target: BlobClient) -> bool:
        """Check whether the public copy is older than the last link to the private one."""
        there = await target.get_blob_properties()
        return self._clock.now_ms() - _date_of(there) >= _LINK_GRACE // MS

    async def _copy(self, source: BlobClient, target: BlobClient) -> bool:
        try:
            await target.start_copy_from_url(
                await self.links.source(source),
                metadata=self._date(),
                requires_sync=True,
                match_condition=MatchConditions.IfMissing,
            )
        except (ResourceExistsError, ResourceModifiedError):  # 409, or 412 by the documentation.
            return False
        except ResourceNotFoundError as failed:
            # The library also raises this where the service could not read the source, whatever
            # the status: nothing was moved.
            if await source.exists():
                raise Busy from failed
            raise
        return True

    async def _renew(self, blob: BlobClient, headers: ContentSettings) -> bool:
        try:
            await blob.set_blob_metadata(self._date())
            await blob.set_http_headers(headers)
        except ResourceNotFoundError:
            return False  # A sweep or a move deleted it in between.
        return True

    async def _create(
        self, blob: BlobClient, content: bytes | memoryview, headers: ContentSettings
    ) -> bool:
        try:
            await self._upload(blob, content, headers, overwrite=False)
        except ResourceExistsError:
            return False
        return True

    async def _upload(
        self,
        blob: BlobClient,
        content: bytes | memoryview,
        headers: ContentSettings,
        *,
        overwrite: bool,
    ) -> None:
        # One block at a time: when one of several parallel blocks fails, the library does not
        # await the others, and their exceptions are never retrieved.
        await blob.upload_blob(
            _ContentStream(content),
            overwrite=overwrite,
            metadata=self._date(),
            content_settings=headers,
        )

    def _date(self) -> dict[str, str]:
        return {_STORED: str(self._clock.now_ms())}

    def _blob(self, name: ArchiveName, container: ArchiveContainer) -> BlobClient:
        blobs = self._blobs.container(ARCHIVE_CONTAINERS[container])
        return blobs.get_blob_client(archive_blob(name))


class _ContentStream(RawIOBase):
    """Reads an archive without a copy of it, which `BytesIO` makes of a `memoryview`."""

    def __init__(self, content: bytes | memoryview) -> None:
        self._content = memoryview(content)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        base = {SEEK_SET: 0, SEEK_CUR: self._position, SEEK_END: self._content.nbytes}[whence]
        self._position = max(base + offset, 0)
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        target = memoryview(buffer)
        piece = self._content[self._position : self._position + target.nbytes]
        target[: piece.nbytes] = piece
        self._position += piece.nbytes
        return piece.nbytes


@retried_when_stale
async def _read_range(blob: BlobClient, start: int, count: int | None) -> bytes:
    try:
        found = await blob.download_blob(offset=start, length=count)
        return await found.readall()
    except ResourceNotFoundError:
        raise
    except ResourceModifiedError:
        # The library reads more than 32 MiB by several requests for one version of the blob. A
        # repeated push and a move write metadata, which makes another version.
        raise Stale from None
    except HttpResponseError as refused:
        if refused.status_code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        return b""


async def _has(blob: BlobClient, content: bytes | memoryview) -> bool:
    """Check whether the blob exists with this content."""
    try:
        return await _read_range(blob, 0, None) == content
    except ResourceNotFoundError:
        return False


async def _delete(blob: BlobClient, found: BlobProperties) -> bool:
    """Delete the blob if it has not changed since; return whether it does not exist now."""
    try:
        unmodified = MatchConditions.IfNotModified
        await blob.delete_blob(etag=found.etag, match_condition=unmodified)
    except ResourceModifiedError:
        return False  # It was stored again meanwhile.
    except ResourceNotFoundError:
        return True
    return True


def _headers(name: ArchiveName, container: ArchiveContainer) -> ContentSettings:
    return ContentSettings(
        content_type=ARCHIVE_TYPE,
        content_disposition=content_disposition(archive_file_name(name.coordinate, name.platform)),
        cache_control=LINK_CACHE_CONTROL[container],
    )


def _stored(digest: Digest, found: BlobProperties, container: ArchiveContainer) -> StoredArchive:
    return StoredArchive(digest, found.size, _date_of(found), container)


def _date_of(found: BlobProperties) -> int:
    return int((found.metadata or {}).get(_STORED, 0))
