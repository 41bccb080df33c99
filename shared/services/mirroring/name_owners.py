"""Owners of names: whether an organization is ours, the upstream's, or nobody's yet."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from shared.domain.mirroring import NameOwner, name_owner_place
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, organization_place
from shared.ports import AlreadyThere, Clock, DirectoryStore
from shared.runtime.caching import LruCache

OWNERS_CACHED = 2_000  # Organizations.
OWNER_CACHED_FOR = timedelta(seconds=5)  # Within which a change holds everywhere.

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class NameOwners:
    """Reads and claims the owners of names. `upstream` is the name of the upstream."""

    directory: DirectoryStore
    clock: Clock
    upstream: str
    _owners: LruCache[str, tuple[str, int]] = field(
        default_factory=lambda: LruCache[str, tuple[str, int]](OWNERS_CACHED)
    )

    async def may_ask(self, org: OrgName) -> bool:
        """Check whether the upstream may be asked for packages of the organization: it is neither
        ours nor another upstream's. Two reads at once if the owner is not known."""
        owner = await self._owner(org)
        return owner is None or owner == self.upstream

    async def claim(self, org: OrgName) -> bool:
        """Make the name the upstream's unless it has an owner; return whether it is now."""
        if await self._is_founded(org):
            return False
        wanted = NameOwner(org=org, upstream=self.upstream, since_ms=self.clock.now_ms())
        try:
            await self.directory.add(wanted)
        except AlreadyThere:
            self._owners.drop(org.lower())
            return await self._owner(org) == self.upstream
        return True

    async def _owner(self, org: OrgName) -> str | None:
        """Return the owner: empty for this registry, None for nobody."""
        known, now_ms = self._owners.get(org.lower()), self.clock.monotonic_ms()
        if known and now_ms < known[1]:
            return known[0]
        founded, owner = await asyncio.gather(
            self._is_founded(org), self.directory.get(NameOwner, name_owner_place(org))
        )
        found = "" if founded else owner.upstream if owner else None
        if found is not None:
            self._owners.put(org.lower(), (found, now_ms + OWNER_CACHED_FOR // _MS))
        return found

    async def _is_founded(self, org: OrgName) -> bool:
        """Check whether there is an organization, deleted or not. One that was created by an
        earlier version has no `NameOwner`."""
        return await self.directory.get(Organization, organization_place(org)) is not None
