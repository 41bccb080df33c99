"""Reads the log that is published: the checkpoint, tiles, entries and proofs."""

from msgspec import Struct

from shared.domain.transparency.log_states import FIRST_FOLDER, PLACE_OF_STATE, LogState
from shared.ports.directory import DirectoryStore
from shared.ports.transparency import LogFiles
from shared.services.transparency.tile_reader import TileReader


class LogReader(Struct, frozen=True):
    """Reads the log that is being written."""

    files: LogFiles
    tiles: TileReader
    directory: DirectoryStore

    async def checkpoint(self) -> bytes | None:
        """Return the published checkpoint; None before the first one."""
        return await self.file("checkpoint")

    async def file(self, path: str) -> bytes | None:
        """Return a file by its path below the address of the log, or None."""
        return await self.files.read(f"{await self._folder()}/{path}")

    async def entry(self, index: int, size: int) -> bytes:
        """Return an entry of the log of the first `size` entries; raise `ProofRefused`."""
        return await self.tiles.entry(await self._folder(), index, size)

    async def inclusion_proof(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the proof that the log of the first `size` entries has one; raise
        `ProofRefused`."""
        return await self.tiles.inclusion_proof(await self._folder(), index, size)

    async def _folder(self) -> str:
        state = await self.directory.get(LogState, PLACE_OF_STATE)
        return state.folder if state else FIRST_FOLDER
