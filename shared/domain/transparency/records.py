"""What the directory keeps of the log beside its state, and of the logs that this registry
witnesses."""

import hashlib
from typing import ClassVar

from shared.domain.coordinates import Coordinate
from shared.domain.entities import Entity, Place
from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.merkle_tree import TreeHead
from shared.domain.transparency.notes import SignedNote

LEAVES_PER_RANGE = 64  # A read returns at most as many checkpoints, of some 500 bytes each.


class PublishedCheckpoint(Entity):
    """A checkpoint with the cosignatures that it was published with; it never changes.

    Those by which the leaves of a range were first in the tree have one owner. So one read finds
    the first checkpoint that has a leaf.
    """

    kind: ClassVar[str] = "published-checkpoint"

    log: str  # As `id_of_log` returns it.
    range: int
    size: int
    note: str

    @property
    def place(self) -> Place:
        return Place(range_owner(self.log, self.range), f"{self.size:016}")


def range_owner(log: str, number: int) -> str:
    """Return the owner of the checkpoints of a range of leaves."""
    return f"checkpoints-{log}-{number}"


class FirstCheckpoint(Entity):
    """The first checkpoint of a log, which has all entries from before it was published."""

    kind: ClassVar[str] = "first-checkpoint"

    log: str
    size: int
    note: str

    @property
    def place(self) -> Place:
        return first_checkpoint_place(self.log)


def first_checkpoint_place(log: str) -> Place:
    return Place(f"checkpoints-{log}", "first")


class ReleaseProof(Entity):
    """The entry of a release in a log, and the proof of it as a file; it never changes."""

    kind: ClassVar[str] = "release-proof"
    is_derived: ClassVar[bool] = True

    release: str  # As `id_of_release` returns it.
    log: str
    entry: str
    proof: str

    @property
    def place(self) -> Place:
        return release_proof_place(self.release, self.log)


def release_proof_place(release: str, log: str) -> Place:
    return Place(f"proofs-{release}", log)


def id_of_release(coordinate: Coordinate, digest: str) -> str:
    """Return what names an archive of a release in places: a SHA-256, in hex."""
    return hashlib.sha256(f"{coordinate.key}@{digest}".encode()).hexdigest()


class WitnessedLog(Entity):
    """The latest checkpoint of another registry's log that this one cosigned."""

    kind: ClassVar[str] = "witnessed-log"

    origin: str
    note: str  # With the signatures of the log that were verified, and the cosignature.

    @property
    def head(self) -> TreeHead:
        """Its size and its root, which the note has: a number of the store would be rounded."""
        return Checkpoint.parse(SignedNote.parse(self.note).text).head

    @property
    def place(self) -> Place:
        return witnessed_place(self.origin)


def witnessed_place(origin: str) -> Place:
    return Place("witnessed-logs", id_of_log(origin))


def id_of_log(origin: str) -> str:
    """Return what names a log in addresses and places: the SHA-256 of its origin, in hex."""
    return hashlib.sha256(origin.encode()).hexdigest()
