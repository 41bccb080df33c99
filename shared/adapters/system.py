"""The clock and the random source of this machine, which no other module reads."""

import secrets
import time

_NS_PER_MS = 1_000_000


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return the time in milliseconds since 1970, UTC."""
        return time.time_ns() // _NS_PER_MS

    def monotonic_ms(self) -> int:
        """Return milliseconds since a fixed moment; never decreases."""
        return time.monotonic_ns() // _NS_PER_MS


class SystemRandomness:
    """The machine's source of randomness for secrets."""

    def token_bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)
