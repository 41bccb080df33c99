"""Lists, facets and totals of public packages take the same work for any number of packages."""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing, nullcontext
from pathlib import Path
from typing import TypeVar, TypeVarTuple, cast

from shared.adapters.search.index import IndexReader, SearchIndexFile, SqliteSearchIndex
from shared.adapters.search.rows import SEARCH_MIGRATIONS, IndexRows
from shared.adapters.sqlite.database import Database
from shared.domain.listings import Facet, Listing
from shared.domain.packages import Dependency, Texts
from shared.domain.search import ANYONE, Query, ResultPage, Sort, Viewer
from shared.ports.search import SearchIndex
from shared.services.packages.statistics import LastRegistryCounts, RegistryStatistics
from tests.contract.sample_records import head, release
from tests.fakes.stores import FakeWork
from tests.fakes.system import FakeClock

T = TypeVar("T")
Asked = TypeVarTuple("Asked")

FEW = 250  # More than a list or a facet shows.
# Lists of the packages that have a word: each is read at once, however long it is.
LISTS_OF_PACKAGES = {"postings", "texts"}


class CountedFile(SearchIndexFile):
    """An index that counts the instructions of SQLite, which grow with each row that is read."""

    def __init__(self, file: Path) -> None:
        super().__init__(Database(file, SEARCH_MIGRATIONS))
        self.file = file
        self.work = 0
        self.tables = set[str]()

    async def find(self, find: Callable[[sqlite3.Connection, *Asked], T], *asked: *Asked) -> T:
        """Ask the file, and nothing that is in memory."""
        return self.read(find, *asked)

    def read(self, read: Callable[[sqlite3.Connection, *Asked], T], *asked: *Asked) -> T:
        """Do the same."""
        with closing(sqlite3.connect(self.file, isolation_level=None)) as connection:
            connection.set_progress_handler(self._count, 1)
            connection.set_authorizer(self._note)
            return read(connection, *asked)

    def _count(self) -> int:
        self.work += 1
        return 0

    def _note(self, action: int, table: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_READ and table:
            self.tables.add(table)
        return sqlite3.SQLITE_OK


class CountedIndex(IndexReader):
    """The questions that such an index answers."""

    def __init__(self, file: Path) -> None:
        self.counted = CountedFile(file)

    def borrow(self) -> AbstractAsyncContextManager[SearchIndexFile]:
        return nullcontext(self.counted)

    def taken(self) -> int:
        """Return the work since this was last asked."""
        work = self.counted.work
        self.counted.work = 0
        return work


def listing(number: int) -> Listing:
    """Return a package of an organization of its own, which needs another one and acme/greet. Every
    fifth is deprecated."""
    name = f"org{number}/name{number}"
    other = Dependency(org=f"org{number // 2}", name=f"name{number // 2}", version="1.0.0")
    needed = (other, Dependency(org="acme", name="greet", version="1.0.0"))
    made = release(
        f"{name}:1.0.0",
        created_ms=number,
        keywords=(f"word{number}", "shared"),
        dependencies=needed,
        deprecation=None if number % 5 else "Use another.",
    )
    return Listing(head(name, created_ms=number, pulls=number % 7), made, Texts())


def filled(folder: Path, packages: int) -> CountedIndex:
    """Return an index of so many packages."""
    file = folder / f"{packages}.db"
    index = SqliteSearchIndex(file)
    index.migrate()
    index.close()
    with closing(sqlite3.connect(file)) as connection:
        IndexRows(connection).show(map(listing, range(packages)))
        connection.commit()
    return CountedIndex(file)


async def home_page(index: CountedIndex) -> None:
    last_counts = LastRegistryCounts(FakeWork(), FakeClock())
    summary = await RegistryStatistics(cast("SearchIndex", index), last_counts).summary()
    assert summary.totals.packages
    assert (len(summary.updated), len(summary.pulled), len(summary.used)) == (6, 6, 6)


async def packages_page(index: CountedIndex) -> None:
    page = ResultPage(limit=20, sort=Sort.PULLS)
    found = await index.search_with_facets(Query(deprecated_last=True), page, ANYONE)
    assert len(found.results.hits) == 20


async def sitemap(index: CountedIndex) -> None:
    query = Query(include_deprecated=True, stored_only=True)
    page = ResultPage(limit=100, sort=Sort.ADDED, descending=False)
    assert len((await index.search(query, page, ANYONE)).hits) == 100


async def list_of_names(index: CountedIndex) -> None:
    page = ResultPage(limit=100, sort=Sort.NAME, descending=False)
    assert len((await index.search(Query(), page, ANYONE)).hits) == 100


async def dependents(index: CountedIndex) -> None:
    query = Query(depends_on="acme/greet", include_deprecated=True)
    found = await index.search(query, ResultPage(limit=0), ANYONE)
    assert found.count in (FEW, 2 * FEW)


async def directories(index: CountedIndex, viewer: Viewer = ANYONE) -> None:
    page = ResultPage(limit=60)
    for facet in (Facet.ORG, Facet.KEYWORD):
        assert len((await index.facet_values(facet, "", page, viewer)).values) == 60


async def directories_of_member(index: CountedIndex) -> None:
    await directories(index, Viewer(frozenset({"org1"})))


SHOWN = (home_page, packages_page, sitemap, list_of_names, dependents, directories)


async def test_twice_the_packages_take_the_same_work(tmp_path: Path) -> None:
    few = filled(tmp_path, FEW)
    many = filled(tmp_path, 2 * FEW)
    for shown in SHOWN:
        await shown(few)
        await shown(many)
        assert 0 < many.taken() < 1.02 * few.taken(), shown.__name__
        assert many.counted.tables.isdisjoint(LISTS_OF_PACKAGES), shown.__name__
    # The values of private packages, of which a member sees few, are read from the lists.
    await directories_of_member(few)
    await directories_of_member(many)
    assert 0 < many.taken() < 1.02 * few.taken()
