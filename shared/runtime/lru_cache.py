"""Bounded caches: the entries that were used last stay, and those read at a version of a store."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def _one(_key: object, _value: object) -> int:
    return 1


class LruCache(Generic[Key, Value]):
    """A cache that evicts what was used least recently when it is full. For one thread.

    `capacity` counts entries, or bounds the sum of what `weigh` returns for them, such as bytes;
    `weigh` must return the same whenever it is called for the same entry. The entry that was put
    last stays, whatever its weight.
    """

    def __init__(self, capacity: int, weigh: Callable[[Key, Value], int] = _one) -> None:
        self._capacity = capacity
        self._weigh = weigh
        self._weight = 0
        self._entries: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """Return the entry and mark it as used, or return None."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def peek(self, key: Key) -> Value | None:
        """Return the entry without marking it as used, or return None."""
        return self._entries.get(key)

    def put(self, key: Key, value: Value) -> None:
        self.drop(key)
        self._entries[key] = value
        self._weight += self._weigh(key, value)
        while self._weight > self._capacity and len(self._entries) > 1:
            self._evict()

    def drop(self, key: Key) -> None:
        """Remove the entry, if it is there."""
        value = self._entries.pop(key, None)
        if value is not None:
            self._weight -= self._weigh(key, value)

    def _evict(self) -> None:
        key, value = self._entries.popitem(last=False)
        self._weight -= self._weigh(key, value)

    def __len__(self) -> int:
        return len(self._entries)


class VersionedCache(Generic[Key, Value]):
    """An LRU cache of what was read at a version of a store. For one thread.

    An entry is returned for the version that it was put with. Read the version before the value, so
    that no value is kept for longer than it holds.
    """

    def __init__(self, capacity: int, weigh: Callable[[Value], int]) -> None:
        self._entries = LruCache[Key, tuple[Hashable, Value]](
            capacity, weigh=lambda _, entry: weigh(entry[1])
        )

    def get(self, key: Key, version: Hashable) -> Value | None:
        """Return the value that was read at this version, or None."""
        entry = self._entries.get(key)
        return entry[1] if entry is not None and entry[0] == version else None

    def put(self, key: Key, version: Hashable, value: Value) -> None:
        self._entries.put(key, (version, value))
