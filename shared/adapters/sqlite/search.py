"""The search index in SQLite: full text over one row a package, in a file of its own."""

from functools import partial

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.searching import reading, writing
from shared.domain.names import Package
from shared.domain.package import Listing
from shared.domain.query import Page, Query, Results, Suggestion, Viewer


class SqliteSearch:
    """The SearchIndex of a registry on one machine."""

    def __init__(self, database: Database) -> None:
        """Keep the index in `database`, which `SEARCH_MIGRATIONS` made."""
        self._database = database

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
