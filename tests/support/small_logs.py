"""A log of a few entries in memory, for tests of witnesses and of those who read logs."""

import base64
from dataclasses import dataclass, field

from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.merkle_tree import (
    NodeAddress,
    ProofPlan,
    plan_consistency,
    plan_inclusion,
)
from shared.domain.transparency.notes import NoteSigner, SignedNote, VerifierKey
from tests.support.log_checker import ORIGIN, naive_entries_root

SEED = bytes(range(32))
OTHER_SEED = bytes(range(1, 33))
WITNESS_SEED = bytes(range(2, 34))
WITNESS_KEYS = f"2026-09-01T00:00:00Z {base64.b64encode(WITNESS_SEED).decode()}"


@dataclass
class SmallLog:
    """Signs checkpoints of its first entries, and proves them."""

    origin: str = ORIGIN
    seed: bytes = SEED
    entries: list[bytes] = field(default_factory=list[bytes])

    def add(self, *entries: bytes) -> None:
        """Append entries."""
        self.entries += entries

    @property
    def key(self) -> VerifierKey:
        """Return the key that verifies its checkpoints."""
        return NoteSigner(self.origin, self.seed).verifier

    def checkpoint(self, size: int | None = None, root: bytes | None = None) -> SignedNote:
        """Return a checkpoint of its first entries, or one with another root, which is a lie."""
        count = len(self.entries) if size is None else size
        found = root if root is not None else naive_entries_root(self.entries[:count])
        text = Checkpoint(self.origin, count, found).text
        return SignedNote(text, (NoteSigner(self.origin, self.seed).sign(text),))

    async def prove(self, size: int) -> tuple[bytes, ...]:
        """Return the proof that all entries begin with the first ones."""
        return self.consistency(size, len(self.entries))

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that a tree begins with a smaller one."""
        return self._hashes(plan_consistency(old, new))

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the proof that a tree has an entry."""
        return self._hashes(plan_inclusion(index, size))

    def _hashes(self, plan: ProofPlan) -> tuple[bytes, ...]:
        return plan.hashes({node: self._node(node) for node in plan.nodes})

    def _node(self, node: NodeAddress) -> bytes:
        first = node.number << node.height
        return naive_entries_root(self.entries[first : first + (1 << node.height)])
