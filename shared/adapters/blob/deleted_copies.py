"""Deleting for good what Blob Storage keeps of blobs that were deleted or overwritten: their
versions, and deleted versions.

The app's identity has no right to it (infra/modules/roles.bicep): whoever runs the command does, as
an owner of the data.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobProperties
from azure.storage.blob.aio import BlobClient

from shared.adapters.blob.client import (
    ARCHIVE_CONTAINERS,
    SEARCH_PARTS,
    BlobContainers,
    archive_blobs,
    translate_blob_errors,
)
from shared.adapters.blob.documents import comparison_blobs, document_blobs
from shared.domain.archives.digests import Digest
from shared.domain.times import MS
from shared.ports.deleted_copies import CopyLeft
from shared.ports.system import Clock

# Set in infra/modules/storage.bicep: a version is deleted after this time, and the deleted version
# is kept for as long again. The rules of a day run once a day.
UNDELETE_PERIOD = timedelta(days=14)
RULES_RUN_WITHIN = timedelta(days=2)

# Statuses for a missing right, or an account in which nobody may do this.
_REFUSED = range(400, 500)


class BlobCopies:
    """The DeletedCopies of a registry in the cloud."""

    kept_for = 2 * UNDELETE_PERIOD + RULES_RUN_WITHIN

    def __init__(self, blobs: BlobContainers, clock: Clock) -> None:
        self._blobs = blobs
        self._clock = clock

    async def erase(self, digest: Digest, compared: Sequence[Digest]) -> list[CopyLeft]:
        left = list[CopyLeft]()
        for container, prefix in _places(digest, compared):
            async for copy in self._copies(container, prefix):
                if not await self._erase(container, copy):
                    left.append(CopyLeft(f"{container}/{copy.name}", self._until_ms(copy)))
        return left

    async def _copies(self, container: str, prefix: str) -> AsyncIterator[BlobProperties]:
        """Yield each version that is not the current one, deleted or not."""
        with translate_blob_errors():
            listed = self._blobs.container(container).list_blobs(
                prefix, include=["versions", "deleted"]
            )
            async for found in listed:
                if found.version_id and not found.is_current_version:
                    yield found

    async def _erase(self, container: str, copy: BlobProperties) -> bool:
        """Delete a version, first so that it can be brought back and then for good; return whether
        it is gone."""
        blob = self._blobs.container(container).get_blob_client(copy.name)
        if not copy.deleted and not await _delete(blob, version_id=copy.version_id):
            return False
        return await _delete(blob, version_id=copy.version_id, blob_delete_type="Permanent")

    def _until_ms(self, copy: BlobProperties) -> int:
        """Return when the store deletes a copy, as far as its properties say."""
        now_ms = self._clock.now_ms()
        if copy.deleted and copy.remaining_retention_days is not None:
            return now_ms + timedelta(days=copy.remaining_retention_days + 1) // MS
        made = datetime.fromisoformat(f"{str(copy.version_id)[:19]}").replace(tzinfo=UTC)
        return round(made.timestamp() * 1000) + self.kept_for // MS


def _places(digest: Digest, compared: Sequence[Digest]) -> Iterator[tuple[str, str]]:
    """Yield the containers and prefixes of what was made of an archive."""
    for container in ARCHIVE_CONTAINERS.values():
        yield container, archive_blobs(digest)
    for prefix in (*document_blobs(digest), SEARCH_PARTS):
        yield "derived", prefix
    for other in compared:
        for prefix in comparison_blobs(other):
            yield "derived", prefix


async def _delete(blob: BlobClient, **options: Any) -> bool:
    """Delete a version; return False if the service refuses it."""
    with translate_blob_errors():
        try:
            await blob.delete_blob(**options)
        except ResourceNotFoundError:
            return True
        except HttpResponseError as refused:
            if refused.status_code in _REFUSED:
                return False
            raise
    return True
