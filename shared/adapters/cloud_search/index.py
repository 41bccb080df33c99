"""The search index of a registry in the cloud."""

from shared.adapters.cloud_search.looking import Looking
from shared.adapters.cosmos.listings import CosmosListings
from shared.domain.facets import Facets, Totals
from shared.domain.names import Package
from shared.domain.package import Listing
from shared.domain.query import Page, Query, Results, Suggestion, Viewer


class CloudSearchIndex:
    """The SearchIndex of a registry in the cloud: Cosmos DB decides what each package shows, and
    searches ask a copy of it that is some seconds old."""

    def __init__(self, listings: CosmosListings, looking: Looking) -> None:
        """Decide in `listings`, and ask the copy that `looking` keeps."""
        self._listings = listings
        self._looking = looking

    async def offer(self, listing: Listing) -> bool:
        """Show this release, unless a better one of the package is shown; say if none was."""
        is_new, change = await self._listings.offer(listing)
        await self._looking.note(change)
        return is_new

    async def replace(self, listing: Listing) -> None:
        """Show this release, whatever is shown now."""
        await self._looking.note(await self._listings.replace(listing))

    async def remove(self, package: Package) -> None:
        """Show the package no longer."""
        await self._looking.note(await self._listings.remove(package))

    async def search(self, query: Query, page: Page, viewer: Viewer) -> Results:
        """Return one page of what matches and `viewer` may see, with the exact count."""
        async with self._looking.lent() as copy:
            return await copy.search(query, page, viewer)

    async def facets(self, query: Query, viewer: Viewer) -> Facets:
        """Return how everything that `search` finds divides."""
        async with self._looking.lent() as copy:
            return await copy.facets(query, viewer)

    async def totals(self) -> Totals:
        """Return what there is that everybody may see."""
        async with self._looking.lent() as copy:
            return await copy.totals()

    async def suggest(self, text: str, viewer: Viewer, count: int) -> list[Suggestion]:
        """Return names that begin with, or are close to, `text`."""
        async with self._looking.lent() as copy:
            return await copy.suggest(text, viewer, count)

    async def look(self) -> None:
        """Look for what others changed now; by itself that is done every quarter of a minute."""
        await self._looking.look()

    async def close(self) -> None:
        """Remove the copies of this process."""
        await self._looking.close()
