"""Documents that are stored of a release some time after its push, while somebody may erase it."""

from msgspec import Struct

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.domain.release_states import State
from shared.ports.documents import DocumentStore
from shared.ports.metadata import MetadataStore


class RemovedDocuments(Struct, frozen=True):
    """Deletes documents that were stored of a release that was removed meanwhile.

    An erasure removes the release before it deletes its documents, and nothing looks for documents
    afterwards. So whoever stores one of a published release asks this once it is stored: either the
    erasure deletes the document, or this finds that the release is removed.
    """

    metadata: MetadataStore
    documents: DocumentStore

    async def delete_if_removed(self, coordinate: Coordinate, archive: Digest) -> bool:
        """Delete all documents of the archive if its release is removed; return whether it is."""
        is_removed = await self.is_removed(coordinate)
        if is_removed:
            await self.documents.delete(archive)
        return is_removed

    async def is_removed(self, coordinate: Coordinate) -> bool:
        """Check whether the release is removed now, which is for good."""
        release = (await self.metadata.find(coordinate)).release
        return release is not None and release.state is State.REMOVED
