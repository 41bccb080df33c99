"""The copies that a store keeps of deleted blobs."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from msgspec import Struct

from shared.domain.archives.digests import Digest


class CopyLeft(Struct, frozen=True):
    """A copy of deleted bytes that a store still has, and when the store deletes it."""

    name: str
    until_ms: int


class DeletedCopies(Protocol):
    """The copies that a store keeps of blobs that were deleted or overwritten."""

    @property
    def kept_for(self) -> timedelta:
        """How long the last copy of a deleted blob is kept."""
        ...

    async def erase(self, digest: Digest, compared: Sequence[Digest]) -> list[CopyLeft]:
        """Delete the copies of an archive and of its documents, of search indexes that were
        replaced, and of what compares other archives with it; a blob that is in use stays.

        Returns the copies that are left, as those that the caller has no right to delete. May be
        repeated.
        """
        ...
