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
from shared.domain.transparency.tiles import (
    ENTRIES_LEVEL,
    TILE_BYTES,
    Tile,
    node_of_tile,
    tile_with,
    with_subtrees,
)
from shared.ports.transparency import LogFiles
from shared.runtime.lru_cache import LruCache

# 256 full tiles: the upper levels of every log, and what is asked for again.
TILES_CACHED_BYTES = 4 * 1024 * 1024


class TileReader:
    """Reads the tiles of logs; keeps full ones, which never change, with the hashes of the subtrees
    in them: computing these takes most of a proof."""

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
        content = await self._content(folder, tile)
        return content if tile.level == ENTRIES_LEVEL else content[:TILE_BYTES]

    async def _content(self, folder: str, tile: Tile) -> bytes:
        """Return the content; that of a full tile of hashes as `with_subtrees` does."""
        kept = self._kept(folder, tile)
        if kept is not None:
            return kept
        full_path = f"{folder}/{tile.full_path}"
        if not tile.is_full:
            content = await self._files.read(f"{folder}/{tile.path}")
            if content is not None:
                return content
        content = await self._files.read(full_path)
        if content is None:
            message = f"The file {folder}/{tile.path} of the log is missing."
            raise ProofRefused(message)
        if tile.level != ENTRIES_LEVEL:
            content = with_subtrees(content)
        self._full.put(full_path, content)
        return content

    def _kept(self, folder: str, tile: Tile) -> bytes | None:
        return self._full.get(f"{folder}/{tile.full_path}")

    async def _proof(self, folder: str, size: int, plan: ProofPlan) -> tuple[bytes, ...]:
        nodes: Sequence[NodeAddress] = plan.nodes
        tiles = list(dict.fromkeys(tile_with(node, size) for node in nodes))
        found = {each: self._kept(folder, each) or b"" for each in tiles}
        missing = [each for each, content in found.items() if not content]
        if missing:
            read = await asyncio.gather(*(self._content(folder, each) for each in missing))
            found |= dict(zip(missing, read, strict=True))
        known = {node: node_of_tile(node, found[tile_with(node, size)]) for node in nodes}
        return plan.hashes(known)
