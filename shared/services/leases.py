"""Leases: what they name is done by one process at a time."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from msgspec import Struct

from shared.auth.secrets import random_text
from shared.domain.errors.base import Unavailable
from shared.domain.errors.requests import Busy
from shared.domain.times import MS
from shared.ports.conflicts import Stale
from shared.ports.system import Clock, Randomness
from shared.ports.work import WorkStore
from shared.telemetry.log import log

Sleep = Callable[[float], Awaitable[object]]

# A change takes milliseconds. If a process dies, others wait until its lease expires.
CHANGE_LEASE = timedelta(minutes=1)
RENEWALS = 3  # Renewals during the lifetime of a lease, of which two may fail.
# The part of its lifetime in which the holder of a lease begins to write. What has begun then ends
# in the rest: a call of Cosmos DB takes 8 seconds at most, and one of SQLite 20.
_WRITING = 2 / 3

_HOLDER_LENGTH = 20  # Base62: no two share a lease.


class Leases(Struct, frozen=True):
    """Leases of names; after the death of its holder a lease expires."""

    work: WorkStore
    clock: Clock
    randomness: Randomness
    sleep: Sleep = asyncio.sleep

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncGenerator[None]:
        """Hold the lease while the block runs; raise `Stale` while another process holds it.

        The block is canceled with `Busy`, as a crash would end it, if the lease was not renewed
        for two thirds of its lifetime, or if a renewal says that another process has it: a delayed
        holder writes nothing after another process took the lease. The time of the event loop does
        not pass while the machine is suspended; a holder that continues then writes until its next
        renewal. Callers are `retried_with_back_off`.
        """
        now = asyncio.get_running_loop().time
        asked_at = now()
        writing_seconds = (CHANGE_LEASE * _WRITING).total_seconds()
        async with self._taken(name, CHANGE_LEASE) as holder:
            if not holder:
                raise Stale
            limit = asyncio.timeout_at(asked_at + writing_seconds)

            def extend(asked_at: float) -> None:
                if not limit.expired():
                    limit.reschedule(asked_at + writing_seconds)

            def stop() -> None:
                if not limit.expired():
                    limit.reschedule(now())

            try:
                async with limit, self._renewed(name, holder, CHANGE_LEASE, extend, stop):
                    yield
            except TimeoutError:
                if limit.expired():
                    raise Busy from None
                raise

    @asynccontextmanager
    async def held(self, name: str, lifetime: timedelta) -> AsyncGenerator[bool]:
        """Hold the lease while the block runs, and say whether it could be taken.

        It is renewed until the block ends, or another process has taken it because the store was
        out of reach for the lifetime: then both go on.
        """
        async with self._taken(name, lifetime) as holder:
            if not holder:
                yield False
                return
            async with self._renewed(name, holder, lifetime, lambda _: None, lambda: None):
                yield True

    @asynccontextmanager
    async def _taken(self, name: str, lifetime: timedelta) -> AsyncGenerator[str]:
        """Take the lease and give it back; the name of its holder is empty if another has it."""
        holder = random_text(self.randomness, _HOLDER_LENGTH)
        if not await self._lease(name, holder, lifetime):
            yield ""
            return
        try:
            yield holder
        finally:
            with suppress(Unavailable):  # What was done is stored; the lease expires by itself.
                await self.work.end_lease(name, holder)

    @asynccontextmanager
    async def _renewed(
        self,
        name: str,
        holder: str,
        lifetime: timedelta,
        on_renewed: Callable[[float], None],
        on_lost: Callable[[], None],
    ) -> AsyncGenerator[None]:
        renewal = asyncio.create_task(self._renew(name, holder, lifetime, on_renewed, on_lost))
        try:
            yield
        finally:
            renewal.cancel()
            await asyncio.gather(renewal, return_exceptions=True)

    async def _renew(
        self,
        name: str,
        holder: str,
        lifetime: timedelta,
        on_renewed: Callable[[float], None],
        on_lost: Callable[[], None],
    ) -> None:
        """Renew the lease until another process has it, and call `on_lost` then; after each renewal
        call `on_renewed` with when this asked for it, in the time of the event loop."""
        while True:
            await self.sleep((lifetime / RENEWALS).total_seconds())
            asked_at = asyncio.get_running_loop().time()
            try:
                if not await self._lease(name, holder, lifetime):
                    on_lost()
                    return
            except Unavailable:
                continue  # The next renewal comes before the lease ends.
            except Exception:  # What is done under the lease goes on, so it is renewed further.
                log.exception("lease.not_renewed", lease=name)
                continue
            on_renewed(asked_at)

    async def _lease(self, name: str, holder: str, lifetime: timedelta) -> bool:
        now_ms = self.clock.now_ms()
        return await self.work.lease(name, holder, now_ms, now_ms + lifetime // MS)
