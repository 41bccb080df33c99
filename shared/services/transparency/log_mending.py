"""Mending a log that stopped: after it has said which way, and what the public has to be told."""

import json
from enum import Enum

from msgspec import Struct

from shared.domain.errors.base import Conflict
from shared.domain.errors.transparency import NoteUnreadable, ProofRefused
from shared.domain.times import utc_text
from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.log_states import (
    CHECKPOINT_FILE,
    FIRST_FOLDER,
    PLACE_OF_STATE,
    FormerLog,
    LogState,
    Segment,
    log_path,
)
from shared.domain.transparency.notes import NoteSigner, SignedNote
from shared.domain.transparency.tiles import ENTRIES_LEVEL, TILE_WIDTH, Tile, entries_of, tile_at
from shared.domain.transparency.tree_edge import TreeEdge
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.ports.transparency import LeafSource, LogFiles, LogSeeds
from shared.services.transparency.tile_reader import TileReader


class MendingWay(Enum):
    CONTINUE = "continue"
    REPLACE = "replace"


class MendingPlan(Struct, frozen=True):
    """How a log that stopped can go on."""

    way: MendingWay
    stopped: LogState
    state: LogState  # The state after mending.
    lost: int = 0  # Published entries of events that the registry does not have any more.
    reason: str = ""  # Why the published files cannot be continued.

    @property
    def sentences(self) -> tuple[str, ...]:
        """What would be done, and what the public has to be told."""
        origin = self.stopped.origin
        stopped = f"The log {origin} has stopped: {self.stopped.stopped}"
        if self.way is MendingWay.REPLACE:
            return (
                stopped,
                f"It cannot go on from what is published: {self.reason}",
                f"A new log {self.state.origin} begins. {_REPLACED}",
                f"Tell everybody who verifies releases that {origin} has ended, and why. {_KEY}",
            )
        size = self.state.head.size
        if not self.lost:
            return (stopped, f"It goes on from the {size} published entries; none is lost.")
        first = size - self.lost
        return (
            stopped,
            f"It goes on from the {size} published entries. Entries {first} to {size - 1} {_LOST}",
            f"Tell everybody that the registry was set back to its first {first} entries. {_SAID}",
        )


_REPLACED = "Its first entry holds the last checkpoint of the old one, which stays served as it is."
_KEY = "The key of the new log is in /log/policy."
_LOST = "are of events that the registry does not have any more; they stay in the log for good."
_SAID = "What later entries say is not served any more, unless it was published again."


