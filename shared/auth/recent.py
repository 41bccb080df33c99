"""A mapping that forgets, so that no caller can make a process grow."""

from typing import Generic, TypeVar

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The newest entries by key: of more than `capacity` the oldest is forgotten."""

    def __init__(self, capacity: int) -> None:
        """Hold up to `capacity` entries."""
        self._capacity = capacity
        self._entries: dict[str, Value] = {}

    def get(self, key: str) -> Value | None:
        """Return the entry, or None."""
        return self._entries.get(key)

    def put(self, key: str, value: Value) -> None:
        """Hold the entry as the newest."""
        self._entries.pop(key, None)
        self._entries[key] = value
        if len(self._entries) > self._capacity:
            del self._entries[next(iter(self._entries))]

    def drop(self, key: str) -> None:
        """Forget the entry, if it is there."""
        self._entries.pop(key, None)

    def items(self) -> list[tuple[str, Value]]:
        """Return all entries with their keys, the oldest first."""
        return list(self._entries.items())

    def __len__(self) -> int:
        """Return how many entries are held."""
        return len(self._entries)
