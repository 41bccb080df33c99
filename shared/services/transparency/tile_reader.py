"""Reading tiles: hashes of subtrees, proofs and entries, by O(log n) files."""

import asyncio
from collections.abc import Sequence

from shared.domain.errors.transparency import ProofRefused
from shared.domain.transparency.merkle_tree import NodeAddress, plan_consistency
from shared.domain.transparency.tiles import (
    Tile,
    bundle_with,
    entry_of_bundle,
    node_of_tile,
    tile_with,
)
from shared.ports.transparency import LogFiles
from shared.runtime.lru_cache import LruCache

# 512 full tiles: the upper levels of every log, and what is asked for again.
TILES_CACHED_BYTES = 4 * 1024 * 1024


class TileReader:
    """Reads the tiles of logs; keeps full ones, which never change."""

    def __init__(self, files: LogFiles) -> None:
        self._files = files
        self._full = LruCache[str, bytes](
            TILES_CACHED_BYTES, weigh=lambda path, content: len(path) + len(content)
        )

    async def nodes(
        self, folder: str, nodes: Sequence[NodeAddress], size: int
    ) -> dict[NodeAddress, bytes]:
        """Return the hashes of complete subtrees of a log that has `size` entries; raise
        `ProofRefused` if a tile is missing, and `NoteUnreadable` if it was cut."""
        tiles = list(dict.fromkeys(tile_with(node, size) for node in nodes))
        contents = await asyncio.gather(*(self.content(folder, each) for each in tiles))
        found = dict(zip(tiles, contents, strict=True))
        return {node: node_of_tile(node, found[tile_with(node, size)]) for node in nodes}

    async def consistency_proof(self, folder: str, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the log of `new` entries continues that of `old` entries; raise as
        `nodes` does, and `ProofRefused` if the log would become smaller."""
        plan = plan_consistency(old, new)
        return plan.hashes(await self.nodes(folder, plan.nodes, new))

    async def entry(self, folder: str, index: int, size: int) -> bytes:
        """Return an entry of a log that has `size` entries; raise as `nodes` does."""
        return entry_of_bundle(index, await self.content(folder, bundle_with(index, size)))

    async def content(self, folder: str, tile: Tile) -> bytes:
        """Return a tile or a bundle; raise `ProofRefused` if it is missing.

        Partial tiles are deleted once they are full, so the full one is read instead.
        """
        full_path = f"{folder}/{tile.full_path}"
        kept = self._full.get(full_path)
        if kept is not None:
            return kept
        if not tile.is_full:
            content = await self._files.read(f"{folder}/{tile.path}")
            if content is not None:
                return content
        content = await self._files.read(full_path)
        if content is None:
            message = f"The file {folder}/{tile.path} of the log is missing."
            raise ProofRefused(message)
        self._full.put(full_path, content)
        return content
