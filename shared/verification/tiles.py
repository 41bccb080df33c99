"""The Merkle tree of a log, read from its tiles and proven against a signed root.

The forms are those of RFC 6962 and c2sp.org/tlog-tiles and tlog-proof.
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.verification.signed_notes import (
    HASH_BYTES,
    LARGEST_NOTE_BYTES,
    Checkpoint,
    Differs,
    Malformed,
    decimal,
    decoded,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    # The place of a file: its level or `entries`, its index and its width.
    Place = tuple[int | str, int, int]

TILE_HEIGHT = 8
TILE_WIDTH = 256
LARGEST_TILE_BYTES = TILE_WIDTH * HASH_BYTES
LARGEST_ENTRY_BYTES = 65_535
LARGEST_BUNDLE_BYTES = TILE_WIDTH * (LARGEST_ENTRY_BYTES + 2)
# The longest entry that is tried: trying each value of each byte takes about a second.
LARGEST_TRIED_BYTES = 2_000
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def subtree_hash(hashes: Sequence[bytes]) -> bytes:
    """Return the root of the tree over hashes of one level; there is at least one."""
    level = hashes
    while len(level) > 1:
        pairs = [node_hash(level[n], level[n + 1]) for n in range(0, len(level) - 1, 2)]
        level = [*pairs, *level[len(pairs) * 2 :]]
    return level[0]


def tile_path(level: int | str, index: int, width: int) -> str:
    """Return the path of a tile, or of the bundle of entries of the level `entries`."""
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03}")
    suffix = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(groups)}{suffix}"


def width_of(size: int, level: int, index: int) -> int:
    """Return how many hashes a tile has in a tree of that size; 0 or less if it has no such."""
    return min((size >> (TILE_HEIGHT * level)) - index * TILE_WIDTH, TILE_WIDTH)


@dataclass(frozen=True)
class LogProof:
    """A proof of c2sp.org/tlog-proof: where an entry is, and in which checkpoint."""

    index: int
    hashes: Sequence[bytes]
    checkpoint: bytes

    @classmethod
    def parse(cls, content: bytes) -> LogProof:
        """Return the proof; raise `Malformed`."""
        head, separator, checkpoint = content.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n") if separator else []
        except UnicodeDecodeError:
            lines = []
        if not lines or lines.pop(0) != "c2sp.org/tlog-proof@v1":
            message = "It is no proof of c2sp.org/tlog-proof@v1."
            raise Malformed(message)
        if lines and lines[0].startswith("extra "):
            decoded(lines.pop(0)[len("extra ") :])
        if not lines or not lines[0].startswith("index "):
            message = "It has no line with its index."
            raise Malformed(message)
        index = decimal(lines.pop(0)[len("index ") :])
        hashes = [decoded(line) for line in lines]
        if len(hashes) > 63 or any(len(each) != HASH_BYTES for each in hashes):  # noqa: PLR2004 - bits of a size.
            message = "Its hashes are not those of a proof."
            raise Malformed(message)
        return cls(index, hashes, checkpoint)

    def root(self, leaf: bytes, size: int) -> bytes | None:
        """Return the root that the proof gives for the hash of a leaf in a tree of that size; none
        if it has too many or too few hashes."""
        index = self.index
        last = size - 1
        if index > last:
            return None
        result = leaf
        for each in self.hashes:
            if last == 0:
                return None
            if index & 1 or index == last:
                result = node_hash(each, result)
                while not index & 1 and index:
                    index >>= 1
                    last >>= 1
            else:
                result = node_hash(result, each)
            index >>= 1
            last >>= 1
        return result if last == 0 else None


LARGEST_PROOF_BYTES = LARGEST_NOTE_BYTES


class LogTree:
    """The tree below a checkpoint, whose tiles are believed only with their place in its root.

    `read_all` returns the contents of files of the log in the order of their paths, None for one
    that is missing; each may have as many bytes as it is given.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        read_all: Callable[[Iterable[str], int], Iterator[bytes | None]],
    ) -> None:
        self.size = checkpoint.size
        self._read_all = read_all
        self._tiles: dict[tuple[int, int], list[bytes]] = {}
        self._read_edge(checkpoint)

    def root_at(self, size: int) -> bytes:
        """Return the root that the tree had when it had that size, which is at most its own."""
        if size == 0:
            return EMPTY_ROOT
        root = b""
        for level in range(_levels(size)):
            index = size >> (TILE_HEIGHT * (level + 1))
            width = width_of(size, level, index)
            if width:
                root = _joined(self.tile(level, index)[:width], root)
        return root

    def tile(self, level: int, index: int) -> list[bytes]:
        """Return the hashes of a tile of the tree; raise `Differs`."""
        if (level, index) not in self._tiles:
            [self._tiles[level, index]] = self._full_tiles(level, range(index, index + 1))
        return self._tiles[level, index]

    def entries(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Yield the entries from one index up to another, each proven; raise `Differs`."""
        indexes = range(start // TILE_WIDTH, -(-stop // TILE_WIDTH))
        bundles = (("entries", each, width_of(self.size, 0, each)) for each in indexes)
        for (_, index, width), content in self._read_or_cut(bundles):
            entries = self._proven(index, width, content)
            first = index * TILE_WIDTH
            for number in range(max(start - first, 0), min(stop - first, width)):
                yield first + number, entries[number]

    def check_tiles(self) -> int:
        """Read every tile, and return how many there are; raise `Differs`."""
        count = 0
        for level in reversed(range(_levels(self.size))):
            full, rest = divmod(self.size >> (TILE_HEIGHT * level), TILE_WIDTH)
            for index, hashes in enumerate(self._full_tiles(level, range(full))):
                if level:  # Nothing is below the others, which would fill the memory.
                    self._tiles[level, index] = hashes
            count += full + bool(rest)
        return count

    def _full_tiles(self, level: int, indexes: range) -> Iterator[list[bytes]]:
        """Read full tiles of a level, and those above them that are not known yet."""
        paths = (tile_path(level, each, TILE_WIDTH) for each in indexes)
        contents = self._read_all(paths, LARGEST_TILE_BYTES)
        for index, content in zip(indexes, contents):  # noqa: B905 - Python 3.9 has no `strict`.
            hashes = _hashes_of(content, tile_path(level, index, TILE_WIDTH), TILE_WIDTH)
            if subtree_hash(hashes) != self._above(level, index):
                raise Differs(self._difference_of_tile(level, index, hashes))
            yield hashes

    # What the tiles are believed by.

    def _read_edge(self, checkpoint: Checkpoint) -> None:
        """Read the tiles that are not full, which give the root."""
        size = checkpoint.size
        edge = [(level, size >> (TILE_HEIGHT * (level + 1))) for level in range(_levels(size))]
        places = [(*each, width_of(size, *each)) for each in edge if width_of(size, *each)]
        read = self._read_or_cut(places)
        for (level, index, width), (_, content) in zip(places, read):  # noqa: B905
            path = tile_path(level, index, width)
            self._tiles[level, index] = _hashes_of(content, path, width)
        if self.root_at(size) != checkpoint.root:
            raise Differs(self._difference_of_edge())

    def _read_or_cut(self, places: Iterable[Place]) -> Iterator[tuple[Place, bytes | None]]:
        """Read files, and the beginning of the full one where a log has no such part any more."""
        places, ahead = itertools.tee(places)
        contents = self._read_all((tile_path(*each) for each in ahead), LARGEST_BUNDLE_BYTES)
        for place, content in zip(places, contents):  # noqa: B905 - Python 3.9 has no `strict`.
            level, index, width = place
            if content is not None or width == TILE_WIDTH:
                yield place, content
                continue
            whole = tile_path(level, index, TILE_WIDTH)
            (found,) = self._read_all([whole], LARGEST_BUNDLE_BYTES)
            if found is None or level != "entries":
                yield place, found and found[: width * HASH_BYTES]
            else:
                yield (
                    place,
                    b"".join(
                        len(each).to_bytes(2, "big") + each
                        for each in _entries_of(found, whole, TILE_WIDTH)[:width]
                    ),
                )

    def _above(self, level: int, index: int) -> bytes:
        return self.tile(level + 1, index // TILE_WIDTH)[index % TILE_WIDTH]

    def _proven(self, index: int, width: int, content: bytes | None) -> list[bytes]:
        path = tile_path("entries", index, width)
        entries = _entries_of(content, path, width)
        hashes = [leaf_hash(each) for each in entries]
        if width < TILE_WIDTH:
            is_proven = hashes == self._tiles[0, index][:width]
        else:
            is_proven = subtree_hash(hashes) == self._above(0, index)
        if is_proven:
            return entries
        # The tile may differ as well, which is named then.
        known = self.tile(0, index)
        number = next(n for n in range(width) if hashes[n] != known[n])
        begin = sum(2 + len(each) for each in entries[:number])
        at = _changed_byte(entries[number], known[number])
        if at is not None:
            message = (
                f"{path}: the byte {begin + 2 + at}, in the entry {index * TILE_WIDTH + number}, "
                "is another one than the log has at its place."
            )
            raise Differs(message)
        end = begin + 2 + len(entries[number])
        message = (
            f"{path}: the entry {index * TILE_WIDTH + number} (bytes {begin} to {end - 1}) is "
            "another one than the log has at its place."
        )
        raise Differs(message)

    # Which file differs.

    def _difference_of_tile(self, level: int, index: int, hashes: Sequence[bytes]) -> str:
        path = tile_path(level, index, TILE_WIDTH)
        above = tile_path(level + 1, index // TILE_WIDTH, TILE_WIDTH).partition(".p/")[0]
        found = self._first_difference(level, index, hashes)
        return found or (
            f"{path}: its hash is another one than {above} has at place {index % TILE_WIDTH}."
        )

    def _difference_of_edge(self) -> str:
        for place, hashes in self._tiles.items():
            if found := self._first_difference(*place, hashes):
                return found
        return "checkpoint: its root is another one than the tiles give."

    def _first_difference(self, level: int, index: int, hashes: Sequence[bytes]) -> str:
        """Compare a tile with what is below it; empty if that gives the same hashes."""
        width = len(hashes)
        path = tile_path(level, index, width)
        first = index * TILE_WIDTH
        if level:
            below = [tile_path(level - 1, first + number, TILE_WIDTH) for number in range(width)]
            contents = self._read_all(below, LARGEST_TILE_BYTES)
            computed = (
                subtree_hash(_hashes_of(content, each, TILE_WIDTH))
                for each, content in zip(below, contents)  # noqa: B905
            )
        else:
            bundle = tile_path("entries", index, width)
            ((_, content),) = self._read_or_cut([("entries", index, width)])
            computed = (leaf_hash(each) for each in _entries_of(content, bundle, width))
        for number, (own, other) in enumerate(zip(hashes, computed)):  # noqa: B905
            if own != other:
                places = range(HASH_BYTES)
                at = number * HASH_BYTES + next(n for n in places if own[n] != other[n])
                return (
                    f"{path}: the byte {at}, in the hash of place {number}, is another one than "
                    "what is below it gives."
                )
        return ""


def _levels(size: int) -> int:
    return -(-size.bit_length() // TILE_HEIGHT)


def _joined(hashes: Sequence[bytes], right: bytes) -> bytes:
    """Return the root over hashes of one level and the smaller tree at their right, if any."""
    peaks: list[bytes] = []
    begin = 0
    for bit in reversed(range(TILE_HEIGHT + 1)):
        if len(hashes) & (1 << bit):
            peaks.append(subtree_hash(hashes[begin : begin + (1 << bit)]))
            begin += 1 << bit
    for peak in reversed(peaks):
        right = node_hash(peak, right) if right else peak
    return right


def _hashes_of(content: bytes | None, path: str, width: int) -> list[bytes]:
    if content is None:
        message = f"{path}: the log has no such file, and its checkpoint says that it has."
        raise Differs(message)
    if len(content) != width * HASH_BYTES:
        message = f"{path}: it has {len(content)} bytes, and not {width * HASH_BYTES}."
        raise Differs(message)
    return [content[n : n + HASH_BYTES] for n in range(0, len(content), HASH_BYTES)]


def _changed_byte(entry: bytes, proven: bytes) -> int | None:
    """Return the only byte in which an entry differs from the one of a hash; None if more than
    one byte differs."""
    if len(entry) > LARGEST_TRIED_BYTES:
        return None
    for at in range(len(entry)):
        before = hashlib.sha256(b"\x00" + entry[:at])
        after = entry[at + 1 :]
        for value in range(256):
            tried = before.copy()
            tried.update(bytes([value]) + after)
            if tried.digest() == proven:
                return at
    return None


def _entries_of(content: bytes | None, path: str, width: int) -> list[bytes]:
    if content is None:
        message = f"{path}: the log has no such file, and its checkpoint says that it has."
        raise Differs(message)
    entries: list[bytes] = []
    begin = 0
    while begin < len(content) and len(entries) < width:
        end = begin + 2 + int.from_bytes(content[begin : begin + 2], "big")
        entries.append(content[begin + 2 : end])
        begin = end
    if begin != len(content) or len(entries) != width:
        message = f"{path}: it is cut, or has more than its {width} entries."
        raise Differs(message)
    return entries
