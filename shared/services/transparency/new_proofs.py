"""The proofs of new releases, which the writer of the log stores so that no request has to make
them."""

import asyncio
from contextlib import suppress

import msgspec

from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Refusal
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
        published checkpoint of the extension. A proof that is there stays, such as that of a reader
        who was faster, so a repeat changes nothing.

        Raises `Unavailable`, and may then have stored some of them, as after a crash. The first
        readers of the others make them.
        """
        log = id_of_log(Checkpoint.parse(note.text).origin)
        entries = extension.entries
        releases = {index: _release_of(entry) for index, entry in entries.items()}
        published = [index for index, release in releases.items() if release]
        for index, hashes in zip(published, extension.inclusion_proofs(published), strict=True):
            record = ReleaseProof(
                release=releases[index],
                log=log,
                entry=entries[index].decode(),
                proof=LogProof(index, hashes, note).text,
            )
            with suppress(AlreadyThere):
                await self.directory.add(record)
            await asyncio.sleep(0)  # Other requests run: a short write to SQLite does not wait.


class _Said(msgspec.Struct):
    """What an entry says of a release; empty where it says nothing."""

    kind: str = ""
    package: str = ""
    version: str = ""
    digest: str = ""


def _release_of(entry: bytes) -> str:
    """Return what names the release that the entry published, as `id_of_release`; empty for another
    entry."""
    facts = msgspec.json.decode(entry, type=_Said)
    # Entries of earlier versions may lack the digest.
    if facts.kind not in FIRST_KINDS or not facts.digest:
        return ""
    org, _, name = facts.package.partition("/")
    digest = facts.digest.removeprefix("sha256:")
    try:
        return id_of_release(Coordinate.parse(org, name, facts.version), digest)
    except Refusal:  # Nobody can ask for a name that is not valid any more.
        return ""
