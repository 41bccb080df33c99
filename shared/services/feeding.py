"""Feeding: the searches of a registry in the cloud learn what changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.ports import SearchFeed
from shared.services.reporting import Report


@dataclass(frozen=True)
class Feeding:
    """Brings changes to the searches: as they come, and in case that some did not come."""

    feed: SearchFeed

    async def merge(self, items: Sequence[Mapping[str, object]]) -> int:
        """Bring changed items, of whatever kind; return how many changed what a package shows."""
        return await self.feed.merge(items)

    async def catch_up(self) -> Report:
        """Bring what was not brought yet, and tidy up."""
        changed = await self.feed.catch_up()
        return Report("search", changed, changed)

    async def rebuild(self) -> Report:
        """Make the index anew: for one that is lost or damaged."""
        packages = await self.feed.rebuild()
        return Report("search-rebuild", packages, packages)
