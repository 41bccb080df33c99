"""A document of another party that is kept: renewed when it is old, and used on while it cannot be.

What signs in and what publishes must not stop because an identity provider pauses for an hour.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, TypeVar

from shared.ports import Clock, Unanswered

FRESH_FOR = timedelta(hours=1)  # Providers announce a new key days before they sign with it.
KEPT_FOR = timedelta(hours=24)  # Through an outage. A key that was withdrawn counts no longer.
RENEWED_EVERY = timedelta(minutes=1)  # Whatever strangers send, the provider is asked no faster.
TRIED_EVERY = timedelta(seconds=10)  # The same, while there is nothing to use.

_MS = timedelta(milliseconds=1)

Value = TypeVar("Value")

Failed = Callable[[str, str], None]  # Hears of what could not be read, and why.


def unheard(_document: str, _reason: str) -> None:
    """Take note of nothing."""


class Kept(Generic[Value]):
    """Keeps one document in memory."""

    def __init__(
        self,
        name: str,
        fetch: Callable[[], Awaitable[Value]],
        clock: Clock,
        failed: Failed = unheard,
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

    async def renewed(self) -> Value:
        """Return the document as it is now, or as it was at most a minute ago; raise `Unanswered`.

        For when something new is missed in it.
        """
        async with self._one_at_a_time:
            return await self._younger_than(RENEWED_EVERY)

    async def _younger_than(self, age: timedelta) -> Value:
        if self._held is not None and self._is_within(self._held[1], age):
            return self._held[0]
        patience = RENEWED_EVERY if self._usable() else TRIED_EVERY
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
        return self._held is not None and self._is_within(self._held[1], KEPT_FOR)

    def _is_within(self, since_ms: int | None, age: timedelta) -> bool:
        return since_ms is not None and self._clock.monotonic_ms() - since_ms < age // _MS
