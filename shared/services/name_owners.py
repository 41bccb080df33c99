"""Owners of names: whether an organization is ours, an upstream's, or nobody's yet."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct, field

from shared.domain.names import OrgName
from shared.domain.organizations import (
    NameOwner,
    Organization,
    name_owner_place,
    organization_place,
)
from shared.domain.times import MS
from shared.ports.conflicts import AlreadyThere
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.lru_cache import LruCache
from shared.services.record_batches import all_entities

OWNERS_CACHED = 2_000  # Organizations.
OWNER_CACHED_FOR = timedelta(seconds=5)  # A change takes effect everywhere within this time.

OURS = ""  # The owner of a name that belongs to this registry.


class NameOwners(Struct, frozen=True):
    """Reads and claims the owners of names."""

    directory: DirectoryStore
    clock: Clock
    _owners: LruCache[str, tuple[str, int]] = field(
        default_factory=lambda: LruCache[str, tuple[str, int]](OWNERS_CACHED)
    )

    async def owner(self, org: OrgName) -> str | None:
        """Return the owner as it was at most five seconds ago: `OURS`, the name of an upstream, or
        None for nobody. Two reads at once if it is not known."""
        known = self._owners.get(org.lower())
        now_ms = self.clock.monotonic_ms()
        if known and now_ms < known[1]:
            return known[0]
        found = await self.stored_owner(org)
        if found is not None:
            self._owners.put(org.lower(), (found, now_ms + OWNER_CACHED_FOR // MS))
        return found

    async def stored_owner(self, org: OrgName) -> str | None:
        """Return the owner as it is stored. An organization, deleted or not, that was created by
        an earlier version has no `NameOwner`, and is ours."""
        founded, owner = await asyncio.gather(
            self.directory.get(Organization, organization_place(org)),
            self.directory.get(NameOwner, name_owner_place(org)),
        )
        if owner is not None:
            return owner.upstream
        return None if founded is None else OURS

    async def all(self) -> Sequence[NameOwner]:
        """Return all stored owners; organizations of an earlier version have none."""
        return await all_entities(self.directory, NameOwner)

    async def claim(self, org: OrgName, upstream: str) -> bool:
        """Make the name the upstream's unless it has an owner; return whether it is now."""
        found = await self.stored_owner(org)
        if found is None:
            wanted = NameOwner(org=org, upstream=upstream, since_ms=self.clock.now_ms())
            try:
                await self.directory.add(wanted)
            except AlreadyThere:
                self.forget(org)
                return await self.stored_owner(org) == upstream
            return True
        return found == upstream

    def forget(self, org: OrgName) -> None:
        """Read the owner again, because this process changed it."""
        self._owners.drop(org.lower())
