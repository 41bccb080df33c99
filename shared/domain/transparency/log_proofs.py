"""Proofs, as c2sp.org/tlog-proof describes them: files that show offline that a log has an
entry."""

import re
from functools import cached_property
from typing import Self

from msgspec import Struct

from shared.domain.errors.transparency import NoteUnreadable
from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.encodings import base64_of, bytes_of_base64
from shared.domain.transparency.log_policies import LogPolicy
from shared.domain.transparency.merkle_tree import HASH_BYTES, leaf_hash, require_inclusion
from shared.domain.transparency.notes import SignedNote

_FIRST_LINE = "c2sp.org/tlog-proof@v1"
_A_PROOF = "A proof"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
_EXTRA = "extra "
_MOST_HASHES = 63


class LogProof(Struct, frozen=True, dict=True):
    """The way from an entry to a checkpoint."""

    index: int
    hashes: tuple[bytes, ...]
    note: SignedNote
    extra: bytes = b""  # Nobody has signed it.

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a proof; raise `NoteUnreadable`."""
        head, separator, note = text.partition("\n\n")
        lines = head.split("\n")
        if not separator or lines.pop(0) != _FIRST_LINE:
            raise NoteUnreadable(_A_PROOF, f"it does not begin with the line {_FIRST_LINE}")
        extra = b""
        if lines and lines[0].startswith(_EXTRA):
            extra = bytes_of_base64(_A_PROOF, lines.pop(0).removeprefix(_EXTRA))
        index = _INDEX.fullmatch(lines.pop(0)) if lines else None
        if index is None:
            raise NoteUnreadable(_A_PROOF, "it does not name the index of the entry")
        hashes = tuple(bytes_of_base64(_A_PROOF, line) for line in lines)
        if len(hashes) > _MOST_HASHES or any(len(each) != HASH_BYTES for each in hashes):
            raise NoteUnreadable(_A_PROOF, "it has a line that is not a SHA-256 hash")
        proof = cls(int(index[1]), hashes, SignedNote.parse(note), extra)
        _ = proof.checkpoint  # It has to be readable.
        return proof

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """What the note says; raises `NoteUnreadable` if it is no checkpoint."""
        return Checkpoint.parse(self.note.text)

    @property
    def text(self) -> str:
        """The proof as a file."""
        extra = [f"{_EXTRA}{base64_of(self.extra)}"] if self.extra else []
        lines = [_FIRST_LINE, *extra, f"index {self.index}", *map(base64_of, self.hashes)]
        head = "\n".join(lines)
        return f"{head}\n\n{self.note.content}"

    def require(self, entry: bytes, policy: LogPolicy) -> Checkpoint:
        """Return the checkpoint if it is signed and witnessed as the policy requires, and its tree
        has the entry; raise `ProofRefused` otherwise."""
        checkpoint = policy.verified(self.note)
        self.require_entry(entry)
        return checkpoint

    def require_entry(self, entry: bytes) -> None:
        """Raise `ProofRefused` unless the tree of the checkpoint has the entry, whoever signed
        it."""
        size, root = self.checkpoint.head
        require_inclusion(leaf_hash(entry), self.index, size=size, root=root, proof=self.hashes)
