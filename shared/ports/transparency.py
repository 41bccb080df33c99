"""The files of the transparency log, the entries that it takes, its keys, and its witnesses."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from shared.domain.transparency.notes import NoteSignature, SignedNote
from shared.domain.transparency.tree_edge import Extension


class LogFiles(Protocol):
    """The files of this registry's logs, by their paths: `log/checkpoint`, `log/tile/0/000`. The
    first part of a path is the folder of a log, of which there are several after a log was given
    up. Only checkpoints ever change.

    Staged files are no part of a log, and nobody is served them.
    """

    async def write_once(self, path: str, content: bytes) -> None:
        """Store a file; a repeat changes nothing. Raises `LogStopped`, and changes nothing, if the
        path has another content."""
        ...

    async def read(self, path: str) -> bytes | None:
        """Return the content of a file, or None."""
        ...

    async def publish_checkpoint(self, path: str, content: bytes) -> None:
        """Store a checkpoint, replacing an earlier one; of concurrent calls one replaces the other
        whole. Raises `LogStopped`, and changes nothing, if the stored one has more entries."""
        ...

    async def delete_partials(self, path: str) -> None:
        """Delete the partial tiles of a tile that is stored whole, by the path of the full one."""
        ...

    async def stage(self, name: str, content: bytes) -> None:
        """Store a staged file, replacing one of that name."""
        ...

    async def staged(self, name: str) -> bytes | None:
        """Return a staged file, or None."""
        ...

    async def list_staged(self) -> list[str]:
        """Return the names of the staged files."""
        ...

    async def discard(self, name: str) -> None:
        """Delete a staged file, if it is there."""
        ...


class LeafSource(Protocol):
    """The entries of the log: the leaf of each event of the feed, as it was stored with the event.
    An `EventStore` is one."""

    async def leaves(self, after: int, count: int) -> list[bytes]:
        """Return up to `count` leaves of the events with numbers above `after`, in their order and
        without gaps; it ends before the first event that has no leaf yet."""
        ...

    async def is_complete(self) -> bool:
        """Check whether every event from before the log has its leaf."""
        ...


class LogSeeds(Protocol):
    """The keys that sign checkpoints."""

    async def seeds(self) -> Sequence[bytes]:
        """Return the seeds of the Ed25519 keys that sign now, the newest first: a key that was
        replaced is one of them until its last day. Raises `Unavailable` where they cannot be
        read."""
        ...


ConsistencyProver = Callable[[int], Awaitable[tuple[bytes, ...]]]


class Cosigners(Protocol):
    """The witnesses of the log."""

    async def cosign(
        self, checkpoint: SignedNote, prove: ConsistencyProver
    ) -> tuple[NoteSignature, ...]:
        """Return the valid cosignatures that came within two seconds; raises nothing.

        `prove` returns the proof that the checkpoint continues the log of a smaller size.
        """
        ...


class ProofKeeper(Protocol):
    """Keeps the proofs of new releases, so that no request waits until they are made."""

    async def add(self, note: SignedNote, extension: Extension) -> None:
        """Store the proof of each release that was published by a new entry; `note` is the
        published checkpoint of the extension. A repeat changes nothing. Raises `Unavailable`, and
        may then have stored some of them."""
        ...


class CheckpointKeeper(Protocol):
    """Keeps published checkpoints, so that the proof of an entry never changes."""

    async def add(self, note: SignedNote, *, after: int) -> None:
        """Store a checkpoint before it is published; the one before it had `after` entries. A
        repeat changes nothing, not even the cosignatures."""
        ...
