"""Rosters: reading who is what in an organization, and changing that one at a time."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.domain.organizations import Membership, Organization
from shared.domain.roster import Roster
from shared.ports import Clock, DirectoryStore, Randomness, WorkStore
from shared.services.leasing import Leasing


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
        leasing = Leasing(self.work, self.clock, self.randomness)
        async with leasing.held(f"members:{organization.key}"):
            yield await self.read(organization)
