"""The search index in SQLite: full text over one row a package, in a file of its own."""

from functools import partial
from pathlib import Path

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.searching import reading, writing
from shared.adapters.sqlite.searching.schema import SEARCH_MIGRATIONS
from shared.domain.names import Package
from shared.domain.package import Listing
from shared.domain.query import Page, Query, Results, Suggestion, Viewer


class SqliteSearchIndex:
    """The SearchIndex of a registry on one machine."""

    def __init__(self, path: Path) -> None:
        """Keep the index in the file at `path`; open nothing."""
        self._database = Database(path, SEARCH_MIGRATIONS)

    def migrate(self) -> None:
        """Create the file or bring it up to date; of several processes one does it."""
        self._database.migrate()

    def close(self) -> None:
        """Close the file in this process."""
        self._database.close()

    async def offer(self, listing: Listing) -> None:
        """Show this release, unless a better one of the package is shown."""
        await self._database.write(partial(writing.offer, listing=listing))

    async def replace(self, listing: Listing) -> None:
        """Show this release, whatever is shown now."""
        await self._database.write(partial(writing.show, listing=listing))

    async def remove(self, package: Package) -> None:
        """Show the package no longer."""
        await self._database.write(partial(writing.remove, key=package.key))

    async def search(self, query: Query, page: Page, viewer: Viewer) -> Results:
        """Return one page of what matches and `viewer` may see, with the exact count."""
        work = partial(reading.search, query=query, page=page, viewer=viewer)
        return await self._database.scan(work)

    async def suggest(self, text: str, viewer: Viewer, count: int) -> list[Suggestion]:
        """Return names that begin with, or are close to, `text`."""
        work = partial(reading.suggest, text=text, viewer=viewer, count=count)
        return await self._database.scan(work)
