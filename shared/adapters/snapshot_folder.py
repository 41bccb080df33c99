"""Snapshots as files of a folder."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

from shared.adapters.disk_errors import translate_disk_errors
from shared.runtime.file_existence import exists
from shared.runtime.file_replacement import (
    Durability,
    replacing,
    sync_file,
)
from shared.runtime.private_files import (
    make_private_folder,
    open_private,
)

PIECE_BYTES = 256 * 1024  # Read at once.


class SnapshotFolder:
    """The SnapshotStore of a registry on one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def write(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        file = self._folder / name
        with translate_disk_errors():
            make_private_folder(file.parent)
            with replacing(file, Durability.SYNCED) as partial:
                with open_private(partial, "xb") as opened:
                    async for piece in pieces:
                        await asyncio.to_thread(opened.write, piece)
                # Here already, since the block ends on the event loop.
                await asyncio.to_thread(sync_file, partial)

    async def read(self, name: str) -> AsyncGenerator[bytes]:
        file = self._folder / name
        if not exists(file):
            return
        with file.open("rb") as opened:
            while piece := await asyncio.to_thread(opened.read, PIECE_BYTES):
                yield piece

    async def list(self) -> list[str]:
        files = [file for file in self._folder.glob("*/*") if file.suffix != ".partial"]
        return [file.relative_to(self._folder).as_posix() for file in files]

    async def delete(self, name: str) -> None:
        file = self._folder / name
        file.unlink(missing_ok=True)
        if file.parent.is_dir() and not any(file.parent.iterdir()):
            file.parent.rmdir()
