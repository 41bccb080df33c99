"""Short-lived state: codes, counts and leases."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Counter(Struct, frozen=True):
    """An amount to add to a count, and when a new count expires."""

    kind: str
    key: str
    expires_ms: int
    amount: int = 1


class WorkStore(Protocol):
    """Short-lived state: one-time codes, sign-in attempts, counts and leases."""

    async def put(self, kind: str, key: str, value: str, expires_ms: int) -> None:
        """Store a value until that time, replacing an earlier one."""
        ...

    async def take(self, kind: str, key: str, now_ms: int) -> str | None:
        """Delete the value and return it; None if it is absent or expired. Of concurrent calls
        exactly one gets the value."""
        ...

    async def peek(self, kind: str, key: str, now_ms: int) -> str | None:
        """Return the value; None if it is absent or expired."""
        ...

    async def claim(self, kind: str, key: str, value: str, *, expires_ms: int, now_ms: int) -> bool:
        """Store a value if there is none or an expired one; return whether it was stored. Of
        concurrent calls exactly one succeeds."""
        ...

    async def count(self, counters: Sequence[Counter], now_ms: int) -> list[int]:
        """Add to each count, starting at 0 if it is absent or expired; return the totals in the
        order of `counters`. No addition is lost; a failed call may have counted."""
        ...

    async def lease(self, name: str, owner: str, now_ms: int, until_ms: int) -> bool:
        """Take or renew the lease; return False while another owner has it.

        All owners of a lease have it for equally long. So one that would end more than
        `CLOCK_DIFFERENCE_MS` after this one was taken before the clock was set back, and is free.
        """
        ...

    async def end_lease(self, name: str, owner: str) -> None:
        """Free the lease, if this owner has it."""
        ...

    async def remove_expired(self, before_ms: int) -> int:
        """Delete values that expired before that time; return how many."""
        ...
