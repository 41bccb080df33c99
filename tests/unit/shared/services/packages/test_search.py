"""Searches whose index does not know the latest changes."""

from dataclasses import dataclass, field
from typing import cast

import pytest
from msgspec.structs import replace

from shared.domain.errors.requests import SearchUnconfirmed
from shared.domain.principals import ANONYMOUS, Principal
from shared.domain.search import ANYONE, Query, ResultPage, Results, Viewer
from shared.ports.search import SearchIndex
from shared.services.adapters import Adapters
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.search import PackageSearch
from tests.fakes.stores import FakeDirectory
from tests.fakes.system import FakeClock
from tests.support.port_doubles import Fault
from tests.support.services import authorization_over
from tests.support.world import BASE, MAVEN, OpenWorld


@dataclass
class AskedIndex:
    """A `SearchIndex` that notes what is searched, and finds nothing."""

    searches: list[tuple[Query, ResultPage, Viewer]] = field(
        default_factory=list[tuple[Query, ResultPage, Viewer]]
    )

    async def search(self, query: Query, page: ResultPage, viewer: Viewer) -> Results:
        """Note the search."""
        self.searches.append((query, page, viewer))
        return Results((), 0)


async def _unlimited(_: Principal) -> None:
    return None


async def test_the_number_of_packages_is_unknown_while_a_search_is_refused() -> None:
    index = AskedIndex()
    query = Query.parse("kafka")
    refusing = cast("SearchIndex", Fault("search", SearchUnconfirmed()).over(index))
    authorization = authorization_over(FakeDirectory(), FakeClock())
    unconfirmed = PackageSearch(refusing, authorization, _unlimited, cast("HostedPackages", None))
    assert await unconfirmed.count(query, by=ANONYMOUS) is None
    assert await unconfirmed.count(query, by=ANONYMOUS) == 0
    assert index.searches == [(query, ResultPage(limit=0), ANYONE)]


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (f"{BASE}/packages?q=greet", 503),
        (f"{BASE}/search-suggestions?q=greet", 503),
        (f"{BASE}/connectors", 200),
        (f"{BASE}/triggers", 200),
        (f"{BASE}/search-symbols?q=greet", 200),
        (f"{MAVEN}/acme/missing/1.0.0/missing-1.0.0.pom", 404),
    ],
)
async def test_a_search_that_is_not_confirmed_is_refused_and_lists_of_editors_are_empty(
    worlds: OpenWorld, url: str, status: int
) -> None:
    def wrap(stores: Adapters) -> Adapters:
        search = stores.search
        for method in ("search", "search_with_facets", "suggest", "symbols"):
            search = Fault(method, SearchUnconfirmed()).over(search)
        return replace(stores, search=search)

    answer = await (await worlds(wrap=wrap)).http.get(url)
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == ("5" if status == 503 else None)
    assert status != 200 or answer.json()["count"] == 0
