"""The proofs of new releases, stored when their entries are published, so that no request waits for
them."""

import json
from collections.abc import Mapping
from contextlib import suppress

from msgspec import Struct

from shared.domain.coordinates import Coordinate
from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.leaves import FIRST_KINDS
from shared.domain.transparency.log_proofs import LogProof
from shared.domain.transparency.notes import SignedNote
from shared.domain.transparency.records import ReleaseProof, id_of_log, id_of_release
from shared.ports.conflicts import AlreadyThere
from shared.ports.directory import DirectoryStore
from shared.services.transparency.tile_reader import TileReader


class NewProofs(Struct, frozen=True):
    """Makes what `ReleaseProofs` would make for the first who asks."""

    tiles: TileReader
    directory: DirectoryStore

    async def add(self, folder: str, note: SignedNote, entries: Mapping[int, bytes]) -> None:
        """Store the proof of each of these entries, by their indexes, that says that a release was
        published, against the checkpoint that was published with them. A repeat changes nothing.

        Raises `ProofRefused` if a tile is missing, and `Unavailable`.
        """
        checkpoint = Checkpoint.parse(note.text)
        released = {index: key for index, entry in entries.items() if (key := _release_of(entry))}
        found = await self.tiles.inclusion_proofs(folder, list(released), checkpoint.size)
        for (index, release), hashes in zip(released.items(), found, strict=True):
            record = ReleaseProof(
                release=release,
                log=id_of_log(checkpoint.origin),
                entry=entries[index].decode(),
                proof=LogProof(index, hashes, note).text,
            )
            with suppress(AlreadyThere):
                await self.directory.add(record)


def _release_of(entry: bytes) -> str:
    """Return what names the release of an entry that says that it was published; empty for another
    entry."""
    said: dict[str, str] = json.loads(entry)
    if said.get("kind") not in FIRST_KINDS:
        return ""
    org, _, name = said["package"].partition("/")
    coordinate = Coordinate.parse(org, name, said["version"])
    return id_of_release(coordinate, said["digest"].removeprefix("sha256:"))
