"""The writer of the transparency log: it appends the entries of new events, and publishes them.

A batch is written in this order, as Sunlight does:

1. The new tiles are staged, where nobody reads them.
2. The signed checkpoint is stored in `LogState`, if nobody stored another one meanwhile. This
   commits the batch.
3. The tiles are published, and then the checkpoint.
4. The proofs of new releases are stored.

A process that dies before the second step has changed nothing that counts. After it, the next run
publishes what was staged. So nobody ever sees a checkpoint without its tiles, nor two histories.
Proofs that a process did not store before it died are made when somebody asks for them.

One process at a time has the lease. The second step is safe without it.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import NoReturn

import msgspec

from shared.domain.errors.base import Unavailable
from shared.domain.errors.transparency import LogStopped, NoteUnreadable, ProofRefused
from shared.domain.times import MS
from shared.domain.transparency.checkpoints import Checkpoint, checkpoint_of
from shared.domain.transparency.log_states import (
    CHECKPOINT_FILE,
    FIRST_FOLDER,
    PLACE_OF_STATE,
    LogState,
)
from shared.domain.transparency.notes import NoteSigner, SignedNote
from shared.domain.transparency.tiles import Tile
from shared.domain.transparency.tree_edge import Extension, TreeEdge, edge_tiles
from shared.ports.conflicts import AlreadyThere, Stale
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.ports.transparency import (
    CheckpointKeeper,
    Cosigners,
    LeafSource,
    LogFiles,
    LogSeeds,
    ProofKeeper,
)
from shared.services.leases import Leases
from shared.services.transparency.tile_reader import TileReader
from shared.telemetry.log import log

ENTRIES_AT_ONCE = 1024  # Four tiles; a batch is staged as one file of less than a megabyte.
# After the death of a writer, entries wait until its lease expires.
LEASE_LIFETIME = timedelta(seconds=30)
RUN_TIME = timedelta(seconds=45)  # A run of each minute ends before the next one.

_LEASE = "transparency-log"


class LogWriter:
    """Appends the leaves of the event feed to the log."""

    def __init__(
        self,
        *,
        origin: str,
        files: LogFiles,
        leaves: LeafSource,
        directory: DirectoryStore,
        seeds: LogSeeds,
        cosigners: Cosigners,
        kept: CheckpointKeeper,
        proofs: ProofKeeper,
        leases: Leases,
        clock: Clock,
    ) -> None:
        """Begin a log of the name `origin`, if there is none; one that is there keeps its name."""
        self._origin = origin
        self._files = files
        self._leaves = leaves
        self._directory = directory
        self._seeds = seeds
        self._cosigners = cosigners
        self._kept = kept
        self._proofs = proofs
        self._leases = leases
        self._clock = clock
        self._tiles = TileReader(files)
        self._edge = TreeEdge()
        self._has_swept = False

    async def write(self) -> int | None:
        """Append the leaves of all events that are not in the log, and return how many there were;
        None if another process is writing.

        A long run ends after `RUN_TIME`, and the next one goes on. Raises `LogStopped` if writing
        on would give the log a second history, which every later run raises as well. A repeat of a
        run that failed in another way finishes it.
        """
        async with self._leases.held(_LEASE, LEASE_LIFETIME) as is_held:
            if not is_held:
                return None
            try:
                return await self._write()
            except (Stale, AlreadyThere):  # A writer whose lease had ended was faster.
                return None

    async def _write(self) -> int:
        until_ms = self._clock.now_ms() + RUN_TIME // MS
        state = await self._directory.get(LogState, PLACE_OF_STATE) or await self._begun()
        if state is None:
            return 0
        if state.stopped:
            raise LogStopped(state.stopped)
        try:
            await self._publish_committed(state)
            await self._sweep()
            written = 0
            while added := await self._append(state):
                written += added.count
                state = added.state
                if added.count < ENTRIES_AT_ONCE or self._clock.now_ms() >= until_ms:
                    break
        except LogStopped as stopped:
            await self._stop(state, stopped.reason)
        return written

    async def _begun(self) -> LogState | None:
        """Store the state of a new log, once each event from before it has its leaf.

        Files without a state are those of a log whose records were lost: it keeps its name, and
        stops at what is published.
        """
        if not await self._leaves.is_complete():
            return None
        lost: Checkpoint | None = None
        with suppress(LogStopped):  # It is damaged: `_publish_committed` reads it again and stops.
            lost = await self._published(FIRST_FOLDER)
        return await self._directory.add(LogState(origin=lost.origin if lost else self._origin))

    async def _stop(self, state: LogState, reason: str) -> NoReturn:
        """Store why the writer stops, and raise `LogStopped`; raise `Stale` if the state is an old
        one, of which nothing can be concluded."""
        await self._directory.replace(state.model_copy(update={"stopped": reason}))
        log.error("log.stopped", origin=state.origin, reason=reason)
        raise LogStopped(reason)

    # --- What is committed ---

    async def _publish_committed(self, state: LogState) -> None:
        """Publish the last batch unless that was done; raise `LogStopped` if the public has seen
        what these records do not have."""
        seen = await self._published(state.folder)
        head = state.head
        if seen is not None:
            if seen.size > head.size:
                raise LogStopped(_behind(seen, head.size))
            if seen.size == head.size and seen.root != head.root:
                reason = (
                    f"the published checkpoint of {seen.size} entries has another root than the "
                    "records of the registry."
                )
                raise LogStopped(reason)
        size = seen.size if seen else 0
        if size == head.size:
            return
        batch = _staged(await self._files.staged(state.staged))
        if batch is None or batch.after != size:
            # The files are older than the records, as after a restore of one of both.
            await self._publish_again(state)
            batch = _StagedBatch(size, {})
        await self._publish(state, batch)

    async def _published(self, folder: str) -> Checkpoint | None:
        """Return the checkpoint that the public sees; raise `LogStopped` if it is damaged."""
        note = await self._files.read(f"{folder}/{CHECKPOINT_FILE}")
        try:
            return None if note is None else checkpoint_of(note)
        except NoteUnreadable as unreadable:
            reason = f"the published file {folder}/{CHECKPOINT_FILE} is damaged. {unreadable}"
            raise LogStopped(reason) from None

    async def _publish(self, state: LogState, batch: "_StagedBatch") -> SignedNote:
        """Publish the tiles of the committed batch, and then its checkpoint, and return that with
        its cosignatures. A repeat changes nothing."""
        await self._publish_tiles(state.folder, batch.files)
        note = SignedNote.parse(state.checkpoint)
        cosigned = note.with_signatures(
            await self._cosigners.cosign(note, partial(self._prove, state))
        )
        # Stored before it is published, so that proofs can be made against every published
        # checkpoint.
        await self._kept.add(cosigned, after=batch.after)
        path = f"{state.folder}/{CHECKPOINT_FILE}"
        await self._files.publish_checkpoint(path, cosigned.content.encode())
        for path in batch.files:
            if Tile.parse(path).is_full:
                await self._files.delete_partials(f"{state.folder}/{path}")
        await self._files.discard(state.staged)
        return cosigned

    async def _publish_tiles(self, folder: str, files: dict[str, bytes]) -> None:
        for path, content in files.items():
            await self._files.write_once(f"{folder}/{path}", content)

    async def _prove(self, state: LogState, old: int) -> tuple[bytes, ...]:
        return await self._tiles.consistency_proof(state.folder, old, state.head.size)

    async def _publish_again(self, state: LogState) -> None:
        """Write all tiles from the leaves, as after a restore without the files of the log.

        They are computed before the first one is written.
        """
        async for extension in self._from_leaves(state):
            self._edge = extension.edge
        if self._edge.head != state.head:
            reason = (
                "the files of the log are missing, and the events of the registry do not lead to "
                "its last checkpoint."
            )
            raise LogStopped(reason)
        async for extension in self._from_leaves(state):
            files = extension.files.items()
            full = {path: content for path, content in files if Tile.parse(path).is_full}
            await self._publish_tiles(state.folder, full)
        await self._publish_tiles(state.folder, self._edge.partial_files())

    async def _from_leaves(self, state: LogState) -> AsyncIterator[Extension]:
        """Yield the log from its first entry to its last one."""
        edge = TreeEdge()
        last = 0
        size = state.head.size
        if state.first_entry:
            extension = edge.extended([state.first_entry.encode()])
            edge = extension.edge
            yield extension
        while edge.size < size:
            count = min(ENTRIES_AT_ONCE, size - edge.size)
            leaves = await self._leaves.leaves(last, count)
            if not leaves:
                return
            last += len(leaves)
            extension = edge.extended(leaves)
            edge = extension.edge
            yield extension

    # --- The next batch ---

    async def _append(self, state: LogState) -> "_Batch | None":
        """Commit and publish the next entries; None if there are none."""
        first = [state.first_entry.encode()] if state.first_entry and not state.checkpoint else []
        leaves = await self._leaves.leaves(state.last_number, ENTRIES_AT_ONCE - len(first))
        entries = [*first, *leaves]
        if not entries:
            return None
        edge = await self._edge_of(state)
        extension = edge.extended(entries)
        head = extension.edge.head
        text = Checkpoint(state.origin, head.size, head.root).text
        signers = [NoteSigner(state.origin, each) for each in await self._seeds.seeds()]
        note = SignedNote(text, tuple(each.sign(text) for each in signers))
        staged = f"{state.folder}-{head.size}-{head.root.hex()[:16]}"
        batch = _StagedBatch(edge.size, extension.files)
        await self._files.stage(staged, msgspec.msgpack.encode(batch))
        changed = {"checkpoint": note.content, "staged": staged}
        committed = await self._directory.replace(state.model_copy(update=changed))
        self._edge = extension.edge
        published = await self._publish(committed, batch)
        # A full batch consists of events that waited, such as all events of a registry for its
        # first log. Storing proofs of all of them would take request units that other requests
        # need.
        if len(entries) < ENTRIES_AT_ONCE:
            with suppress(Unavailable):  # `ReleaseProofs` makes a proof that is not stored.
                await self._proofs.add(published, extension)
        return _Batch(committed, len(entries))

    async def _edge_of(self, state: LogState) -> TreeEdge:
        """Return the edge of the log that is committed, from memory or from its tiles."""
        head = state.head
        if self._edge.head == head:
            return self._edge
        try:
            tiles = edge_tiles(head.size)
            found = {each: await self._tiles.content(state.folder, each) for each in tiles}
            edge = TreeEdge.of_files(head.size, found)
        except (NoteUnreadable, ProofRefused) as refused:
            reason = f"its last tiles cannot be read. {refused}"
            raise LogStopped(reason) from None
        if edge.head != head:
            reason = f"its last tiles do not lead to the root of its {head.size} entries."
            raise LogStopped(reason)
        return edge

    async def _sweep(self) -> None:
        """Delete the files that killed writers left, once in a process: what was committed is
        published."""
        if self._has_swept:
            return
        for name in await self._files.list_staged():
            await self._files.discard(name)
        self._has_swept = True


class _StagedBatch(msgspec.Struct, frozen=True):
    """The new files of a log that had `after` entries, by their paths below its folder."""

    after: int
    files: dict[str, bytes]


class _Batch(msgspec.Struct, frozen=True):
    """A batch that is published, with the state after it."""

    state: LogState
    count: int


def _staged(content: bytes | None) -> _StagedBatch | None:
    """Return the staged batch; None if it is not there as a whole."""
    if content is None:
        return None
    try:
        return msgspec.msgpack.decode(content, type=_StagedBatch)
    except msgspec.DecodeError:
        return None


def _behind(published: Checkpoint, size: int) -> str:
    return (
        f"the published checkpoint has {published.size} entries, and the records of the registry "
        f"have {size}, as after the restore of an older backup."
    )
