"""Snapshots as blobs."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import ContainerClient

from shared.adapters.blob.client import BlobContainers, translate_blob_errors


class BlobSnapshots:
    """The SnapshotStore of a registry in the cloud."""

    def __init__(self, blobs: BlobContainers) -> None:
        self._blobs = blobs

    async def write(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        with translate_blob_errors():
            await self._container.upload_blob(name, pieces, overwrite=True)

    async def read(self, name: str) -> AsyncGenerator[bytes]:
        with translate_blob_errors():
            try:
                found = await self._container.download_blob(name)
            except ResourceNotFoundError:
                return
            async for piece in found.chunks():
                yield piece

    async def list(self) -> list[str]:
        with translate_blob_errors():
            return [blob.name async for blob in self._container.list_blobs()]

    async def delete(self, name: str) -> None:
        with translate_blob_errors(), suppress(ResourceNotFoundError):
            await self._container.delete_blob(name)

    @property
    def _container(self) -> ContainerClient:
        return self._blobs.container("backups")
