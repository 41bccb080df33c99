"""Rosters: reading who is what in an organization, and changing that one at a time."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.auth.base62 import random_text
from shared.domain.errors import Busy, Unavailable
from shared.domain.organizations import Membership, Organization
from shared.domain.roster import Roster
from shared.ports import AlreadyThere, Clock, DirectoryStore, Randomness, Stale, WorkStore

LEASE = timedelta(seconds=10)  # A change takes milliseconds; a process that died is waited for.
HOLDER_LENGTH = 20  # Base62: no two changes share a lease.


@dataclass(frozen=True, slots=True)
class Rosters:
    """Reads rosters."""

    directory: DirectoryStore
    work: WorkStore
    clock: Clock
    randomness: Randomness

    async def read(self, organization: Organization) -> Roster:
        """Return who is what in the organization."""
        stored = await self.directory.of(Membership, organization.key)
        return Roster.of(organization, stored, self.clock.now_ms())

    @asynccontextmanager
    async def held(self, organization: Organization) -> AsyncGenerator[Roster]:
        """Lend the roster while nobody else changes it, or raise `Busy`.

        Of two owners who remove each other at once, both would see that the other one stays.
        """
        holder = random_text(self.randomness, HOLDER_LENGTH)
        if not await self._lease(organization.key, holder, LEASE):
            raise Busy
        try:
            yield await self.read(organization)
        except (Stale, AlreadyThere):
            raise Busy from None  # The lease ran out, and somebody else was faster.
        finally:
            with suppress(Unavailable):  # What is done is done; the lease ends by itself.
                await self._lease(organization.key, holder, timedelta(0))

    async def _lease(self, key: str, holder: str, lifetime: timedelta) -> bool:
        now_ms = self.clock.now_ms()
        until_ms = now_ms + lifetime // timedelta(milliseconds=1)
        return await self.work.lease(f"members:{key}", holder, now_ms, until_ms)
