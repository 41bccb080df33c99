"""Pages of many results: every page continues the one before, in every order."""

import weakref
from collections.abc import AsyncGenerator

import pytest
from msgspec.structs import replace

from shared.adapters.search.index import SqliteSearchIndex
from shared.adapters.search.matching import FEW_PACKAGES, DecodedListings
from shared.adapters.search.rows import write_listing
from shared.domain.listings import Listing
from shared.domain.packages import Texts
from shared.domain.search import ANYONE, Query, ResultPage, Sort
from tests.contract.sample_records import head, release
from tests.support.search_files import filled_index

PACKAGES = FEW_PACKAGES + 60
PER_PAGE = 7


def listing(number: int) -> Listing:
    """Return one of many packages with words in different places, most with equals."""
    name = ("kafka", "kafka.client", f"p{number}", f"p{number}_driver")[number % 4]
    fields = {
        "summary": "Reads kafka streams" if number % 3 else "Writes logs of kafka",
        "keywords": ("kafka",) if number % 5 == 0 else (),
        "created_ms": 1_600_000_000_000 + 10**9 * (number % 9),
        "deprecation": "Use another." if number % 11 == 0 else None,
    }
    org = f"org{number}"
    shown = head(f"{org}/{name}", pulls=10 ** (number % 8), created_ms=number % 10)
    return Listing(shown, release(f"{org}/{name}:1.0.0", **fields), Texts())


@pytest.fixture(scope="module")
async def index(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[SqliteSearchIndex]:
    """Return an index of many packages."""
    file = tmp_path_factory.mktemp("search") / "search.db"
    index = filled_index(file, map(listing, range(PACKAGES)))
    yield index
    index.close()


@pytest.mark.parametrize("deprecated_last", [False, True])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("text", ["", "kafka", "kaf", "kafka client", "kafka streams nowhere"])
async def test_pages_are_the_parts_of_one_list(
    index: SqliteSearchIndex, text: str, sort: Sort, descending: bool, deprecated_last: bool
) -> None:
    query = replace(Query.parse(text), deprecated_last=deprecated_last)
    whole = ResultPage(limit=2 * PACKAGES, sort=sort, descending=descending)
    everything = await index.search(query, whole, ANYONE)
    listed = [hit.listing.head.package for hit in everything.hits]
    assert len(set(listed)) == len(listed) == everything.count > 0
    for offset in (0, PER_PAGE, 10 * PER_PAGE, everything.count - 3, everything.count):
        page = replace(whole, offset=offset, limit=PER_PAGE)
        found = await index.search(query, page, ANYONE)
        assert found.count == everything.count
        shown = [hit.listing.head.package for hit in found.hits]
        assert shown == listed[offset : offset + PER_PAGE]


async def test_results_are_listed_by_their_score(index: SqliteSearchIndex) -> None:
    page = ResultPage(limit=PACKAGES)
    for text in ("kafka", "kafka client", "kafka streams nowhere"):
        query = replace(Query.parse(text), deprecated_last=True)
        scores = [hit.score for hit in (await index.search(query, page, ANYONE)).hits]
        assert scores == sorted(scores, reverse=True)


def test_a_listing_is_decoded_once() -> None:
    listings, stored = DecodedListings(), write_listing(listing(1))
    first, _ = listings.decode(1, stored)
    assert first == listing(1)
    assert listings.decode(1, stored)[0] is first


def test_of_a_package_that_changed_only_the_newest_listing_is_kept() -> None:
    listings = DecodedListings()
    older = weakref.ref(listings.decode(1, write_listing(listing(1)))[0].head)
    newer, _ = listings.decode(1, write_listing(listing(2)))
    assert newer == listing(2)
    assert older() is None
