"""The Merkle tree of RFC 6962 with SHA-256: hashes, and proofs of inclusion and of consistency.

A proof is planned first. The plan names the complete subtrees whose hashes it needs, of which a
tree of n leaves has O(log n), and whoever keeps these hashes reads them; then the plan computes
the proof.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from shared.domain.errors.transparency import ProofRefused

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()

_LEAF = b"\x00"
_NODE = b"\x01"


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()


class NodeAddress(NamedTuple):
    """A complete subtree: it has 2**height leaves, and the first one is number * 2**height."""

    height: int
    number: int


class HashRange(NamedTuple):
    """Leaves from `start` to below `end` that are one subtree: a complete one, or the right edge of
    the tree."""

    start: int
    end: int

    @property
    def nodes(self) -> list[NodeAddress]:
        """The complete subtrees that it consists of, from left to right."""
        nodes = list[NodeAddress]()
        start = self.start
        while start < self.end:
            height = (self.end - start).bit_length() - 1
            nodes.append(NodeAddress(height, start >> height))
            start += 1 << height
        return nodes


class ProofPlan(Struct, frozen=True):
    """Which hashes of subtrees a proof consists of."""

    ranges: tuple[HashRange, ...]

    @property
    def nodes(self) -> list[NodeAddress]:
        """The complete subtrees whose hashes are needed, each once."""
        return [node for each in self.ranges for node in each.nodes]

    def hashes(self, known: Mapping[NodeAddress, bytes]) -> tuple[bytes, ...]:
        """Return the hashes of the proof in its order; `known` has those of `nodes`."""
        return tuple(joined([known[node] for node in each.nodes]) for each in self.ranges)


def joined(hashes: Sequence[bytes]) -> bytes:
    """Return the hash of a tree that consists of complete subtrees, which become smaller from left
    to right."""
    if not hashes:
        return EMPTY_ROOT
    result = hashes[-1]
    for each in reversed(hashes[:-1]):
        result = node_hash(each, result)
    return result


def plan_inclusion(index: int, size: int) -> ProofPlan:
    """Plan the proof that leaf `index` is in the tree of the first `size` leaves.

    Raises `ProofRefused` if the tree does not have the leaf.
    """
    _require_index(index, size)
    ranges = list[HashRange]()
    start = 0
    end = size
    while end - start > 1:
        middle = start + _left_leaves(end - start)
        if index < middle:
            ranges.append(HashRange(middle, end))
            end = middle
        else:
            ranges.append(HashRange(start, middle))
            start = middle
    return ProofPlan(tuple(reversed(ranges)))


def plan_consistency(old: int, new: int) -> ProofPlan:
    """Plan the proof that the tree of `new` leaves begins with that of `old` leaves.

    Raises `ProofRefused` if the newer tree is smaller.
    """
    _require_growth(old, new)
    if old in (0, new):
        return ProofPlan(())
    ranges = list[HashRange]()
    start = 0
    end = new
    while end != old:
        middle = start + _left_leaves(end - start)
        if old <= middle:
            ranges.append(HashRange(middle, end))
            end = middle
        else:
            ranges.append(HashRange(start, middle))
            start = middle
    if start:  # Else the rest is the old tree itself, whose root the reader has.
        ranges.append(HashRange(start, end))
    return ProofPlan(tuple(reversed(ranges)))


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root that the proof leads to, from the hash of a leaf.

    Raises `ProofRefused` if the proof has not the length that it must have.
    """
    _require_index(index, size)
    _require_hashes(leaf, *proof)
    result = leaf
    node = index
    last = size - 1
    for each in proof:
        if last == 0:
            raise ProofRefused(_TOO_LONG)
        if node & 1 or node == last:
            result = node_hash(each, result)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            result = node_hash(result, each)
        node >>= 1
        last >>= 1
    if last:
        raise ProofRefused(_TOO_SHORT)
    return result


def require_inclusion(
    leaf: bytes, index: int, *, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """Raise `ProofRefused` unless the proof leads from the hash of the leaf to the root."""
    if root_from_inclusion(leaf, index, size, proof) != root:
        message = f"The proof of entry {index} does not lead to the root of the checkpoint."
        raise ProofRefused(message)


class TreeHead(NamedTuple):
    """The size and the root of a tree."""

    size: int
    root: bytes


def require_consistency(old: TreeHead, new: TreeHead, proof: Sequence[bytes]) -> None:
    """Raise `ProofRefused` unless the proof shows that the new tree begins with the old one."""
    _require_growth(old.size, new.size)
    _require_hashes(*proof)
    if old.size in (0, new.size):
        _require_trivial(old, new, proof)
        return
    is_whole = old.size & (old.size - 1) == 0
    hashes = [old.root, *proof] if is_whole else list(proof)
    if not hashes:
        raise ProofRefused(_TOO_SHORT)
    node = old.size - 1
    last = new.size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    before = after = hashes[0]
    for each in hashes[1:]:
        if last == 0:
            raise ProofRefused(_TOO_LONG)
        if node & 1 or node == last:
            before = node_hash(each, before)
            after = node_hash(each, after)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            after = node_hash(after, each)
        node >>= 1
        last >>= 1
    if last:
        raise ProofRefused(_TOO_SHORT)
    if (before, after) != (old.root, new.root):
        message = f"The tree of {new.size} entries does not begin with that of {old.size} entries."
        raise ProofRefused(message)


def _require_trivial(old: TreeHead, new: TreeHead, proof: Sequence[bytes]) -> None:
    if proof:
        raise ProofRefused(_TOO_LONG)
    if old.size == new.size and old.root != new.root:
        message = f"There are two trees of {new.size} entries with different roots."
        raise ProofRefused(message)
    if old.size == 0 and old.root != EMPTY_ROOT:
        message = "The root of the empty tree is not that of an empty tree."
        raise ProofRefused(message)


_TOO_LONG = "The proof has more hashes than its tree requires."
_TOO_SHORT = "The proof has fewer hashes than its tree requires."


def _left_leaves(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _require_index(index: int, size: int) -> None:
    if not 0 <= index < size:
        message = f"A tree of {size} entries has no entry {index}."
        raise ProofRefused(message)


def _require_hashes(*hashes: bytes) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        message = "The proof has a part that is not a SHA-256 hash."
        raise ProofRefused(message)


def _require_growth(old: int, new: int) -> None:
    if not 0 <= old <= new:
        message = f"A log never gets smaller, and {new} entries are fewer than {old}."
        raise ProofRefused(message)
