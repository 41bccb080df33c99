"""The files of imported sets of advisories, and the dumps that they are made of."""

from typing import Protocol

from msgspec import Struct

from shared.domain.advisories.sources import AdvisorySource


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


class FetchedDump(Struct, frozen=True):
    """A dump, and the tag by which its source says later whether it changed."""

    content: bytes
    tag: str


class AdvisoryDumps(Protocol):
    """Reads dumps of advisories from mirrors and files."""

    async def fetch(self, source: AdvisorySource, tag: str) -> FetchedDump | None:
        """Return the dump; None if it is still the one with this tag. Raises `Unanswered`."""
        ...
