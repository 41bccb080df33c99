"""Tiles, as c2sp.org/tlog-tiles describes them: the files of a log, their paths, and what is in
them.
"""

import re
from collections.abc import Sequence
from typing import Self

from msgspec import Struct

from shared.domain.errors.base import quoted
from shared.domain.errors.transparency import LogStopped, NoteUnreadable
from shared.domain.transparency.merkle_tree import HASH_BYTES, NodeAddress, node_hash

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_BYTES  # The size of a full tile.
HIGHEST_LEVEL = 63
ENTRIES_LEVEL = -1  # The level of bundles of entries; tiles of hashes have levels from 0 on.
LARGEST_ENTRY_BYTES = 0xFFFF  # Its length has two bytes.

_LENGTH_BYTES = 2
_PATH = re.compile(
    r"tile/(?P<level>entries|[0-9]{1,2})/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[0-9]{1,3}))?"
)


class Tile(Struct, frozen=True):
    """A tile of hashes, or a bundle of entries at the level `ENTRIES_LEVEL`; with less than 256 of
    them it is a partial one."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @classmethod
    def parse(cls, path: str) -> Self:
        """Read a path such as `tile/0/x001/067.p/5`; raise `NoteUnreadable` for any other form."""
        match = _PATH.fullmatch(path)
        if match is None:
            raise NoteUnreadable(_A_PATH, f"{quoted(path)} is none")
        level = ENTRIES_LEVEL if match["level"] == "entries" else int(match["level"])
        index = int(match["index"].replace("x", "").replace("/", ""))
        tile = cls(level, index, int(match["width"] or TILE_WIDTH))
        # Each path has one spelling: no additional zeros, and no width for a full tile.
        if level > HIGHEST_LEVEL or not 1 <= tile.width <= TILE_WIDTH or tile.path != path:
            raise NoteUnreadable(_A_PATH, f"{quoted(path)} is none")
        return tile

    @property
    def is_full(self) -> bool:
        return self.width == TILE_WIDTH

    @property
    def path(self) -> str:
        """The path below the address of the log."""
        return self.full_path if self.is_full else f"{self.full_path}.p/{self.width}"

    @property
    def full_path(self) -> str:
        """The path of the tile when it is full."""
        digits = f"{self.index:03}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
        number = "/".join([*(f"x{each}" for each in groups[:-1]), groups[-1]])
        level = "entries" if self.level == ENTRIES_LEVEL else str(self.level)
        return f"tile/{level}/{number}"


_A_PATH = "The path of a tile"


def tile_with(node: NodeAddress, size: int) -> Tile:
    """Return the tile that has the hash of the subtree, or those that it is computed from, as it is
    in a log of `size` entries."""
    level, height = divmod(node.height, TILE_HEIGHT)
    return tile_at(level, (node.number << height) >> TILE_HEIGHT, size)


def tile_at(level: int, index: int, size: int) -> Tile:
    """Return the tile as it is in a log of `size` entries, which has some of its hashes."""
    hashes = size >> (TILE_HEIGHT * max(level, 0))
    return Tile(level, index, min(TILE_WIDTH, hashes - index * TILE_WIDTH))


def node_of_tile(node: NodeAddress, content: bytes) -> bytes:
    """Return the hash of a subtree from the content of the tile that `tile_with` names, or from
    what `with_subtrees` returned of it.

    Raises `NoteUnreadable` if the tile was cut.
    """
    height = node.height % TILE_HEIGHT
    if len(content) > TILE_BYTES:
        # The hashes of each lower height come first.
        row = 2 * TILE_WIDTH - (2 * TILE_WIDTH >> height)
        at = (row + node.number % (TILE_WIDTH >> height)) * HASH_BYTES
        return content[at : at + HASH_BYTES]
    first = (node.number << height) % TILE_WIDTH
    row = hashes_of(content, first, first + (1 << height))
    if len(row) < 1 << height:
        raise NoteUnreadable(_A_TILE, "hashes are missing at its end")
    return _root_of(row)


def with_subtrees(content: bytes) -> bytes:
    """Return the content of a full tile, and after it the hashes of the complete subtrees over its
    hashes: of those over two hashes, then of those over four, and at last of the one over all.
    The content of a tile that is not full is returned as it is."""
    if len(content) != TILE_BYTES:
        return content
    row = hashes_of(content)
    rows = [content]
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
        rows.append(b"".join(row))
    return b"".join(rows)


def complete_subtrees(hashes: Sequence[bytes]) -> list[bytes]:
    """Return the hashes of the largest complete subtrees over hashes of subtrees of one size, from
    left to right."""
    roots = list[bytes]()
    start = 0
    while start < len(hashes):
        width = 1 << ((len(hashes) - start).bit_length() - 1)
        roots.append(_root_of(hashes[start : start + width]))
        start += width
    return roots


def _root_of(row: Sequence[bytes]) -> bytes:
    """Return the hash of the complete subtree over these hashes."""
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


_A_TILE = "A tile"
_A_BUNDLE = "A bundle of entries"


def hashes_of(content: bytes, first: int = 0, end: int = TILE_WIDTH) -> list[bytes]:
    """Return the hashes in a tile from the number `first` to before `end`; raise `NoteUnreadable`
    if it was cut."""
    if len(content) % HASH_BYTES:
        raise NoteUnreadable(_A_TILE, "its length is not a multiple of 32 bytes")
    end_byte = min(end * HASH_BYTES, len(content))
    return [content[at : at + HASH_BYTES] for at in range(first * HASH_BYTES, end_byte, HASH_BYTES)]


def bundle_of(entries: Sequence[bytes]) -> bytes:
    """Return a bundle of entries; each has at most `LARGEST_ENTRY_BYTES`."""
    return b"".join(len(each).to_bytes(_LENGTH_BYTES, "big") + each for each in entries)


def entries_of(content: bytes) -> list[bytes]:
    """Return the entries of a bundle; raise `NoteUnreadable` if it was cut."""
    entries = list[bytes]()
    at = 0
    while at < len(content):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(content[at:start], "big")
        if start > len(content) or at > len(content):
            raise NoteUnreadable(_A_BUNDLE, "its last entry is cut")
        entries.append(content[start:at])
    return entries


def require_same(path: str, stored: bytes, new: bytes) -> None:
    """Raise `LogStopped` if a published file would get another content."""
    if stored != new:
        message = f"the published file {path} has another content than the records of the registry."
        raise LogStopped(message)
