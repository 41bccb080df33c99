"""Leasing: changing one at a time what two changes at once would get wrong together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.auth.base62 import random_text
from shared.domain.errors import Busy, Unavailable
from shared.ports import AlreadyThere, Clock, Randomness, Stale, WorkStore

LEASE = timedelta(seconds=10)  # A change takes milliseconds; a process that died is waited for.
HOLDER_LENGTH = 20  # Base62: no two changes share a lease.


@dataclass(frozen=True, slots=True)
class Leasing:
    """Lends names to whoever changes what they stand for."""

    work: WorkStore
    clock: Clock
    randomness: Randomness

    @asynccontextmanager
    async def held(self, name: str) -> AsyncGenerator[None]:
        """Hold the name while nobody else does, or raise `Busy`."""
        holder = random_text(self.randomness, HOLDER_LENGTH)
        if not await self._lease(name, holder, LEASE):
            raise Busy
        try:
            yield
        except (Stale, AlreadyThere):
            raise Busy from None  # The lease ran out, and somebody else was faster.
        finally:
            with suppress(Unavailable):  # What is done is done; the lease ends by itself.
                await self._lease(name, holder, timedelta(0))

    async def _lease(self, name: str, holder: str, lifetime: timedelta) -> bool:
        now_ms = self.clock.now_ms()
        until_ms = now_ms + lifetime // timedelta(milliseconds=1)
        return await self.work.lease(name, holder, now_ms, until_ms)
