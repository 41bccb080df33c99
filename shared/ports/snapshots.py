"""Files of snapshots."""

from collections.abc import AsyncIterator
from typing import Protocol


class SnapshotStore(Protocol):
    """Files of snapshots, by `snapshot/file`."""

    async def write(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        """Store a file, replacing an earlier one. An interrupted write changes nothing."""
        ...

    def read(self, name: str) -> AsyncIterator[bytes]:
        """Yield the content of the file in pieces; nothing if it does not exist."""
        ...

    async def list(self) -> list[str]:
        """Return the names of all files."""
        ...

    async def delete(self, name: str) -> None:
        """Delete the file, if it exists."""
        ...