class LogMending:
    """Lets a log that stopped go on, from what the public has seen."""

    def __init__(
        self,
        *,
        files: LogFiles,
        leaves: LeafSource,
        directory: DirectoryStore,
        seeds: LogSeeds,
        clock: Clock,
    ) -> None:
        self._files = files
        self._leaves = leaves
        self._directory = directory
        self._seeds = seeds
        self._clock = clock

    async def plan(self) -> MendingPlan | None:
        """Read the whole published log, and return how it can go on; None if it has not stopped.
        Changes nothing."""
        state = await self._directory.get(LogState, PLACE_OF_STATE)
        if state is None or not state.stopped:
            return None
        try:
            return await self._continued(state)
        except (ProofRefused, NoteUnreadable) as refused:
            return await self._replaced(state, str(refused))

    async def mend(self, plan: MendingPlan) -> LogState:
        """Do what was planned, by one write; raise `Stale` if the log changed meanwhile."""
        return await self._directory.replace(plan.state)

    # --- From what is published ---

    async def _continued(self, state: LogState) -> MendingPlan:
        """Plan to go on from the published log; raise `ProofRefused` or `NoteUnreadable` if it is
        not whole, or not ours."""
        note = await self._published(state)
        checkpoint = Checkpoint.parse(note.text)
        if checkpoint.size < state.head.size:
            message = f"its checkpoint has fewer entries than the {state.head.size} of the records."
            raise ProofRefused(message)
        kept = await self._compared(state, checkpoint)
        segments = _segments(state, kept, checkpoint.size)
        continued = state.model_copy(
            update={
                "checkpoint": note.content,
                "segments": segments,
                "staged": "",
                "stopped": "",
            }
        )
        return MendingPlan(MendingWay.CONTINUE, state, continued, checkpoint.size - kept)

    async def _published(self, state: LogState) -> SignedNote:
        content = await self._files.read(f"{state.folder}/{CHECKPOINT_FILE}")
        if content is None:
            message = "its checkpoint is missing."
            raise ProofRefused(message)
        note = SignedNote.parse(content)
        if Checkpoint.parse(note.text).origin != state.origin:
            message = "its checkpoint is of another log."
            raise ProofRefused(message)
        keys = [NoteSigner(state.origin, each) for each in await self._seeds.seeds()]
        signed = [note.verified_by(each.verifier) for each in keys]
        if not any(signed):
            message = "its checkpoint is not signed by a key of this registry."
            raise ProofRefused(message)
        return note

    async def _compared(self, state: LogState, checkpoint: Checkpoint) -> int:
        """Verify every published file, and return how many entries from the first on are those that
        the registry has."""
        tiles = TileReader(self._files)
        edge = TreeEdge()
        kept: int | None = None
        for number in range(-(-checkpoint.size // TILE_WIDTH)):
            bundle = tile_at(ENTRIES_LEVEL, number, checkpoint.size)
            entries = entries_of(await tiles.content(state.folder, bundle))[: bundle.width]
            if kept is None:
                same = await self._same_entries(state, edge.size, entries)
                kept = None if same == len(entries) else edge.size + same
            extension = edge.extended(entries)
            edge = extension.edge
            for path, content in extension.files.items():
                tile = Tile.parse(path)
                if tile.is_full and tile.level != ENTRIES_LEVEL:
                    await _require_tile(tiles, state.folder, tile, content)
        for path, content in edge.partial_files().items():
            await _require_tile(tiles, state.folder, Tile.parse(path), content)
        if edge.head != checkpoint.head:
            message = "its entries do not lead to the root of its checkpoint."
            raise ProofRefused(message)
        return checkpoint.size if kept is None else kept

    async def _same_entries(self, state: LogState, index: int, entries: list[bytes]) -> int:
        """Return how many of the entries from `index` on are those of the registry's events. Those
        of an earlier restore, which have no events, count as well."""
        last = state.segments[-1]
        skipped = max(last.first_index - index, 0)
        if skipped >= len(entries):
            return len(entries)
        number = last.number + index + skipped - last.first_index
        leaves = list[bytes]()
        while len(leaves) < len(entries) - skipped:
            more = await self._leaves.leaves(number - 1 + len(leaves), len(entries) - len(leaves))
            if not more:
                break
            leaves += more
        same = skipped
        for ours, theirs in zip(leaves, entries[skipped:], strict=False):
            if ours != theirs:
                break
            same += 1
        return same

    # --- A new log ---

    async def _replaced(self, state: LogState, reason: str) -> MendingPlan:
        count = len(state.former) + 2
        while await self._files.read(f"{FIRST_FOLDER}{count}/{CHECKPOINT_FILE}") is not None:
            # The folder exists if a restored registry replaced its log after the backup.
            count += 1
        folder = f"{FIRST_FOLDER}{count}"
        first = state.former[0].origin if state.former else state.origin
        host = first.removesuffix(f"/{FIRST_FOLDER}")
        old = await self._files.read(f"{state.folder}/{CHECKPOINT_FILE}")
        last = old.decode(errors="replace") if old else state.checkpoint
        entry = {
            "v": 1,
            "index": 0,
            "time": utc_text(self._clock.now_ms()),
            "kind": "log.replaced",
            "log": state.origin,
            "checkpoint": last,
        }
        replaced = LogState(
            revision=state.revision,
            origin=f"{host}/{log_path(folder)}",
            folder=folder,
            segments=(Segment(1, 1),),
            first_entry=json.dumps(entry, sort_keys=True, separators=(",", ":")),
            former=(*state.former, FormerLog(state.origin, state.folder, last)),
        )
        return MendingPlan(MendingWay.REPLACE, state, replaced, reason=reason)


async def _require_tile(tiles: TileReader, folder: str, tile: Tile, content: bytes) -> None:
    if await tiles.content(folder, tile) != content:
        message = f"the file {folder}/{tile.path} is not that of its entries."
        raise ProofRefused(message)


def _segments(state: LogState, kept: int, size: int) -> tuple[Segment, ...]:
    """Return the segments of a log of `size` entries, of which the first `kept` are of events that
    the registry has."""
    if kept == size:
        return state.segments
    last = state.segments[-1]
    number = last.number + kept - last.first_index
    earlier = [each for each in state.segments if each.number < number]
    return (*earlier, Segment(number, size))


def log_is_written() -> Conflict:
    return Conflict(
        "log-is-written",
        "The transparency log has not stopped, so there is nothing to mend. `ballroom doctor` says "
        "when it stops.",
    )
