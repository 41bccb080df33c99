"""The audit of a restored registry: whether its archives are as its records say, and whether its
events are those of the transparency log."""

import random

from msgspec import Struct

from shared.domain.errors.transparency import NoteUnreadable, ProofRefused
from shared.domain.packages import Release
from shared.domain.release_states import State
from shared.domain.transparency.log_states import PLACE_OF_STATE, LogState
from shared.domain.transparency.tiles import ENTRIES_LEVEL, TILE_WIDTH, entries_of, tile_at
from shared.domain.transparency.tree_edge import TreeEdge
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Randomness
from shared.ports.transparency import LeafSource, LogFiles
from shared.services.packages.archive_audit import ArchiveAudit
from shared.services.record_batches import PACKAGES_READ_AT_ONCE, package_batches
from shared.services.transparency.log_mending import LogMending, MendingWay
from shared.services.transparency.tile_reader import TileReader

ENTRIES_AT_ONCE = 1_000


class AuditedReleases(Struct, frozen=True):
    """How many packages and releases there are, how many archives were read, and what is wrong."""

    packages: int
    releases: int
    archives: int
    problems: tuple[str, ...]


class AuditedLog(Struct, frozen=True):
    """How many entries of the log were compared, and what is wrong."""

    entries: int
    problems: tuple[str, ...] = ()


class RestoredAudit(Struct, frozen=True):
    """Reads what a restore made; changes nothing."""

    metadata: MetadataStore
    directory: DirectoryStore
    leaves: LeafSource
    log_files: LogFiles
    archive_audit: ArchiveAudit
    mending: LogMending
    randomness: Randomness

    async def releases(self, at_most: int | None = None) -> AuditedReleases:
        """Compare the archives with their records: all, or a random sample of `at_most`."""
        packages = 0
        releases = 0
        problems = list[str]()
        sample = _Sample(at_most, self.randomness)
        async for heads in package_batches(self.metadata, PACKAGES_READ_AT_ONCE):
            for head in heads:
                packages += 1
                for release in await self.metadata.releases(head.package):
                    releases += 1
                    if release.state is not State.REMOVED:
                        sample.offer(release)
                for release in sample.due():
                    problems += await self.archive_audit.problems_of(release)
        for release in sample.chosen:
            problems += await self.archive_audit.problems_of(release)
        return AuditedReleases(packages, releases, sample.read, tuple(problems))

    async def log(self) -> AuditedLog:
        """Compute the tree of the log again from the events, and compare it with the checkpoint
        that was signed when they were logged."""
        state = await self.directory.get(LogState, PLACE_OF_STATE)
        if state is None or not state.head.size:
            return AuditedLog(0)
        try:
            problem = await self._difference(state)
        except (ProofRefused, NoteUnreadable) as refused:
            problem = f"The transparency log {state.origin} cannot be computed again: {refused}"
        return AuditedLog(state.head.size, (problem,) if problem else ())

    async def published_log(self) -> tuple[str, ...]:
        """Compare the published files of a log that the restore of a backup has stopped with the
        events and with the keys; return what is wrong with them."""
        plan = await self.mending.plan()
        if plan is None or plan.way is MendingWay.CONTINUE:
            return ()
        return (f"The files of the transparency log are not those of its records: {plan.reason}",)

    async def _difference(self, state: LogState) -> str:
        """Return what is wrong with the events as the entries of a log; empty if nothing is."""
        size = state.head.size
        tiles = TileReader(self.log_files)
        edge = TreeEdge()
        while edge.size < size:
            entries = await self._entries(state, edge.size, size, tiles)
            if not entries:
                return (
                    f"The transparency log {state.origin} has {size:,} entries, and the event of "
                    f"entry {edge.size:,} is missing."
                )
            edge = edge.extended(entries).edge
        if edge.head != state.head:
            return (
                f"The events do not lead to the root of the checkpoint of {state.origin} with "
                f"{size:,} entries: an event is not the one that was logged."
            )
        return ""

    async def _entries(
        self, state: LogState, index: int, size: int, tiles: TileReader
    ) -> list[bytes]:
        """Return some entries from `index` on, of one segment; none if the event is missing."""
        number = state.number_of(index)
        if number is None:  # An entry without an event, as the first one of a log that follows.
            bundle = tile_at(ENTRIES_LEVEL, index // TILE_WIDTH, size)
            entries = entries_of(await tiles.content(state.folder, bundle))
            return entries[index % TILE_WIDTH :][:1]
        count = 1
        longest = min(ENTRIES_AT_ONCE, size - index)
        while count < longest and state.number_of(index + count) == number + count:
            count += 1
        return await self.leaves.leaves(number - 1, count)


class _Sample:
    """All releases in turn, or as many as asked for, each with the same chance."""

    def __init__(self, at_most: int | None, randomness: Randomness) -> None:
        self._at_most = at_most
        self._random = random.Random(randomness.token_bytes(16))  # noqa: S311 - no secret.
        self._offered = 0
        self.chosen = list[Release]()

    @property
    def read(self) -> int:
        """How many releases were chosen of those that were offered."""
        return self._offered if self._at_most is None else len(self.chosen)

    def offer(self, release: Release) -> None:
        self._offered += 1
        if self._at_most is None or len(self.chosen) < self._at_most:
            self.chosen.append(release)
            return
        place = self._random.randrange(self._offered)
        if place < self._at_most:
            self.chosen[place] = release

    def due(self) -> list[Release]:
        """Take what can be read already: all that was offered, where no sample is asked for."""
        if self._at_most is not None:
            return []
        taken = self.chosen
        self.chosen = []
        return taken
