"""Clock and randomness: the only sources of time, of secrets and of ids."""

from typing import Protocol


class Clock(Protocol):
    """The only source of time."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970, UTC. The clock may be set back."""
        ...

    def monotonic_ms(self) -> int:
        """Return milliseconds since an arbitrary time. They never decrease: use them for ages."""
        ...


class Randomness(Protocol):
    """The only source of secrets and of ids."""

    def token_bytes(self, count: int) -> bytes:
        """Return `count` unpredictable bytes."""
        ...
