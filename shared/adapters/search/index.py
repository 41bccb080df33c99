"""The search index of one machine."""

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence, Sized
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TypeVar, TypeVarTuple, cast

from shared.adapters.search import queries
from shared.adapters.search.rows import (
    SEARCH_MIGRATIONS,
    IndexRows,
    excerpt,
    excerpt_of,
    is_short_listing,
)
from shared.adapters.sqlite.database import Database
from shared.domain.coordinates import Package
from shared.domain.listings import Facet, Listing
from shared.domain.search import (
    FacetedResults,
    FacetPage,
    IndexTotals,
    KeywordCount,
    Query,
    ResultPage,
    Results,
    Suggestion,
    SymbolQuery,
    SymbolResults,
    Viewer,
)
from shared.runtime.lru_cache import VersionedCache

# What was found is cached until the index changes: the lists of the first page are always the same
# searches, and most people look for the same words. Counted in values of facets, of some 300 bytes
# each; a hit takes as much memory as 16 of them.
VALUES_CACHED = 131_072
VALUES_OF_A_HIT = 16

T = TypeVar("T")
Asked = TypeVarTuple("Asked")


class SearchIndexFile:
    """An index in SQLite, and what was found in it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        # The key is a function of `queries` and its arguments.
        self._found = VersionedCache[tuple[object, ...], object](VALUES_CACHED, weigh=_weight_of)

    async def find(self, find: Callable[[sqlite3.Connection, *Asked], T], *asked: *Asked) -> T:
        """Return the result that `find` had for this since the index changed, or call it."""
        version = self.database.data_version()
        key = (find, *asked)
        found = cast("T | None", self._found.get(key, version))
        if found is None:
            found = await self.database.scan(lambda connection: find(connection, *asked))
            self._found.put(key, version, found)
        return found

    def read(self, read: Callable[[sqlite3.Connection, *Asked], T], *asked: *Asked) -> T:
        """Return what `read` finds by a key, on the event loop: a thread costs more."""
        return self.database.read(lambda connection: read(connection, *asked))


def _weight_of(found: object) -> int:
    match found:
        case Results() | SymbolResults():
            return 1 + VALUES_OF_A_HIT * len(found.hits)
        case FacetedResults():
            return _weight_of(found.results) + sum(map(len, found.facets.values()))
        case FacetPage():
            return 1 + len(found.values)
        case _:
            return 1 + (len(found) if isinstance(found, Sized) else 0)


class IndexReader(ABC):
    """The questions that an index in SQLite answers, whoever fills it."""

    @abstractmethod
    def borrow(self) -> AbstractAsyncContextManager[SearchIndexFile]:
        """Provide the file for one search."""

    async def search(self, query: Query, page: ResultPage, viewer: Viewer) -> Results:
        if queries.counts_dependents(query, page, viewer):
            async with self.borrow() as file:
                return file.read(queries.read_dependents_count, query)
        return await self._find(queries.find_packages, query, page, viewer)

    async def search_with_facets(
        self, query: Query, page: ResultPage, viewer: Viewer
    ) -> FacetedResults:
        return await self._find(queries.find_with_facets, query, page, viewer)

    async def facet_values(
        self, facet: Facet, text: str, page: ResultPage, viewer: Viewer
    ) -> FacetPage:
        return await self._find(queries.find_facet_page, facet, text, page, viewer)

    async def totals(self) -> IndexTotals:
        return await self._find(queries.read_totals)

    async def keywords(self, most: int) -> tuple[KeywordCount, ...]:
        return await self._find(queries.find_keywords, most)

    async def symbols(self, query: SymbolQuery, page: ResultPage, viewer: Viewer) -> SymbolResults:
        return await self._find(queries.find_symbol_page, query, page, viewer)

    async def suggest(self, text: str, viewer: Viewer, count: int) -> list[Suggestion]:
        return await self._find(queries.suggest_names, text, viewer, count)

    async def _find(self, find: Callable[[sqlite3.Connection, *Asked], T], *asked: *Asked) -> T:
        async with self.borrow() as file:
            return await file.find(find, *asked)


class SqliteSearchIndex(IndexReader):
    """The SearchIndex of a registry on one machine."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, SEARCH_MIGRATIONS)
        self._file = SearchIndexFile(self._database)

    def borrow(self) -> AbstractAsyncContextManager[SearchIndexFile]:
        return nullcontext(self._file)

    def migrate(self) -> None:
        """Create the file or bring it up to date; of several processes one does it."""
        self._database.migrate()

    def close(self) -> None:
        """Close the file in this process."""
        self._database.close()

    async def offer(self, listing: Listing) -> bool:
        return await self._write(listing, IndexRows.offer)

    async def replace(self, listing: Listing) -> bool:
        return await self._write(listing, IndexRows.replace)

    async def filled_until(self) -> str | None:
        return self._database.read(_filled_until)

    async def fill(self, listings: Sequence[Listing], until: str | None) -> None:
        shown = await asyncio.to_thread(lambda: [excerpt(each) for each in listings])
        await self._database.write(partial(_fill, listings=shown, until=until))

    async def _write(self, listing: Listing, change: Callable[[IndexRows, Listing], bool]) -> bool:
        shown = await excerpt_of(listing)
        is_short = self._database.read(partial(is_short_listing, listing=shown))
        write = self._database.write_few if is_short else self._database.write
        return await write(lambda connection: change(IndexRows(connection), shown))

    async def remove(self, package: Package) -> bool:
        return await self._database.write(partial(_remove, key=package.key))


def _filled_until(connection: sqlite3.Connection) -> str | None:
    return connection.execute("SELECT until FROM filled").fetchone()[0]


def _fill(connection: sqlite3.Connection, listings: Sequence[Listing], until: str | None) -> None:
    IndexRows(connection).show(listings)
    connection.execute("UPDATE filled SET until = ?", (until,))


def _remove(connection: sqlite3.Connection, key: str) -> bool:
    return bool(IndexRows(connection).remove([key]))
