"""The search index of one machine, and its rebuilding beside the one that is searched."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sized
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar, TypeVarTuple, cast

from shared.adapters.search import queries, rows
from shared.adapters.search.rows import IndexRows, is_rebuilding
from shared.adapters.search.schema import (
    CURRENT_PREFIX,
    NEXT_PREFIX,
    SEARCH_MIGRATIONS,
    TABLES,
    create_tables,
)
from shared.adapters.sqlite.database import Database, Work
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
from shared.runtime.caching import VersionedCache

# What was found is kept until the index changes: the lists of the first page are always the same
# searches, and most people look for the same words. Counted in values of facets, of some 300 bytes
# each; a hit takes as much memory as 16 of them.
KEPT_VALUES = 131_072
VALUES_OF_A_HIT = 16

T = TypeVar("T")
Asked = TypeVarTuple("Asked")


class Counts(NamedTuple):
    """The counts that all pages and orders of a query share."""

    facets: Facets
    deprecated: int


class IndexReader:
    """The questions that an index in SQLite answers, whoever fills it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # By a function of `queries`, and what it was asked.
        self._found = VersionedCache[tuple[object, ...], object](KEPT_VALUES, weigh=_weight_of)

    async def search(self, query: Query, page: ResultPage, viewer: Viewer) -> Results:
        return await self._find(queries.find_packages, query, page, viewer)

    async def search_with_facets(
        self, query: Query, page: ResultPage, viewer: Viewer
    ) -> FacetedResults:
        """Search and count in one visit of the index; all pages and orders have the same counts."""
        version, key = self._database.data_version(), (queries.find_with_facets, query, viewer)
        counts = cast("Counts | None", self._found.get(key, version))
        if counts is not None:
            return FacetedResults(await self.search(query, page, viewer), *counts)
        work = partial(queries.find_with_facets, query=query, page=page, viewer=viewer)
        found = await self._database.scan(work)
        self._found.put(key, version, Counts(found.facets, found.deprecated))
        self._found.put((queries.find_packages, query, page, viewer), version, found.results)
        return found

    async def facets(self, query: Query, viewer: Viewer) -> Facets:
        """Return how everything that `search` finds divides."""
        return await self._database.scan(partial(queries.count_facets, query=query, viewer=viewer))

    async def facet_values(
        self, facet: Facet, query: Query, viewer: Viewer
    ) -> tuple[FacetCount, ...]:
        return await self._find(queries.count_facet_values, facet, query, viewer)

    async def totals(self) -> IndexTotals:
        """Return the numbers of what everybody may see."""
        return await self._database.scan(queries.count_totals)

    async def symbols(self, query: SymbolQuery, page: ResultPage, viewer: Viewer) -> SymbolResults:
        return await self._find(queries.find_symbol_page, query, page, viewer)

    async def suggest(self, text: str, viewer: Viewer, count: int) -> list[Suggestion]:
        work = partial(queries.suggest_names, text=text, viewer=viewer, count=count)
        return await self._database.scan(work)

    async def _find(self, find: Callable[[sqlite3.Connection, *Asked], T], *asked: *Asked) -> T:
        """Return the result that `find` had for this since the index changed, or call it."""
        version, key = self._database.data_version(), (find, *asked)
        found = cast("T | None", self._found.get(key, version))
        if found is None:
            found = await self._database.scan(lambda connection: find(connection, *asked))
            self._found.put(key, version, found)
        return found


def _weight_of(found: object) -> int:
    match found:
        case Results() | SymbolResults():
            return 1 + VALUES_OF_A_HIT * len(found.hits)
        case Counts():
            return 1 + sum(map(len, found.facets.values()))
        case _:
            return 1 + len(cast(Sized, found))


class SqliteSearchIndex(IndexReader):
    """The SearchIndex of a registry on one machine."""

    def __init__(self, path: Path) -> None:
        super().__init__(Database(path, SEARCH_MIGRATIONS))

    def migrate(self) -> None:
        """Create the file or bring it up to date; of several processes one does it."""
        self._database.migrate()

    def close(self) -> None:
        """Close the file in this process."""
        self._database.close()

    async def offer(self, listing: Listing) -> bool:
        return await self._write(listing, partial(rows.offer_listing, listing=listing))

    async def replace(self, listing: Listing) -> None:
        await self._write(listing, partial(rows.store_listing, listing=listing))

    async def _write(self, listing: Listing, work: Work[T]) -> T:
        is_short = self._database.read(partial(rows.is_short, listing=listing))
        return await (self._database.write_few if is_short else self._database.write)(work)

    async def remove(self, package: Package) -> None:
        await self._database.write(partial(rows.remove_listing, key=package.key))

    async def rebuild(self, listings: AsyncIterator[Listing]) -> None:
        """Show these packages and no others, all at once when the last one was read.

        The best release of each is shown. What is offered, replaced or removed meanwhile holds.
        """
        await self._database.write(begin_rebuild)
        async for batch in _batches(listings):
            await self._database.write(partial(add_to_rebuild, listings=batch))
        await self._database.write(optimize_index)
        await self._database.write(finish_rebuild)


async def _batches(listings: AsyncIterator[Listing]) -> AsyncIterator[list[Listing]]:
    batch: list[Listing] = []
    async for listing in listings:
        batch.append(listing)
        if len(batch) == REBUILD_BATCH:
            yield batch
            batch = []
    yield batch


# Filling the index anew, beside the one that is searched, and putting it into its place.
#
# Batches are transactions of their own, so that nobody waits for the whole. A push in between
# changes both generations; what is replaced or removed in between is noted, because the batch that
# is about to be added may have been read before.

# Packages: about a second, in which a push waits. Each batch rewrites most pages of the posting
# lists, so ten times as many small ones take four times as long.
REBUILD_BATCH = 2_000


def begin_rebuild(connection: sqlite3.Connection) -> None:
    """Start an empty next generation, over one that was not finished."""
    if is_rebuilding(connection):
        _drop(connection, NEXT_PREFIX)
    connection.execute("DELETE FROM settled")
    for statement in create_tables(NEXT_PREFIX):
        connection.execute(statement)


def add_to_rebuild(connection: sqlite3.Connection, listings: Iterable[Listing]) -> None:
    """Put these into the next generation, except for what was settled since it was begun."""
    unsettled = (each for each in listings if not _is_settled(connection, each.head.package.key))
    IndexRows(connection, NEXT_PREFIX).offer(unsettled)


def finish_rebuild(connection: sqlite3.Connection) -> None:
    """Put the next generation into the place of the current one; a search sees the one or the
    other."""
    _drop(connection, CURRENT_PREFIX)
    for table in TABLES:
        connection.execute(f"ALTER TABLE {NEXT_PREFIX}{table} RENAME TO {table}")
    connection.execute("DELETE FROM settled")


def optimize_index(connection: sqlite3.Connection) -> None:
    """Merge what the batches wrote into one piece, which is smaller and faster to read."""
    texts = f"{NEXT_PREFIX}texts"
    connection.execute(f"INSERT INTO {texts} ({texts}) VALUES ('optimize')")  # noqa: S608 - ours.


def _is_settled(connection: sqlite3.Connection, key: str) -> bool:
    found = connection.execute("SELECT 1 FROM settled WHERE key = ?", (key,)).fetchone()
    return found is not None


def _drop(connection: sqlite3.Connection, prefix: str) -> None:
    for table in TABLES:
        connection.execute(f"DROP TABLE {prefix}{table}")
