"""The files of the transparency log as blobs."""

from contextlib import suppress
from io import BytesIO
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import BlobClient

from shared.adapters.blob.client import BlobContainers, translate_blob_errors
from shared.domain.transparency.checkpoints import require_later
from shared.domain.transparency.tiles import require_same

_CONTAINER = "transparency"  # What is in it may be served to anybody who may read the log.
_STAGED_CONTAINER = "derived"
_STAGED = "log-staged/"

# What Front Door serves from here itself has the headers that the registry would send.
FULL_TILE = ContentSettings(
    content_type="application/octet-stream", cache_control="public, max-age=31536000, immutable"
)
_PARTIAL = ".p/"  # A part of the paths of partial tiles.


class BlobLog:
    """The LogFiles of a registry in the cloud."""

    def __init__(self, blobs: BlobContainers) -> None:
        self._blobs = blobs

    async def write_once(self, path: str, content: bytes) -> None:
        headers: dict[str, Any] = {} if _PARTIAL in path else {"content_settings": FULL_TILE}
        with translate_blob_errors():
            try:
                await self._blob(path).upload_blob(BytesIO(content), overwrite=False, **headers)
            except ResourceExistsError:
                stored = await self.read(path)
                require_same(path, stored or b"", content)

    async def read(self, path: str) -> bytes | None:
        return await _read(self._blob(path))

    async def publish_checkpoint(self, path: str, content: bytes) -> None:
        blob = self._blob(path)
        while True:
            stored, etag = await _read_tagged(blob)
            require_later(stored, content)
            condition: dict[str, Any] = (
                {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}
            )
            with (
                translate_blob_errors(),
                # Another process has published one meanwhile: it is compared with that.
                suppress(ResourceExistsError, ResourceModifiedError),
            ):
                await blob.upload_blob(BytesIO(content), overwrite=bool(etag), **condition)
                return

    async def delete_partials(self, path: str) -> None:
        container = self._blobs.container(_CONTAINER)
        with translate_blob_errors():
            found = container.list_blob_names(name_starts_with=f"{path}.p/")
            for name in [each async for each in found]:
                with suppress(ResourceNotFoundError):
                    await container.delete_blob(name)

    async def stage(self, name: str, content: bytes) -> None:
        with translate_blob_errors():
            await self._staged(name).upload_blob(BytesIO(content), overwrite=True)

    async def staged(self, name: str) -> bytes | None:
        return await _read(self._staged(name))

    async def list_staged(self) -> list[str]:
        container = self._blobs.container(_STAGED_CONTAINER)
        with translate_blob_errors():
            found = container.list_blob_names(name_starts_with=_STAGED)
            return sorted([name.removeprefix(_STAGED) async for name in found])

    async def discard(self, name: str) -> None:
        with translate_blob_errors(), suppress(ResourceNotFoundError):
            await self._staged(name).delete_blob()

    def _blob(self, path: str) -> BlobClient:
        return self._blobs.container(_CONTAINER).get_blob_client(path)

    def _staged(self, name: str) -> BlobClient:
        return self._blobs.container(_STAGED_CONTAINER).get_blob_client(f"{_STAGED}{name}")


async def _read(blob: BlobClient) -> bytes | None:
    content, _ = await _read_tagged(blob)
    return content


async def _read_tagged(blob: BlobClient) -> tuple[bytes | None, str]:
    """Return the content and the tag of a version of a blob; None and nothing if there is none."""
    with translate_blob_errors(), suppress(ResourceNotFoundError):
        found: Any = await blob.download_blob()
        return await found.readall(), found.properties.etag
    return None, ""
