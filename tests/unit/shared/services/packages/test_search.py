"""Feeding says what it did."""

from dataclasses import dataclass, field

import httpx
import pytest
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.domain.access import Membership
from shared.domain.accounts import Account, Organization
from shared.domain.errors.requests import SearchUnconfirmed
from shared.domain.listings import Facet, FacetCount, Listing
from shared.domain.names import Package
from shared.domain.principals import ANONYMOUS, Grant, Principal, Role
from shared.domain.search import (
    ANYONE,
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
from shared.services.common import Adapters
from shared.services.packages.search import PackageSearch
from tests.fakes.readers import known_readers
from tests.fakes.stores import FakeDirectory
from tests.fakes.system import FakeClock
from tests.support.port_doubles import Fault, failing
from tests.support.world import BASE, MAVEN, OpenWorld

KIM = Principal("kim", "session", (Grant(),))
EMPTY = Results((), 0)


@dataclass
class AskedIndex:
    """A `SearchIndex` that notes what it is asked, and finds nothing."""

    searches: list[tuple[Query, ResultPage, Viewer]] = field(
        default_factory=list[tuple[Query, ResultPage, Viewer]]
    )
    divided: list[tuple[Query, ResultPage, Viewer]] = field(
        default_factory=list[tuple[Query, ResultPage, Viewer]]
    )
    values: list[tuple[Facet, Query, Viewer]] = field(
        default_factory=list[tuple[Facet, Query, Viewer]]
    )
    texts: list[tuple[str, Viewer, int]] = field(default_factory=list[tuple[str, Viewer, int]])
    symbol_queries: list[tuple[SymbolQuery, ResultPage, Viewer]] = field(
        default_factory=list[tuple[SymbolQuery, ResultPage, Viewer]]
    )

    async def offer(self, listing: Listing) -> bool:
        """Nothing is shown here."""
        return True

    async def replace(self, listing: Listing) -> bool:
        """Nothing is shown here."""
        return False

    async def remove(self, package: Package) -> bool:
        """Nothing is shown here."""
        return False

    async def search(self, query: Query, page: ResultPage, viewer: Viewer) -> Results:
        """Note the search."""
        self.searches.append((query, page, viewer))
        return EMPTY

    async def search_with_facets(
        self, query: Query, page: ResultPage, viewer: Viewer
    ) -> FacetedResults:
        """Note the search by another name."""
        self.divided.append((query, page, viewer))
        return FacetedResults(EMPTY, {}, 0)

    async def facet_values(
        self, facet: Facet, query: Query, viewer: Viewer
    ) -> tuple[FacetCount, ...]:
        """Note the question, and return two values."""
        self.values.append((facet, query, viewer))
        return (FacetCount("Acme", 2), FacetCount("other", 1))

    async def totals(self) -> IndexTotals:
        return IndexTotals()

    async def symbols(self, query: SymbolQuery, page: ResultPage, viewer: Viewer) -> SymbolResults:
        """Note the query."""
        self.symbol_queries.append((query, page, viewer))
        return SymbolResults((), 0)

    async def suggest(self, text: str, viewer: Viewer, count: int) -> list[Suggestion]:
        """Note the text."""
        self.texts.append((text, viewer, count))
        return []


@pytest.fixture
def index() -> AskedIndex:
    return AskedIndex()


@pytest.fixture
def directory() -> FakeDirectory:
    """Return Kim, who owns Acme and is a member of Other, and an administrator."""
    return FakeDirectory.holding(
        Account(id="kim", name="Kim", created_ms=1),
        Account(id="root", name="Root", created_ms=1, administrator=True),
        Organization(name="Acme", founder="kim", created_ms=1),
        Organization(name="Other", founder="root", created_ms=1),
        Membership(org="Acme", account="kim", role=Role.OWNER),
        Membership(org="Other", account="root", role=Role.OWNER),
        Membership(org="Other", account="kim", role=Role.MEMBER),
    )


@pytest.fixture
def package_search(index: AskedIndex, directory: FakeDirectory) -> PackageSearch:
    return PackageSearch(index, Authorization(directory, FakeClock(), known_readers()))


async def test_the_number_of_packages_is_unknown_while_a_search_is_refused(
    package_search: PackageSearch, index: AskedIndex
) -> None:
    refusing = failing(index, Fault("search", SearchUnconfirmed()))
    unconfirmed, query = replace(package_search, index=refusing), Query.parse("kafka")
    assert await unconfirmed.count(query, by=KIM) is None
    assert await unconfirmed.count(query, by=ANONYMOUS) == 0
    assert index.searches == [(query, ResultPage(limit=0), ANYONE)]


# --- while the index may list what became private ------------------------------------------------


@dataclass(frozen=True)
class Unconfirmed:
    """A world whose index does not know the latest changes."""

    worlds: OpenWorld

    async def get(self, url: str) -> httpx.Response:
        """Ask while every search of the index is refused."""

        def wrap(stores: Adapters) -> Adapters:
            search = stores.search
            for method in ("search", "search_with_facets", "suggest", "symbols"):
                search = failing(search, Fault(method, SearchUnconfirmed()))
            return replace(stores, search=search)

        return await (await self.worlds(wrap=wrap)).http.get(url)


@pytest.fixture
def unconfirmed(worlds: OpenWorld) -> Unconfirmed:
    return Unconfirmed(worlds)


@pytest.mark.parametrize("url", [f"{BASE}/packages?q=greet", f"{BASE}/search-suggestions?q=greet"])
async def test_a_search_that_is_not_confirmed_is_refused_for_some_seconds(
    unconfirmed: Unconfirmed, url: str
) -> None:
    answer = await unconfirmed.get(url)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("kind", ["connectors", "triggers", "search-symbols?q=greet"])
async def test_lists_of_editors_are_empty_where_they_are_not_confirmed(
    unconfirmed: Unconfirmed, kind: str
) -> None:
    answer = await unconfirmed.get(f"{BASE}/{kind}")
    assert (answer.status_code, answer.json()["count"]) == (200, 0)


async def test_a_missing_maven_file_is_missing_where_private_packages_are_not_confirmed(
    unconfirmed: Unconfirmed,
) -> None:
    answer = await unconfirmed.get(f"{MAVEN}/acme/missing/1.0.0/missing-1.0.0.pom")
    assert answer.status_code == 404
