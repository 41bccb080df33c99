"""Snapshots as files, for their owner alone: they hold what people have told of themselves."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

from shared.adapters.disk_failures import translated
from shared.adapters.paths import partial_of

PIECE = 256 * 1024  # Bytes that are read at once.


class SnapshotFolder:
    """The SnapshotStore of a registry on one machine."""

    def __init__(self, folder: Path) -> None:
        """Keep the files in `folder`, which is made with the first of them."""
        self._folder = folder

    async def write(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        """Store a file, over one that is there."""
        file = self._folder / name
        partial = partial_of(file)
        with translated():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.parent.mkdir(mode=0o700, exist_ok=True)
            with partial.open("wb") as opened:
                partial.chmod(0o600)
                async for piece in pieces:
                    await asyncio.to_thread(opened.write, piece)
            partial.replace(file)

    async def read(self, name: str) -> AsyncGenerator[bytes]:
        """Yield the file in pieces; none where there is no such file."""
        file = self._folder / name
        if not file.is_file():
            return
        with file.open("rb") as opened:
            while piece := await asyncio.to_thread(opened.read, PIECE):
                yield piece

    async def list(self) -> list[str]:
        """Return the names of all files."""
        files = [file for file in self._folder.glob("*/*") if file.suffix != ".partial"]
        return [file.relative_to(self._folder).as_posix() for file in files]

    async def delete(self, name: str) -> None:
        """Remove the file, and the snapshot's folder with its last one."""
        file = self._folder / name
        file.unlink(missing_ok=True)
        if file.parent.is_dir() and not any(file.parent.iterdir()):
            file.parent.rmdir()
