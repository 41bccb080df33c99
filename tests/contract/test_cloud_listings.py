"""What each package shows is decided in Cosmos DB by one writer at a time, and told to the feed."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos.aio import CosmosClient

from shared.adapters.cosmos.client import COSMOS_CLIENT_OPTIONS, DATABASE, CosmosDatabase
from shared.adapters.search.cloud_listings import (
    REPORTED_GROWTH,
    CosmosListings,
    ListingChange,
    listing_changes,
)
from shared.adapters.search.rows import README_CHARACTERS
from shared.adapters.system import SystemRandomness
from shared.domain.events import Event
from shared.domain.listings import Listing
from shared.domain.packages import Texts
from tests.contract.sample_records import head, package, release
from tests.fakes.cosmos.protocol import Request
from tests.fakes.cosmos.transport import DoubleTransport, Trouble
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import ANY_KEY, double_of


@dataclass
class ListingsSetup:
    """Listings over the double of Cosmos DB; the next write can be told to fail."""

    listings: CosmosListings
    folder: Path
    clock: FakeClock
    troubles: list[Trouble] = field(default_factory=list[Trouble])

    def trouble(self, request: Request) -> Trouble | None:
        """Fail the next writes as told."""
        is_write = request.method in ("POST", "PUT") and request.path.count("/docs")
        return self.troubles.pop(0) if self.troubles and is_write else None

    def stored(self) -> list[dict[str, Any]]:
        """Return the items, in order of their last change."""
        return double_of(self.folder, self.clock).containers[DATABASE, "packages"].living(None)


@pytest.fixture
async def setup(tmp_path: Path) -> AsyncGenerator[ListingsSetup]:
    clock = FakeClock()
    double = double_of(tmp_path, clock)

    def connect() -> CosmosClient:
        transport = DoubleTransport(double, opened.trouble)
        return CosmosClient(double.address, ANY_KEY, transport=transport, **COSMOS_CLIENT_OPTIONS)

    cosmos = CosmosDatabase(connect, SystemRandomness())
    opened = ListingsSetup(CosmosListings(cosmos), tmp_path, clock)
    yield opened
    await cosmos.close()


def listing(version: str = "1.0.0", pulls: int = 0, **fields: Any) -> Listing:
    """Return the listing of a version of `acme/greet`."""
    texts = Texts(readme=fields.pop("readme", ""))
    return Listing(
        head("acme/greet", pulls=pulls), release(f"acme/greet:{version}", **fields), texts
    )


def versions(changes: list[ListingChange]) -> list[str]:
    """Return the versions that are shown."""
    return [each.release.version for change in changes if (each := change.listing())]


async def test_the_best_of_many_concurrent_offers_is_shown(setup: ListingsSetup) -> None:
    offers = [setup.listings.offer(listing(f"1.{number}.0")) for number in range(6)]
    answers = await asyncio.gather(*offers)
    assert sum(answers) == 1
    [page] = [page async for page in setup.listings.all()]
    assert versions(page) == ["1.5.0"]


async def test_a_package_that_is_no_longer_shown_is_reported_with_a_higher_revision(
    setup: ListingsSetup,
) -> None:
    greet = package("acme/greet")
    assert not await setup.listings.remove(greet)
    await setup.listings.offer(listing())
    assert await setup.listings.remove(greet)
    assert listing_changes(setup.stored()) == [ListingChange("acme/greet", 2, None)]
    assert not await setup.listings.remove(greet)
    assert await setup.listings.offer(listing())
    [change] = listing_changes(setup.stored())
    assert (change.revision, versions([change])) == (3, ["1.0.0"])


async def test_pulls_are_reported_when_they_have_grown_enough(setup: ListingsSetup) -> None:
    await setup.listings.offer(listing(pulls=1_000))
    little = 1_000 + int(1_000 * REPORTED_GROWTH)
    assert not await setup.listings.replace(listing(pulls=little))
    assert await setup.listings.replace(listing(pulls=little + 1))
    assert await setup.listings.replace(listing(pulls=0))  # They were counted wrongly.
    assert await setup.listings.replace(listing(pulls=1))


async def test_other_changes_are_reported_with_the_current_pulls(setup: ListingsSetup) -> None:
    await setup.listings.offer(listing(pulls=1_000))
    assert await setup.listings.replace(listing(pulls=1_001, deprecation="Old."))
    [change] = listing_changes(setup.stored())
    shown = change.listing()
    assert shown is not None
    assert (shown.head.pulls, shown.deprecation) == (1_001, "Old.")


async def test_no_more_is_stored_than_searches_show(setup: ListingsSetup) -> None:
    event = Event(id="1", kind="pushed", at_ms=1, actor="ann", subject="acme/greet")
    await setup.listings.offer(listing(readme="x" * 5_000, outbox=(event,)))
    [item] = setup.stored()
    assert len(item["body"]["texts"]["readme"]) == README_CHARACTERS
    assert item["body"]["release"]["outbox"] == []


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("before", [False, True], ids=["first", "again"])
async def test_an_offer_takes_effect_once_whatever_happens_on_the_way(
    setup: ListingsSetup, trouble: Trouble, *, before: bool
) -> None:
    if before:
        await setup.listings.offer(listing("0.9.0"))
    setup.troubles += [trouble, trouble]
    assert await setup.listings.offer(listing()) is not before
    [change] = listing_changes(setup.stored())
    assert change.revision == 1 + before
