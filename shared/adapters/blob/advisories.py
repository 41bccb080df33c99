"""The files of imported advisories as blobs."""

from contextlib import suppress
from io import BytesIO
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from shared.adapters.blob.client import BlobContainers, translate_blob_errors

_CONTAINER = "derived"
_PREFIX = "advisories/"


class BlobAdvisoryFiles:
    """The AdvisoryFiles of a registry in the cloud."""

    def __init__(self, blobs: BlobContainers) -> None:
        self._blobs = blobs

    async def put(self, name: str, content: bytes) -> None:
        blob = self._blobs.container(_CONTAINER).get_blob_client(f"{_PREFIX}{name}")
        with translate_blob_errors(), suppress(ResourceExistsError):
            await blob.upload_blob(BytesIO(content), overwrite=False)

    async def get(self, name: str) -> bytes | None:
        blob = self._blobs.container(_CONTAINER).get_blob_client(f"{_PREFIX}{name}")
        with translate_blob_errors(), suppress(ResourceNotFoundError):
            found: Any = await blob.download_blob()
            return await found.readall()
        return None

    async def names(self) -> list[str]:
        container = self._blobs.container(_CONTAINER)
        with translate_blob_errors():
            found = container.list_blob_names(name_starts_with=_PREFIX)
            return sorted([name.removeprefix(_PREFIX) async for name in found])

    async def delete(self, name: str) -> None:
        blob = self._blobs.container(_CONTAINER).get_blob_client(f"{_PREFIX}{name}")
        with translate_blob_errors(), suppress(ResourceNotFoundError):
            await blob.delete_blob()
