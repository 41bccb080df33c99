"""A clock that a test sets, and randomness that is the same in every run."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

START_MS = 1_790_000_000_000  # 21 September 2026.


@dataclass
class FakeClock:
    """Stands still until it is told to go on."""

    at_ms: int = START_MS
    stepped_ms: int = 0

    def now_ms(self) -> int:
        """Return the time that the test has set."""
        return self.at_ms

    def monotonic_ms(self) -> int:
        """Return how much time has passed, whatever the clock was set to."""
        return self.at_ms - self.stepped_ms

    def step(self, by: timedelta) -> None:
        """Set the clock forward or back while no time passes."""
        self.at_ms += by // timedelta(milliseconds=1)
        self.stepped_ms += by // timedelta(milliseconds=1)

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.at_ms += by // timedelta(milliseconds=1)


@dataclass
class FakeRandomness:
    """Gives other bytes each time, in the same order in each run."""

    seed: str = ""
    given: int = 0

    def token_bytes(self, count: int) -> bytes:
        """Return the next bytes."""
        self.given += 1
        return hashlib.shake_256(f"{self.seed}:{self.given}".encode()).digest(count)
