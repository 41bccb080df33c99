"""The proofs of new releases, which are stored behind the push, so that no request waits until they
are made."""

import asyncio
from contextlib import suppress

import msgspec

from shared.domain.coordinates import Coordinate
from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.leaves import FIRST_KINDS
from shared.domain.transparency.log_proofs import LogProof
from shared.domain.transparency.notes import SignedNote
from shared.domain.transparency.records import ReleaseProof, id_of_log, id_of_release
from shared.domain.transparency.tree_edge import Extension
from shared.ports.conflicts import AlreadyThere
from shared.ports.directory import DirectoryStore


class NewProofs(msgspec.Struct, frozen=True):
    """Stores the proofs that `ReleaseProofs` would make for the first who asks.

    A proof is made from what the writer of the log has in memory: nothing is read.
    """

    directory: DirectoryStore

    async def add(self, note: SignedNote, extension: Extension) -> None:
        """Store the proof of each release that was published by a new entry; `note` is the
        published checkpoint of the extension. A repeat changes nothing, and neither does one who
        asked first: that proof stays.

        Raises `Unavailable`. Where that or the end of the process left proofs out, the first who
        asks makes them.
        """
        log = id_of_log(Checkpoint.parse(note.text).origin)
        entries = extension.entries
        published = {i: key for i, entry in entries.items() if (key := _published_by(entry))}
        proofs = extension.inclusion_proofs(published)
        for (index, key), hashes in zip(published.items(), proofs, strict=True):
            record = ReleaseProof(
                release=key,
                log=log,
                entry=entries[index].decode(),
                proof=LogProof(index, hashes, note).text,
            )
            with suppress(AlreadyThere):
                await self.directory.add(record)
            await asyncio.sleep(0)  # SQLite does not let requests go between two writes.


class _Said(msgspec.Struct):
    """What an entry says of a release; empty where it says nothing."""

    kind: str = ""
    package: str = ""
    version: str = ""
    digest: str = ""


def _published_by(entry: bytes) -> str:
    """Return what `id_of_release` returns of the release that the entry published; empty for
    another entry."""
    said = msgspec.json.decode(entry, type=_Said)
    # Entries of earlier versions may lack the digest.
    if said.kind not in FIRST_KINDS or not said.digest:
        return ""
    org, _, name = said.package.partition("/")
    digest = said.digest.removeprefix("sha256:")
    return id_of_release(Coordinate.parse(org, name, said.version), digest)
