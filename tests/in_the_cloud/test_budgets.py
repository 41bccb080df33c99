"""What a request costs in the cloud: trips to Cosmos DB, and requests; their units are printed.

Requests that are under way together are one trip. One call of a port may be several requests;
tests/protocol/test_store_budgets.py counts the calls, in this world too.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.domain.names import NO_PACKAGE, Package
from shared.edition import CHANGES_KNOWN_WITHIN
from tests.fakes.cosmos.protocol import CosmosDouble
from tests.fakes.cosmos.transport import DoubleTransport
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.cloud_registry import MeteredRegistry, metered
from tests.support.world import BASE, MAVEN, URL

GREET = f"{BASE}/packages/acme/greet"
PULL = dict(ACCEPT_ARCHIVE)
PACKAGES = 20


@dataclass
class Watching(DoubleTransport):
    """Counts trips."""

    under_way: int = 0
    trips: int = 0

    async def send(self, request: Any, **options: Any) -> Any:
        """Let all that is asked for together be under way before the first is answered."""
        self.trips += not self.under_way
        self.under_way += 1
        try:
            for _ in range(5):
                await asyncio.sleep(0)
            return await super().send(request, **options)
        finally:
            self.under_way -= 1


@dataclass
class Cloud:
    """A registry, and what its requests cost."""

    metered: MeteredRegistry
    watching: Watching

    async def cost(self, method: str, url: str, **options: Any) -> tuple[int, int]:
        """Send a request that succeeds, and return its trips and its requests to Cosmos DB."""
        self.metered.meter.taken()
        before = self.watching.trips
        answer = await self.metered.http.request(method, url, **options)
        assert answer.status_code < 400, answer.text
        taken, trips = self.metered.meter.taken(), self.watching.trips - before
        said = f"{trips} trips, {taken.records} requests, {taken.units:.1f} RU"
        sys.stdout.write(f"{method} {url}: {said}\n")  # pytest shows it with -rP.
        return trips, int(taken.records)

    async def push(self, coordinate: str, **spec: Any) -> tuple[int, int]:
        """Publish, and return what that costs."""
        headers = {"Authorization": f"Bearer {self.metered.token}"}
        files = {"bala-file": ("any.bala", bala(coordinate, **spec))}
        return await self.cost("POST", f"{BASE}/packages", headers=headers, files=files)


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncGenerator[Cloud]:
    """Return a registry with three versions of a package."""
    transports: list[Watching] = []

    def watching(double: CosmosDouble) -> Watching:
        transports.append(Watching(double))
        return transports[-1]

    async with metered(tmp_path, watching) as registry:
        cloud = Cloud(registry, transports[0])
        for version in ("1.0.0", "1.1.0", "2.0.0"):
            await cloud.push(f"acme/greet:{version}")
        await registry.registry.authentication.close()
        # A process asks once which physical partitions there are.
        await registry.registry.adapters.metadata.survey(
            [NO_PACKAGE, Package.parse("acme", "greet")]
        )
        await registry.registry.adapters.edition.confirm()
        yield cloud


async def test_a_pull_of_an_exact_version_is_one_trip(cloud: Cloud) -> None:
    assert await cloud.cost("GET", f"{GREET}/1.0.0", headers=PULL) == (1, 1)


@pytest.mark.parametrize("wanted", ["*", "1.*"])
async def test_a_pull_of_a_range_is_two_trips(cloud: Cloud, wanted: str) -> None:
    assert await cloud.cost("GET", f"{GREET}/{wanted}", headers=PULL) == (2, 2)


async def test_metadata_is_one_trip(cloud: Cloud) -> None:
    assert await cloud.cost("GET", f"{GREET}/1.0.0") == (1, 1)


@pytest.mark.parametrize("url", [GREET, f"{URL}/index/acme/greet/index.json"])
async def test_lists_of_versions_are_one_trip(cloud: Cloud, url: str) -> None:
    assert await cloud.cost("GET", url) == (1, 1)


async def test_any_number_of_packages_is_resolved_in_two_requests(cloud: Cloud) -> None:
    for number in range(PACKAGES):
        await cloud.push(f"acme/p{number}:1.0.0")
    wanted = {"packages": [{"org": "acme", "name": f"p{number}"} for number in range(PACKAGES)]}
    cost = await cloud.cost("POST", f"{BASE}/packages/resolve-dependencies", json=wanted)
    assert cost == (2, 2)
    cost = await cloud.cost("POST", f"{BASE}/packages/resolve-dependencies", json=wanted)
    assert cost == (0, 0)  # All of it is in memory.


IN_MEMORY = [
    (GREET, {}),
    (f"{GREET}/1.0.0", PULL),
    (f"{GREET}/*", PULL),
    (f"{GREET}/1.0.0", {}),
    (f"{URL}/index/acme/greet/index.json", {}),
    (f"{MAVEN}/acme/greet/maven-metadata.xml", {}),
    (f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.pom", {}),
    (f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0-depgraph.json", {}),
    (f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.bala", {}),
]


@pytest.mark.parametrize(("url", "headers"), IN_MEMORY)
async def test_what_is_in_memory_asks_for_nothing(
    cloud: Cloud, url: str, headers: dict[str, str]
) -> None:
    await cloud.cost("GET", url, headers=headers)
    assert await cloud.cost("GET", url, headers=headers) == (0, 0)


async def test_packages_in_memory_are_resolved_without_a_request(cloud: Cloud) -> None:
    wanted = {"packages": [{"org": "acme", "name": "greet"}]}
    url = f"{BASE}/packages/resolve-dependencies"
    await cloud.cost("POST", url, json=wanted)
    assert await cloud.cost("POST", url, json=wanted) == (0, 0)


async def test_an_instance_asks_once_a_second_what_changed(cloud: Cloud) -> None:
    await cloud.cost("GET", GREET)
    for _ in range(3):
        cloud.metered.clock.advance(CHANGES_KNOWN_WITHIN)
        assert await cloud.cost("GET", GREET) == (1, 1)
        assert await cloud.cost("GET", GREET) == (0, 0)


async def test_a_search_asks_for_nothing(cloud: Cloud) -> None:
    assert await cloud.cost("GET", f"{BASE}/packages?q=greet") == (0, 0)


async def test_a_push_is_thirteen_trips(cloud: Cloud) -> None:
    assert await cloud.push("acme/greet:3.0.0") == (13, 26)


async def test_a_push_costs_the_same_however_many_versions_there_are(cloud: Cloud) -> None:
    fourth = await cloud.push("acme/greet:3.0.0")
    for number in range(10):
        await cloud.push(f"acme/greet:4.{number}.0")
    assert await cloud.push("acme/greet:5.0.0") == fourth
