"""Copies of public documents and archives as blobs. The first part of a path is the container."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobProperties, ContentSettings
from azure.storage.blob.aio import BlobClient

from shared.adapters.blob.client import BlobContainers, translate_blob_errors
from shared.adapters.blob.signed_links import LINK_CACHE_CONTROL, BlobLinks
from shared.adapters.paths import ARCHIVE_CONTAINERS, archive_blob
from shared.domain.archives.names import ArchiveName
from shared.domain.names import Package
from shared.domain.packages import Visibility
from shared.domain.public_copies import Copy
from shared.runtime.caching import LruCache

CHANGES_REMEMBERED = 50_000  # Pulls change heads as well; about 10 MB.

_MARK = "mark"
_FOLLOWED = {"head", "entry"}  # Kinds of items in the change feed.


class BlobPublicCopies:
    """The PublicCopyStore of a registry in the cloud."""

    def __init__(self, blobs: BlobContainers, links: BlobLinks) -> None:
        self._blobs = blobs
        self._links = links
        self._seen = LruCache[tuple[str, str], int](CHANGES_REMEMBERED)

    async def marks(self, prefix: str) -> Mapping[str, str]:
        container, _, folder = prefix.partition("/")
        with translate_blob_errors():
            blobs = self._blobs.container(container).list_blobs(folder, include=["metadata"])
            return {
                f"{container}/{blob.name}": (blob.metadata or {}).get(_MARK, "")
                async for blob in blobs
            }

    async def put(self, path: str, copy: Copy, mark: str = "") -> None:
        found = await self._found(path)
        if found is None or not _is_same(found, copy, mark):
            await self._upload(path, copy, mark, overwrite=True)

    async def replace(self, path: str, copy: Copy) -> None:
        found = await self._found(path)
        if found is not None and not _is_same(found, copy, ""):
            await self._upload(path, copy, "", overwrite=True)

    async def add(self, path: str, copy: Copy) -> None:
        with suppress(ResourceExistsError):
            await self._upload(path, copy, "", overwrite=False)

    async def put_archive(self, name: ArchiveName, path: str) -> bool:
        with translate_blob_errors():
            for container in ARCHIVE_CONTAINERS.values():
                source = self._blobs.container(container).get_blob_client(archive_blob(name))
                with suppress(ResourceNotFoundError):
                    headers = (await source.get_blob_properties()).content_settings
                    link = await self._links.source(source)
                    await self._blob(path).start_copy_from_url(link, requires_sync=True)
                    headers.cache_control = LINK_CACHE_CONTROL[Visibility.PUBLIC]
                    await self._blob(path).set_http_headers(headers)
                    return True
        return False

    async def delete(self, path: str) -> None:
        with translate_blob_errors(), suppress(ResourceNotFoundError):
            await self._blob(path).delete_blob()

    def changed_packages(self, items: Sequence[Mapping[str, object]]) -> list[Package]:
        changed = {str(item["pk"]): None for item in items if self._is_news(item)}
        return [Package.parse(*key.split("/", 1)) for key in changed]

    def forget_changes(self) -> None:
        self._seen = LruCache[tuple[str, str], int](CHANGES_REMEMBERED)

    def _is_news(self, item: Mapping[str, object]) -> bool:
        if item.get("kind") not in _FOLLOWED:
            return False
        key, revision = (str(item["pk"]), str(item["id"])), int(str(item["revision"]))
        if self._seen.get(key) == revision:
            return False
        self._seen.put(key, revision)
        return True

    async def _found(self, path: str) -> BlobProperties | None:
        with translate_blob_errors(), suppress(ResourceNotFoundError):
            return await self._blob(path).get_blob_properties()
        return None

    async def _upload(self, path: str, copy: Copy, mark: str, *, overwrite: bool) -> None:
        headers = ContentSettings(
            content_type=copy.media_type,
            cache_control=copy.caching,
            content_md5=bytearray(_md5(copy.content)),
        )
        with translate_blob_errors():
            await self._blob(path).upload_blob(
                copy.content,
                overwrite=overwrite,
                content_settings=headers,
                metadata={_MARK: mark} if mark else {},
            )

    def _blob(self, path: str) -> BlobClient:
        container, _, name = path.partition("/")
        return self._blobs.container(container).get_blob_client(name)


def _is_same(found: BlobProperties, copy: Copy, mark: str) -> bool:
    digest = found.content_settings.content_md5
    is_same = digest is not None and bytes(digest) == _md5(copy.content)
    return is_same and (found.metadata or {}).get(_MARK, "") == mark


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()
