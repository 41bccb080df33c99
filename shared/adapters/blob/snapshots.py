"""Snapshots as blobs: a blob exists when the last of its pieces does."""

from collections.abc import AsyncGenerator, AsyncIterator

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import ContainerClient

from shared.adapters.blob.client import BlobContainers, translate_blob_errors


class BlobSnapshots:
    """The SnapshotStore of a registry in the cloud."""

    def __init__(self, blobs: BlobContainers) -> None:
        """Keep the files in the container `backups`."""
        self._blobs = blobs

    async def write(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        """Store a file, over one that is there."""
        with translate_blob_errors():
            await self._container.upload_blob(name, pieces, overwrite=True)

    async def read(self, name: str) -> AsyncGenerator[bytes]:
        """Yield the file in pieces; none where there is no such file."""
        with translate_blob_errors():
            try:
                found = await self._container.download_blob(name)
            except ResourceNotFoundError:
                return
            async for piece in found.chunks():
                yield piece

    async def list(self) -> list[str]:
        """Return the names of all files."""
        with translate_blob_errors():
            return [blob.name async for blob in self._container.list_blobs()]

    async def delete(self, name: str) -> None:
        """Remove the file; nothing happens where there is none."""
        with translate_blob_errors():
            try:
                await self._container.delete_blob(name)
            except ResourceNotFoundError:
                return

    @property
    def _container(self) -> ContainerClient:
        return self._blobs.container("backups")
