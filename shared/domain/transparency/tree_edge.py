"""The right edge of a log: what is needed to append to it, and the files that a batch adds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Self

from msgspec import Struct

from shared.domain.errors.transparency import ProofRefused
from shared.domain.transparency.merkle_tree import (
    NodeAddress,
    TreeHead,
    joined,
    leaf_hash,
    plan_inclusion,
)
from shared.domain.transparency.tiles import (
    ENTRIES_LEVEL,
    LARGEST_ENTRY_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    bundle_of,
    complete_subtrees,
    entries_of,
    hashes_of,
    node_of_tile,
    tile_at,
    tile_with,
)


class TreeEdge(Struct, frozen=True):
    """The partial tiles of a log of `size` entries. Its memory does not grow with the log: it is at
    most 255 entries, and 255 hashes of each level."""

    size: int = 0
    entries: tuple[bytes, ...] = ()  # The entries of the partial bundle.
    levels: tuple[tuple[bytes, ...], ...] = ()  # Hashes of the partial tiles, from level 0 on.

    @classmethod
    def of_files(cls, size: int, files: Mapping[Tile, bytes]) -> Self:
        """Read the edge from the tiles that `edge_tiles` names; raise `NoteUnreadable` or
        `ProofRefused` if one of them was cut."""
        entries: tuple[bytes, ...] = ()
        levels = [list[bytes]() for _ in range(_levels(size))]
        for tile, content in files.items():
            parts = entries_of(content) if tile.level == ENTRIES_LEVEL else hashes_of(content)
            if len(parts) != tile.width:
                message = f"{tile.path} has {len(parts)} parts, and not {tile.width}."
                raise ProofRefused(message)
            if tile.level == ENTRIES_LEVEL:
                entries = tuple(parts)
            else:
                levels[tile.level] = parts
        edge = cls(size, entries, tuple(map(tuple, levels)))
        if levels and [leaf_hash(each) for each in entries] != levels[0]:
            message = "The last bundle of entries is not that of the last tile."
            raise ProofRefused(message)
        return edge

    @property
    def head(self) -> TreeHead:
        """The size and the root of the log."""
        subtrees = [each for level in reversed(self.levels) for each in complete_subtrees(level)]
        return TreeHead(self.size, joined(subtrees))

    def extended(self, leaves: Sequence[bytes]) -> "Extension":
        """Return the log with further entries; each has at most `LARGEST_ENTRY_BYTES`."""
        entries = list(self.entries)
        levels = [list(level) for level in self.levels]
        files = dict[str, bytes]()
        size = self.size
        for leaf in leaves:
            if len(leaf) > LARGEST_ENTRY_BYTES:
                message = f"An entry of {len(leaf):,} bytes is too large for a log."
                raise ProofRefused(message)
            entries.append(leaf)
            size += 1
            _push(levels, leaf_hash(leaf), size, files)
            if len(entries) == TILE_WIDTH:
                full = Tile(ENTRIES_LEVEL, size // TILE_WIDTH - 1)
                files[full.path] = bundle_of(entries)
                entries.clear()
        edge = TreeEdge(size, tuple(entries), tuple(map(tuple, levels)))
        added = dict(enumerate(leaves, self.size))
        return Extension(edge, added, {**files, **edge.partial_files()} if leaves else {})

    def partial_files(self) -> dict[str, bytes]:
        """Return the partial tiles of the edge by their paths."""
        files = {
            tile_at(level, self.size >> TILE_HEIGHT * (level + 1), self.size).path: b"".join(hashes)
            for level, hashes in enumerate(self.levels)
            if hashes
        }
        if self.entries:
            bundle = tile_at(ENTRIES_LEVEL, self.size // TILE_WIDTH, self.size)
            files[bundle.path] = bundle_of(self.entries)
        return files


class Extension(Struct, frozen=True):
    """A longer log: its edge, the new entries by their indexes, and the files that it did not have
    before, by their paths."""

    edge: TreeEdge
    entries: dict[int, bytes]
    files: dict[str, bytes]

    def inclusion_proofs(self, indexes: Iterable[int]) -> Iterator[tuple[bytes, ...]]:
        """Yield the proofs that the longer log has new entries, in the order of their indexes. A
        proof is made when it is asked for, and uses the hashes of those before it.

        The new files suffice: each tile that a proof needs has a new entry below it.
        """
        size = self.edge.size
        known = dict[NodeAddress, bytes]()
        for index in indexes:
            plan = plan_inclusion(index, size)
            for node in plan.nodes:
                if node not in known:
                    known[node] = node_of_tile(node, self.files[tile_with(node, size).path])
            yield plan.hashes(known)


def edge_tiles(size: int) -> list[Tile]:
    """Return the partial tiles of a log of that size, and its partial bundle."""
    tiles = (
        [Tile(ENTRIES_LEVEL, size // TILE_WIDTH, size % TILE_WIDTH)] if size % TILE_WIDTH else []
    )
    for level in range(_levels(size)):
        hashes = size >> TILE_HEIGHT * level
        if hashes % TILE_WIDTH:
            tiles.append(Tile(level, hashes // TILE_WIDTH, hashes % TILE_WIDTH))
    return tiles


def all_tiles(size: int) -> Iterator[Tile]:
    """Yield all tiles and bundles of a log of that size."""
    for level in (ENTRIES_LEVEL, *range(_levels(size))):
        hashes = size >> TILE_HEIGHT * max(level, 0)
        for index in range(-(-hashes // TILE_WIDTH)):
            yield tile_at(level, index, size)


def _levels(size: int) -> int:
    """Return how many levels of tiles a log of that size has."""
    return -(-size.bit_length() // TILE_HEIGHT)


def _push(levels: list[list[bytes]], added: bytes, size: int, files: dict[str, bytes]) -> None:
    """Add the hash of entry `size - 1`, and the hashes of the tiles that become full by it."""
    level = 0
    while True:
        if level == len(levels):
            levels.append([])
        levels[level].append(added)
        if len(levels[level]) < TILE_WIDTH:
            return
        full = Tile(level, (size >> TILE_HEIGHT * (level + 1)) - 1)
        files[full.path] = b"".join(levels[level])
        [added] = complete_subtrees(levels[level])
        levels[level].clear()
        level += 1
