"""Checkpoints, as c2sp.org/tlog-checkpoint describes them: what a log says of itself."""

import re
from typing import Self

from msgspec import Struct

from shared.domain.errors.transparency import LogStopped, NoteUnreadable
from shared.domain.transparency.encodings import base64_of, bytes_of_base64
from shared.domain.transparency.merkle_tree import HASH_BYTES, TreeHead

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_LINES = 3
_A_CHECKPOINT = "A checkpoint"


class Checkpoint(Struct, frozen=True):
    """The name of a log, how many entries it has, and the root of its tree."""

    origin: str
    size: int
    root: bytes
    # Lines of other logs, which are kept; this registry writes none.
    extensions: tuple[str, ...] = ()

    @property
    def head(self) -> TreeHead:
        return TreeHead(self.size, self.root)

    @property
    def text(self) -> str:
        """The text of the note, with the newline at its end."""
        lines = (self.origin, str(self.size), base64_of(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a note; raise `NoteUnreadable`."""
        lines = text.split("\n")
        if lines.pop() or len(lines) < _LINES or not all(lines):
            raise NoteUnreadable(
                _A_CHECKPOINT, "it needs three lines: the origin, the size and the root"
            )
        origin, size, root, *extensions = lines
        if not _SIZE.fullmatch(size):
            raise NoteUnreadable(_A_CHECKPOINT, "its second line is not a number of entries")
        decoded = bytes_of_base64(_A_CHECKPOINT, root)
        if len(decoded) != HASH_BYTES:
            raise NoteUnreadable(_A_CHECKPOINT, "its third line is not a SHA-256 hash")
        return cls(origin, int(size), decoded, tuple(extensions))


def checkpoint_of(note: bytes) -> Checkpoint:
    """Return the checkpoint in a signed note, whoever signed it; raise `NoteUnreadable`."""
    text, _, _ = note.decode(errors="replace").rpartition("\n\n")
    return Checkpoint.parse(f"{text}\n")


def require_later(stored: bytes | None, new: bytes) -> None:
    """Raise `LogStopped` if a checkpoint may not replace the stored one: it has fewer entries, or
    as many with another root, or is of another log."""
    if stored is None:
        return
    before = checkpoint_of(stored)
    after = checkpoint_of(new)
    is_fork = after.size == before.size and after.root != before.root
    if after.size < before.size or is_fork or after.origin != before.origin:
        message = (
            f"the published checkpoint has {before.size} entries of {before.origin}, and the new "
            f"one does not continue it with its {after.size} entries."
        )
        raise LogStopped(message)
