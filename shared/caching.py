"""Caching: a bounded cache, a value that is renewed before it is old, and single flight."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from datetime import timedelta
from typing import Generic, TypeVar

from shared.ports import Clock, Unanswered

Value = TypeVar("Value")


class LruCache(Generic[Value]):
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


Answer = TypeVar("Answer")


class SingleFlight(Generic[Answer]):
    """The answers that are being made."""

    def __init__(self) -> None:
        """Begin with none."""
        self._under_way: dict[Hashable, asyncio.Task[Answer]] = {}

    async def answer(
        self, question: Hashable, make: Callable[[], Coroutine[object, object, Answer]]
    ) -> Answer:
        """Return what `make` returns, or what a call under way for the same question returns."""
        task = self._under_way.get(question)
        if task is None:
            task = self._under_way[question] = asyncio.create_task(make())
            task.add_done_callback(lambda _done: self._under_way.pop(question))
        # Whoever goes away while others wait leaves them the answer.
        return await asyncio.shield(task)
