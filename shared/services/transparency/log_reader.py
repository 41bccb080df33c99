"""Reading the log: its files, its entries, and proofs that it has them."""

import re

from msgspec import Struct

from shared.domain.errors.transparency import LogStopped, NoteUnreadable, ProofRefused
from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.log_proofs import LogProof
from shared.domain.transparency.log_states import (
    CHECKPOINT_FILE,
    FIRST_FOLDER,
    PLACE_OF_STATE,
    LogState,
)
from shared.domain.transparency.merkle_tree import (
    NodeAddress,
    plan_inclusion,
    require_inclusion,
)
from shared.domain.transparency.notes import SignedNote
from shared.domain.transparency.tiles import Tile
from shared.ports.directory import DirectoryStore
from shared.ports.transparency import LogFiles
from shared.services.transparency.tile_reader import TileReader

_FOLDER = re.compile(r"log(?:[1-9][0-9]{0,3})?")  # Of the first log, and of those that follow it.


class LogReader(Struct, frozen=True):
    """Reads what is published. A proof or an entry costs a few reads, however long the log is."""

    files: LogFiles
    tiles: TileReader
    directory: DirectoryStore

    async def state(self) -> LogState | None:
        """Return the log that is being written; None before its first entry."""
        return await self.directory.get(LogState, PLACE_OF_STATE)

    async def checkpoint(self) -> bytes | None:
        """Return the published checkpoint with its signatures; None before the first one."""
        state = await self.state()
        return state and await self.files.read(f"{state.folder}/{CHECKPOINT_FILE}")

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

    async def proof(self, index: int, against: SignedNote | None = None) -> LogProof | None:
        """Return the proof of an entry against a checkpoint of the log, by default the published
        one; None if the checkpoint does not have the entry.

        It is verified before it is returned; raises `LogStopped` if the files of the log are
        damaged.
        """
        state = await self.state()
        note = against or await self._published(state)
        if state is None or note is None:
            return None
        checkpoint = Checkpoint.parse(note.text)
        if not 0 <= index < checkpoint.size:
            return None
        folder = state.folder_of(checkpoint.origin)
        leaf = NodeAddress(0, index)
        plan = plan_inclusion(index, checkpoint.size)
        try:
            known = await self.tiles.nodes(folder, [leaf, *plan.nodes], checkpoint.size)
            hashes = plan.hashes(known)
            require_inclusion(
                known[leaf], index, size=checkpoint.size, root=checkpoint.root, proof=hashes
            )
        except (ProofRefused, NoteUnreadable) as refused:
            raise LogStopped(str(refused)) from None
        return LogProof(index, hashes, note)

    async def entry(self, index: int, size: int) -> bytes:
        """Return an entry of the log of the first `size` entries; raise `LogStopped` if the files
        of the log are damaged."""
        state = await self.state()
        try:
            return await self.tiles.entry(state.folder if state else FIRST_FOLDER, index, size)
        except (ProofRefused, NoteUnreadable) as refused:
            raise LogStopped(str(refused)) from None

    async def _published(self, state: LogState | None) -> SignedNote | None:
        note = state and await self.files.read(f"{state.folder}/{CHECKPOINT_FILE}")
        return SignedNote.parse(note) if note else None
