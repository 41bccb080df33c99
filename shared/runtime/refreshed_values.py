"""Values of other servers, such as keys of an identity provider: renewed before they expire, and
used for a day while the server does not answer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, TypeVar

from shared.domain.times import MS
from shared.ports.http_client import Unanswered, as_earlier_failure
from shared.ports.system import Clock

Value = TypeVar("Value")

# Sign-in and publishing must not fail because an identity provider is down for an hour.

FRESH_FOR = timedelta(hours=1)  # Providers publish a new key days before they sign with it.
# How long a value is used during an outage; after that a withdrawn key is no longer trusted.
USABLE_FOR = timedelta(hours=24)
RENEWED_AT_MOST_EVERY = timedelta(minutes=1)  # However many tokens with unknown keys are sent.
RETRIED_EVERY = timedelta(seconds=10)  # While there is no usable value.


ReportFailure = Callable[[str, str], None]  # Called with the name of the value and the reason.


def ignore_failure(_document: str, _reason: str) -> None:
    """Do nothing."""


class Refreshed(Generic[Value]):
    """A value of another server, renewed when it is an hour old and used for a day if that fails.

    `fetch` raises `Unanswered`; `on_failure` is called with `name` and the reason.
    """

    def __init__(
        self,
        name: str,
        fetch: Callable[[], Awaitable[Value]],
        clock: Clock,
        on_failure: ReportFailure = ignore_failure,
    ) -> None:
        self._name = name
        self._fetch = fetch
        self._clock = clock
        self._on_failure = on_failure
        self._lock = asyncio.Lock()
        self._held: tuple[Value, int] | None = None
        self._tried_ms: int | None = None
        self._failure = Unanswered(name)  # The failure of the last try.

    async def value(self) -> Value:
        """Return the value, renewed if it is older than an hour; raise `Unanswered`."""
        async with self._lock:
            return await self._younger_than(FRESH_FOR)

    async def renew(self) -> Value:
        """Return the value, renewed if it is older than a minute.

        For callers that look for something newer than the value: raises `Unanswered` if the last
        try to renew it failed, because a newer value may exist.
        """
        async with self._lock:
            value = await self._younger_than(RENEWED_AT_MOST_EVERY)
            if self._failed_since_held():
                raise as_earlier_failure(self._failure, str(self._failure))
            return value

    async def _younger_than(self, age: timedelta) -> Value:
        if self._held is not None and self._is_within(self._held[1], age):
            return self._held[0]
        interval = RENEWED_AT_MOST_EVERY if self._usable() else RETRIED_EVERY
        if not self._is_within(self._tried_ms, interval):
            await self._renew()
        if self._held is not None and self._usable():
            return self._held[0]
        raise as_earlier_failure(self._failure, str(self._failure))

    async def _renew(self) -> None:
        # The time before the request counts: the value may change while it is on its way.
        self._tried_ms = now_ms = self._clock.monotonic_ms()
        try:
            self._held = await self._fetch(), now_ms
        except Unanswered as error:
            self._failure = error
            self._on_failure(self._name, str(error))

    def _usable(self) -> bool:
        return self._held is not None and self._is_within(self._held[1], USABLE_FOR)

    def _failed_since_held(self) -> bool:
        return self._held is not None and self._held[1] != self._tried_ms

    def _is_within(self, since_ms: int | None, age: timedelta) -> bool:
        return since_ms is not None and self._clock.monotonic_ms() - since_ms < age // MS
