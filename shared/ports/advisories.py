"""The files of imported sets of advisories."""

from typing import Protocol


class AdvisoryFiles(Protocol):
    """Files by their names, which are derived from their content. One is written before the record
    that names it, and deleted after no record does."""

    async def put(self, name: str, content: bytes) -> None:
        """Store a file; a repeat changes nothing."""
        ...

    async def get(self, name: str) -> bytes | None:
        """Return the content of a file, or None."""
        ...

    async def names(self) -> list[str]:
        """Return the names of all files, in their order."""
        ...

    async def delete(self, name: str) -> None:
        """Delete a file, if it is there."""
        ...
