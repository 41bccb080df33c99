"""The search index in SQLite: full text over one row a package, in a file of its own."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.searching import reading, rebuilding, writing
from shared.adapters.sqlite.searching.schema import SEARCH_MIGRATIONS
from shared.domain.facets import Facets, Totals
from shared.domain.names import Package
from shared.domain.package import Listing
from shared.domain.query import Page, Query, Results, Suggestion, Viewer


class SqliteSearches:
    """The questions that an index in SQLite answers, whoever fills it."""

    def __init__(self, database: Database) -> None:
        """Ask this file."""
        self._database = database

    async def search(self, query: Query, page: Page, viewer: Viewer) -> Results:
        """Return one page of what matches and `viewer` may see, with the exact count."""
        work = partial(reading.search, query=query, page=page, viewer=viewer)
        return await self._database.scan(work)

    async def facets(self, query: Query, viewer: Viewer) -> Facets:
        """Return how everything that `search` finds divides."""
        return await self._database.scan(partial(reading.facets, query=query, viewer=viewer))

    async def totals(self) -> Totals:
        """Return what there is that everybody may see."""
        return await self._database.scan(reading.totals)

    async def suggest(self, text: str, viewer: Viewer, count: int) -> list[Suggestion]:
        """Return names that begin with, or are close to, `text`."""
        work = partial(reading.suggest, text=text, viewer=viewer, count=count)
        return await self._database.scan(work)


class SqliteSearchIndex(SqliteSearches):
    """The SearchIndex of a registry on one machine."""

    def __init__(self, path: Path) -> None:
        """Keep the index in the file at `path`; open nothing."""
        super().__init__(Database(path, SEARCH_MIGRATIONS))

    def migrate(self) -> None:
        """Create the file or bring it up to date; of several processes one does it."""
        self._database.migrate()

    def close(self) -> None:
        """Close the file in this process."""
        self._database.close()

    async def offer(self, listing: Listing) -> bool:
        """Show this release, unless a better one of the package is shown; say if none was."""
        return await self._database.write(partial(writing.offer, listing=listing))

    async def replace(self, listing: Listing) -> None:
        """Show this release, whatever is shown now."""
        await self._database.write(partial(writing.show, listing=listing))

    async def remove(self, package: Package) -> None:
        """Show the package no longer."""
        await self._database.write(partial(writing.remove, key=package.key))

    async def rebuild(self, listings: AsyncIterator[Listing]) -> None:
        """Show these packages and no others, all at once when the last one was read.

        The best release of each is shown. What is offered, replaced or removed meanwhile holds.
        """
        await self._database.write(rebuilding.begin)
        async for batch in _batches(listings):
            await self._database.write(partial(rebuilding.add, listings=batch))
        await self._database.write(rebuilding.optimize)
        await self._database.write(rebuilding.finish)


async def _batches(listings: AsyncIterator[Listing]) -> AsyncIterator[list[Listing]]:
    batch: list[Listing] = []
    async for listing in listings:
        batch.append(listing)
        if len(batch) == rebuilding.BATCH:
            yield batch
            batch = []
    yield batch
