"""The request `add-checkpoint`, by which a log asks a witness for a cosignature
(c2sp.org/tlog-witness)."""

import re
from typing import Self

from msgspec import Struct

from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.transparency import NoteUnreadable
from shared.domain.transparency.encodings import base64_of, bytes_of_base64
from shared.domain.transparency.merkle_tree import HASH_BYTES

MOST_PROOF_LINES = 63  # A tree has at most 2^63 leaves.
MOST_REQUEST_BYTES = 64 * 1024  # A proof has 3 KB; a checkpoint with 100 signatures 30.
SIZE_TYPE = "text/x.tlog.size"

_A_PROOF = "A consistency proof"
_OLD = re.compile(rb"old (0|[1-9][0-9]{0,18})", re.ASCII)
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n", re.ASCII)
_FORM = (
    "Send a line with old and the size of the checkpoint that the witness knows, the lines of the "
    "consistency proof, an empty line, and the checkpoint."
)


class AddCheckpoint(Struct, frozen=True):
    """A checkpoint of a log, with the proof that it contains the one of `old_size` leaves."""

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: str  # A signed note.

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read the body of a request; raise `InvalidRequest` or `NoteUnreadable`."""
        head, separator, checkpoint = body.partition(b"\n\n")
        first, *lines = head.split(b"\n")
        old = _OLD.fullmatch(first)
        if old is None or not separator:
            message = f"The request is no add-checkpoint of a log. {_FORM}"
            raise InvalidRequest(message)
        if len(lines) > MOST_PROOF_LINES:
            message = (
                f"The proof has {len(lines):,} lines, and {MOST_PROOF_LINES} are the most. {_FORM}"
            )
            raise InvalidRequest(message)
        try:
            text = checkpoint.decode("utf-8")
        except UnicodeDecodeError:
            message = "The checkpoint is not UTF-8. Send it as the log serves it."
            raise InvalidRequest(message) from None
        return cls(int(old[1]), tuple(map(_hash, lines)), text)

    def write(self) -> bytes:
        """Return the body of the request."""
        lines = [f"old {self.old_size}", *map(base64_of, self.proof)]
        return "".join(f"{line}\n" for line in (*lines, "")).encode() + self.checkpoint.encode()


def _hash(line: bytes) -> bytes:
    read = bytes_of_base64(_A_PROOF, line.decode("ascii", "replace"))
    if len(read) != HASH_BYTES:
        raise NoteUnreadable(_A_PROOF, "a line of it is not a SHA-256 hash")
    return read


def parse_size(body: bytes) -> int | None:
    """Return the size that a witness answers with status 409; None if it is none."""
    found = _SIZE.fullmatch(body)
    return int(found[1]) if found else None
