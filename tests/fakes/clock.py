"""A clock that a test sets."""

from dataclasses import dataclass
from datetime import timedelta

START_MS = 1_790_000_000_000  # 21 September 2026.


@dataclass
class FakeClock:
    """Stands still until it is told to go on."""

    at_ms: int = START_MS

    def now_ms(self) -> int:
        """Return the time that the test has set."""
        return self.at_ms

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.at_ms += by // timedelta(milliseconds=1)
