"""The checkpoints that were published, so that the proof of an entry never changes."""

from contextlib import suppress

from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.notes import SignedNote
from shared.domain.transparency.records import (
    LEAVES_PER_RANGE,
    FirstCheckpoint,
    PublishedCheckpoint,
    first_checkpoint_place,
    id_of_log,
    range_owner,
)
from shared.ports.conflicts import AlreadyThere
from shared.ports.directory import DirectoryStore


class PublishedCheckpoints:
    """Keeps each checkpoint with the cosignatures that it was published with."""

    def __init__(self, *, directory: DirectoryStore) -> None:
        self._directory = directory
        self._firsts: dict[str, FirstCheckpoint] = {}  # Those that were read; they never change.

    async def add(self, note: SignedNote, *, after: int) -> None:
        """Store a checkpoint, before it is published, that follows the one of `after` entries; a
        repeat changes nothing, not even the cosignatures."""
        checkpoint = Checkpoint.parse(note.text)
        log = id_of_log(checkpoint.origin)
        if after == 0:
            # However many entries it has, it is stored once.
            first = FirstCheckpoint(log=log, size=checkpoint.size, note=note.content)
            with suppress(AlreadyThere):
                await self._directory.add(first)
            return
        last = (checkpoint.size - 1) // LEAVES_PER_RANGE
        for each in range(after // LEAVES_PER_RANGE, last + 1):
            published = PublishedCheckpoint(
                log=log, range=each, size=checkpoint.size, note=note.content
            )
            with suppress(AlreadyThere):
                await self._directory.add(published)

    async def first_with(self, origin: str, index: int) -> SignedNote | None:
        """Return the first checkpoint of a log that has the entry; None if there is none yet."""
        log = id_of_log(origin)
        first = await self._first(log)
        if first is None:
            return None
        if index < first.size:
            return SignedNote.parse(first.note)
        owner = range_owner(log, index // LEAVES_PER_RANGE)
        later = await self._directory.list_by_owner(PublishedCheckpoint, owner)
        return next((SignedNote.parse(each.note) for each in later if index < each.size), None)

    async def _first(self, log: str) -> FirstCheckpoint | None:
        if log not in self._firsts:
            found = await self._directory.get(FirstCheckpoint, first_checkpoint_place(log))
            if found is None:
                return None
            self._firsts[log] = found
        return self._firsts[log]
