"""Randomness that is the same in every run."""

import hashlib
from dataclasses import dataclass


@dataclass
class FakeRandomness:
    """Gives other bytes each time, in the same order in each run."""

    seed: str = ""
    given: int = 0

    def token_bytes(self, count: int) -> bytes:
        """Return the next bytes."""
        self.given += 1
        return hashlib.shake_256(f"{self.seed}:{self.given}".encode()).digest(count)
