"""Reading tiles, and proofs from them, by O(log n) files."""

import asyncio
from collections.abc import Sequence

from shared.domain.errors.transparency import ProofRefused
from shared.domain.transparency.merkle_tree import (
    NodeAddress,
    ProofPlan,
    plan_consistency,
    plan_inclusion,
)
from shared.domain.transparency.tiles import Tile, node_of_tile, tile_with
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

    async def inclusion_proof(self, folder: str, index: int, size: int) -> tuple[bytes, ...]:
        """Return the proof that the log of the first `size` entries has entry `index`; raise
        `ProofRefused` if a tile is missing or was cut."""
        return await self._proof(folder, size, plan_inclusion(index, size))

    async def consistency_proof(self, folder: str, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the log of `new` entries continues that of `old` entries; raise
        `ProofRefused` as above, and if the log would become smaller."""
        return await self._proof(folder, new, plan_consistency(old, new))

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

    async def _proof(self, folder: str, size: int, plan: ProofPlan) -> tuple[bytes, ...]:
        nodes: Sequence[NodeAddress] = plan.nodes
        tiles = list(dict.fromkeys(tile_with(node, size) for node in nodes))
        contents = await asyncio.gather(*(self.content(folder, each) for each in tiles))
        found = dict(zip(tiles, contents, strict=True))
        known = {node: node_of_tile(node, found[tile_with(node, size)]) for node in nodes}
        return plan.hashes(known)
