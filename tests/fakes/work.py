"""Short-lived state in dictionaries."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.ports import Counter


@dataclass
class FakeWork:
    """A `WorkStore`."""

    values: dict[tuple[str, str], tuple[str, int]] = field(
        default_factory=dict[tuple[str, str], tuple[str, int]]
    )
    counts: dict[tuple[str, str], tuple[int, int]] = field(
        default_factory=dict[tuple[str, str], tuple[int, int]]
    )
    leases: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])

    async def put(self, kind: str, key: str, value: str, expires_ms: int) -> None:
        """Store a value over an older one."""
        self.values[kind, key] = (value, expires_ms)

    async def take(self, kind: str, key: str, now_ms: int) -> str | None:
        """Return the value and delete it."""
        value, expires_ms = self.values.pop((kind, key), ("", 0))
        return value if now_ms < expires_ms else None

    async def peek(self, kind: str, key: str, now_ms: int) -> str | None:
        """Return the value and leave it."""
        value, expires_ms = self.values.get((kind, key), ("", 0))
        return value if now_ms < expires_ms else None

    async def claim(self, kind: str, key: str, value: str, *, expires_ms: int, now_ms: int) -> bool:
        """Store a value where there is none that counts."""
        if await self.peek(kind, key, now_ms) is not None:
            return False
        await self.put(kind, key, value, expires_ms)
        return True

    async def count(self, counters: Sequence[Counter], now_ms: int) -> list[int]:
        """Add to each count."""
        return [self._count(counter, now_ms) for counter in counters]

    def _count(self, counter: Counter, now_ms: int) -> int:
        total, ends_ms = self.counts.get((counter.kind, counter.key), (0, 0))
        if ends_ms <= now_ms:
            total, ends_ms = 0, counter.expires_ms
        self.counts[counter.kind, counter.key] = (total + counter.amount, ends_ms)
        return total + counter.amount

    async def lease(self, name: str, owner: str, now_ms: int, until_ms: int) -> bool:
        """Take or renew the lease."""
        holder, ends_ms = self.leases.get(name, (owner, 0))
        if holder != owner and now_ms < ends_ms:
            return False
        self.leases[name] = (owner, until_ms)
        return True

    async def remove_expired(self, before_ms: int) -> int:
        """Delete what expired before that time."""
        kept = {key: value for key, value in self.values.items() if value[1] >= before_ms}
        removed = len(self.values) - len(kept)
        self.values = kept
        return removed
