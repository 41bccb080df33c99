"""Reading the log: its files, and proofs that it has entries."""

import re

from msgspec import Struct

from shared.domain.errors.transparency import LogStopped, NoteUnreadable, ProofRefused
from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.log_proofs import LogProof
from shared.domain.transparency.log_states import CHECKPOINT_FILE, PLACE_OF_STATE, LogState
from shared.domain.transparency.notes import SignedNote
from shared.domain.transparency.tiles import Tile
from shared.ports.directory import DirectoryStore
from shared.ports.transparency import LogFiles
from shared.services.transparency.tile_reader import TileReader

# The folder of the first log, or of one of the later logs.
_FOLDER = re.compile(r"log(?:[1-9][0-9]{0,3})?")


class LogReader(Struct, frozen=True):
    """Reads what is published. A proof costs a few reads, however long the log is."""

    files: LogFiles
    tiles: TileReader
    directory: DirectoryStore

    async def state(self) -> LogState | None:
        """Return the log that is being written; None before its first entry."""
        return await self.directory.get(LogState, PLACE_OF_STATE)

    async def checkpoint(self, state: LogState) -> bytes | None:
        """Return the published checkpoint of a log with its signatures; None before the first
        one."""
        return await self.files.read(f"{state.folder}/{CHECKPOINT_FILE}")

    async def file(self, path: str) -> bytes | None:
        """Return a published file by its path, which begins with the folder of a log, such as
        `log/checkpoint` and `log/tile/0/000`; None for every path that is not published."""
        folder, _, name = path.partition("/")
        if not _FOLDER.fullmatch(folder):
            return None
        if name == CHECKPOINT_FILE:
            return await self.files.read(path)
        try:
            tile = Tile.parse(name)
        except NoteUnreadable:
            return None
        return await self.files.read(f"{folder}/{tile.path}")

    async def proof(
        self, state: LogState, index: int, entry: bytes, against: SignedNote | None = None
    ) -> LogProof | None:
        """Return the proof that the log has an entry at an index, against a checkpoint of the log,
        by default the published one; None if the checkpoint has fewer entries.

        It is verified before it is returned; raises `LogStopped` if the log has another entry
        there, and if its files are damaged.
        """
        note = against
        if note is None:
            published = await self.checkpoint(state)
            if published is None:
                return None
            note = SignedNote.parse(published)
        checkpoint = Checkpoint.parse(note.text)
        if not 0 <= index < checkpoint.size:
            return None
        folder = state.folder_of(checkpoint.origin)
        try:
            hashes = await self.tiles.inclusion_proof(folder, index, checkpoint.size)
            proof = LogProof(index, hashes, note)
            proof.require_entry(entry)
        except (ProofRefused, NoteUnreadable) as refused:
            raise LogStopped(str(refused)) from None
        return proof
