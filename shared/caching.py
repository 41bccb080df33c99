"""Caching: a bounded cache, a value that is renewed before it expires, and single flight."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from datetime import timedelta
from typing import Generic, TypeVar

from shared.ports import Clock, Unanswered

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

    def evict(self, is_stale: Callable[[Value], bool], limit: int) -> None:
        """Remove the least recently used entries up to the first that is not stale."""
        for _ in range(min(limit, len(self._entries))):
            if not is_stale(next(iter(self._entries.values()))):
                return
            self._evict()

    def values(self) -> list[Value]:
        """Return all entries, the least recently used first."""
        return list(self._entries.values())

    def items(self) -> list[tuple[Key, Value]]:
        """Return all entries with their keys, the least recently used first."""
        return list(self._entries.items())

    def _evict(self) -> None:
        key, value = self._entries.popitem(last=False)
        self._weight -= self._weigh(key, value)

    @property
    def weight(self) -> int:
        """Return the weight of all entries."""
        return self._weight

    def __len__(self) -> int:
        return len(self._entries)


# A document of another party that is kept: renewed when it is old, and used on while it cannot be.
#
# What signs in and what publishes must not stop because an identity provider pauses for an hour.

FRESH_FOR = timedelta(hours=1)  # Providers announce a new key days before they sign with it.
USABLE_FOR = timedelta(hours=24)  # Through an outage. A key that was withdrawn counts no longer.
RENEWED_AT_MOST_EVERY = timedelta(
    minutes=1
)  # Whatever strangers send, the provider is asked no faster.
RETRIED_EVERY = timedelta(seconds=10)  # The same, while there is nothing to use.

_MS = timedelta(milliseconds=1)

ReportFailure = Callable[[str, str], None]  # Hears of what could not be read, and why.


def ignore_failure(_document: str, _reason: str) -> None:
    """Take note of nothing."""


class Refreshed(Generic[Value]):
    """Keeps one document in memory."""

    def __init__(
        self,
        name: str,
        fetch: Callable[[], Awaitable[Value]],
        clock: Clock,
        failed: ReportFailure = ignore_failure,
    ) -> None:
        """Get it from `fetch`, which raises `Unanswered`; `name` is what `failed` knows it by."""
        self._name = name
        self._fetch = fetch
        self._clock = clock
        self._failed = failed
        self._one_at_a_time = asyncio.Lock()
        self._held: tuple[Value, int] | None = None
        self._tried_ms: int | None = None

    async def value(self) -> Value:
        """Return the document, an hour old at most if it can be had; raise `Unanswered`."""
        async with self._one_at_a_time:
            return await self._younger_than(FRESH_FOR)

    async def renew(self) -> Value:
        """Return the document as it is now, or as it was at most a minute ago; raise `Unanswered`.

        For when something new is missed in it.
        """
        async with self._one_at_a_time:
            return await self._younger_than(RENEWED_AT_MOST_EVERY)

    async def _younger_than(self, age: timedelta) -> Value:
        if self._held is not None and self._is_within(self._held[1], age):
            return self._held[0]
        patience = RENEWED_AT_MOST_EVERY if self._usable() else RETRIED_EVERY
        if not self._is_within(self._tried_ms, patience):
            await self._renew()
        if self._held is not None and self._usable():
            return self._held[0]
        raise Unanswered(self._name)

    async def _renew(self) -> None:
        # The time from before the answer counts, since what it says was true then.
        self._tried_ms = now_ms = self._clock.monotonic_ms()
        try:
            self._held = await self._fetch(), now_ms
        except Unanswered as error:
            self._failed(self._name, str(error))

    def _usable(self) -> bool:
        return self._held is not None and self._is_within(self._held[1], USABLE_FOR)

    def _is_within(self, since_ms: int | None, age: timedelta) -> bool:
        return since_ms is not None and self._clock.monotonic_ms() - since_ms < age // _MS


class SingleFlight(Generic[Value]):
    """Lets calls for the same key at the same time share one result."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Value]] = {}

    async def answer(
        self, key: Hashable, make: Callable[[], Coroutine[object, object, Value]]
    ) -> Value:
        """Return what `make` returns, or what the running call for the same key returns."""
        # A caller that is cancelled does not cancel the call that others wait for.
        return await asyncio.shield(self.start(key, make))

    def start(
        self, key: Hashable, make: Callable[[], Coroutine[object, object, Value]]
    ) -> asyncio.Task[Value]:
        """Return the running call for the key, started now if there is none."""
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(make())
            task.add_done_callback(lambda _: self._running.pop(key))
        return task
