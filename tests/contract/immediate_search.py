"""The search of the cloud without delay: before each search it is fed what was written."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from shared.adapters.blob.client import BlobContainers
from shared.adapters.cloud import AzureClients
from shared.adapters.cloud_search.index import CloudSearchPorts, CopyEnvironment, open_cloud_search
from shared.adapters.cosmos.client import CosmosDatabase
from shared.adapters.system import SystemRandomness
from shared.domain.listings import Listing
from shared.domain.names import Package
from shared.domain.search import (
    FacetedResults,
    IndexTotals,
    Query,
    ResultPage,
    Results,
    Suggestion,
    SymbolQuery,
    SymbolResults,
    Viewer,
)
from shared.domain.search_facets import Facet, FacetCount, Facets
from shared.ports import Clock

_unfed: set[Path] = set()  # Places where something was written since they were fed.


async def never(_seconds: float) -> None:
    """Sleep until the end of the test."""
    await asyncio.Event().wait()


@asynccontextmanager
async def opened_search(
    connections: AzureClients, clock: Clock, folder: Path
) -> AsyncGenerator[CloudSearchPorts]:
    """Open the search as one instance has it; it looks for newer parts when it is told to."""
    randomness = SystemRandomness()
    cosmos = CosmosDatabase(connections.cosmos, randomness, connections.database)
    blobs = BlobContainers(connections.blobs, connections.prefix)
    surroundings = CopyEnvironment(clock, randomness, never)
    search = open_cloud_search(cosmos, blobs, folder / "copies", surroundings)
    try:
        yield search
    finally:
        await search.index.close()
        await cosmos.close()
        await blobs.close()


class ImmediateSearch:
    """A search index in which what was written is found at once, by every process."""

    def __init__(self, search: CloudSearchPorts, place: Path) -> None:
        """Feed and look at `search`, the one of the place."""
        self._search = search
        self._index = search.index
        self._place = place

    async def offer(self, listing: Listing) -> bool:
        """Offer; it is fed before anybody asks."""
        _unfed.add(self._place)
        return await self._index.offer(listing)

    async def replace(self, listing: Listing) -> bool:
        """Replace; it is fed before anybody asks."""
        _unfed.add(self._place)
        return await self._index.replace(listing)

    async def remove(self, package: Package) -> bool:
        """Remove; it is fed before anybody asks."""
        _unfed.add(self._place)
        return await self._index.remove(package)

    async def search(self, query: Query, page: ResultPage, viewer: Viewer) -> Results:
        """Search what there is now."""
        await self._look()
        return await self._index.search(query, page, viewer)

    async def search_with_facets(
        self, query: Query, page: ResultPage, viewer: Viewer
    ) -> FacetedResults:
        """Search and count what there is now."""
        await self._look()
        return await self._index.search_with_facets(query, page, viewer)

    async def facets(self, query: Query, viewer: Viewer) -> Facets:
        """Count what there is now."""
        await self._look()
        return await self._index.facets(query, viewer)

    async def facet_values(
        self, facet: Facet, query: Query, viewer: Viewer
    ) -> tuple[FacetCount, ...]:
        """Count what there is now."""
        await self._look()
        return await self._index.facet_values(facet, query, viewer)

    async def totals(self) -> IndexTotals:
        """Count what there is now."""
        await self._look()
        return await self._index.totals()

    async def symbols(self, query: SymbolQuery, page: ResultPage, viewer: Viewer) -> SymbolResults:
        """Find what there is now."""
        await self._look()
        return await self._index.symbols(query, page, viewer)

    async def suggest(self, text: str, viewer: Viewer, count: int) -> list[Suggestion]:
        """Suggest from what there is now."""
        await self._look()
        return await self._index.suggest(text, viewer, count)

    async def _look(self) -> None:
        if self._place in _unfed:
            _unfed.remove(self._place)
            await self._search.feed.catch_up()
        await self._search.current_copy.refresh()
