"""Short-lived state in dictionaries."""

from dataclasses import dataclass, field


@dataclass
class FakeWork:
    """A `WorkStore`."""

    values: dict[tuple[str, str], tuple[str, int]] = field(
        default_factory=dict[tuple[str, str], tuple[str, int]]
    )
    leases: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])

    async def put(self, kind: str, key: str, value: str, expires_ms: int) -> None:
        """Store a value over an older one."""
        self.values[kind, key] = (value, expires_ms)

    async def take(self, kind: str, key: str, now_ms: int) -> str | None:
        """Return the value and delete it."""
        value, expires_ms = self.values.pop((kind, key), ("", 0))
        return value if now_ms < expires_ms else None

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
