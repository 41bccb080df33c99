"""What a request costs in the cloud: trips to Cosmos DB, requests, request units, and blobs.

Requests that are under way together are one trip. One call of a port may be several requests;
tests/protocol/test_store_budgets.py counts the calls, in this world too.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.domain.coordinates import NO_PACKAGE, Package
from shared.domain.entities import Place
from shared.domain.transparency.records import ReleaseProof
from shared.runtime.editions import CHANGES_KNOWN_WITHIN
from tests.fakes.cosmos.protocol import CosmosDouble
from tests.fakes.cosmos.transport import DoubleTransport
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.cloud_registry import MeteredRegistry, metered, other_instance
from tests.support.world import BASE, MAVEN, URL

pytestmark = pytest.mark.usefixtures("patience")

GREET = f"{BASE}/packages/acme/greet"
PULL = dict(ACCEPT_ARCHIVE)
NAMES = [f"p{number}" for number in range(20)]


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


@dataclass(frozen=True)
class Cost:
    """What a request takes of the stores."""

    trips: int = 0  # To Cosmos DB.
    requests: int = 0
    units: float = 0.0
    blobs: int = 0  # Reads.


@dataclass
class Cloud:
    """A registry, and what its requests cost."""

    metered: MeteredRegistry
    watching: Watching

    async def cost(self, method: str, url: str, **options: Any) -> Cost:
        """Send a request that succeeds, and return what it costs."""
        self.metered.meter.taken()
        before = self.watching.trips
        answer = await self.metered.http.request(method, url, **options)
        assert answer.status_code < 400, answer.text
        taken = self.metered.meter.taken()
        trips = self.watching.trips - before
        cost = Cost(trips, int(taken.records), round(taken.units, 1), int(taken.blob_reads))
        sys.stdout.write(f"{method} {url}: {cost}\n")  # pytest shows it with -rP.
        return cost

    async def push(self, coordinate: str, **spec: Any) -> Cost:
        """Publish, and return what that costs."""
        headers = {"Authorization": f"Bearer {self.metered.token}"}
        files = {"bala-file": ("any.bala", bala(coordinate, **spec))}
        return await self.cost("POST", f"{BASE}/packages", headers=headers, files=files)

    async def resolve(self, *names: str) -> Cost:
        """Resolve packages."""
        url = f"{BASE}/packages/resolve-dependencies"
        named = [{"org": "acme", "name": name} for name in names]
        return await self.cost("POST", url, json={"packages": named})


class Watchers:
    """Makes transports that count, and knows the newest."""

    newest: Watching

    def __call__(self, double: CosmosDouble) -> Watching:
        """Return another transport."""
        self.newest = Watching(double)
        return self.newest


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncGenerator[Cloud]:
    """Return a registry with three versions of a package."""
    watchers = Watchers()
    async with metered(tmp_path, watchers) as registry:
        cloud = Cloud(registry, watchers.newest)
        for version in ("1.0.0", "1.1.0", "2.0.0"):
            await cloud.push(f"acme/greet:{version}")
        await registry.registry.identity.authentication.close()
        await registry.registry.adapters.edition.poll()
        yield cloud


@asynccontextmanager
async def reading(cloud: Cloud) -> AsyncGenerator[Cloud]:
    """Return a process that knows the containers, and nothing that is in them."""
    watchers = Watchers()
    async with other_instance(cloud.metered, watchers) as process:
        adapters = process.registry.adapters
        await adapters.metadata.survey([NO_PACKAGE, Package.parse("acme", "none")])
        await adapters.edition.poll()
        yield Cloud(process, watchers.newest)


# The first answer of a process that says which advisories there are reads all of them into memory:
# what changed last, those of this registry, and the imported sets.
FIRST_READS = {
    "pull of an exact version": (f"{GREET}/1.0.0", PULL, Cost(1, 1, 3.8)),
    "pull of a range": (f"{GREET}/1.*", PULL, Cost(2, 2, 8.1)),
    "pull of any version": (f"{GREET}/*", PULL, Cost(2, 2, 8.1)),
    "metadata": (f"{GREET}/1.0.0", {}, Cost(5, 5, 16.0, blobs=1)),
    "versions": (GREET, {}, Cost(1, 1, 4.3)),
    "index file": (f"{URL}/index/acme/greet/index.json", {}, Cost(4, 4, 15.5)),
    "Maven versions": (f"{MAVEN}/acme/greet/maven-metadata.xml", {}, Cost(1, 1, 4.3)),
    "Maven archive": (f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.bala", {}, Cost(1, 1, 3.8)),
    "Maven POM": (f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.pom", {}, Cost(1, 1, 3.8)),
    "graph": (f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0-depgraph.json", {}, Cost(2, 2, 5.8)),
}


@pytest.mark.parametrize("name", FIRST_READS)
async def test_what_a_process_reads_for_the_first_time_and_has_in_memory_then(
    cloud: Cloud, name: str
) -> None:
    url, headers, cost = FIRST_READS[name]
    async with reading(cloud) as process:
        assert await process.cost("GET", url, headers=headers) == cost
        # Here no log is written yet. Whether there is one is asked by each metadata read.
        again = Cost(1, 1, 1.0) if name == "metadata" else Cost()
        assert await process.cost("GET", url, headers=headers) == again


async def test_the_proof_of_a_release_is_stored_before_somebody_asks(cloud: Cloud) -> None:
    run = cloud.metered.registry.maintenance.task_runner.run
    await run("freeze-leaves")
    await run("write-log")
    await cloud.push("acme/greet:2.1.0")
    await run("write-log")
    for _ in range(2):  # One process asks as the next one does: none of them makes a proof.
        async with reading(cloud) as process:
            # The first one of a process reads about the log, the notices and the advisories, too.
            assert await process.cost("GET", f"{GREET}/1.0.0") == Cost(6, 6, 19.0, blobs=1)
            assert await process.cost("GET", f"{GREET}/1.0.0") == Cost()
            for version in ("1.1.0", "2.1.0"):
                assert await process.cost("GET", f"{GREET}/{version}") == Cost(2, 2, 5.8, blobs=1)


async def test_a_proof_that_is_not_stored_is_made_once(cloud: Cloud) -> None:
    run = cloud.metered.registry.maintenance.task_runner.run
    await run("freeze-leaves")
    await run("write-log")
    await cloud.push("acme/greet:2.1.0")
    await run("write-log")
    # As after the writer of the log ended between publishing and storing.
    directory = cloud.metered.registry.adapters.directory
    for proof in await directory.list_all(ReleaseProof, Place(""), 10):
        await directory.remove(proof)
    async with reading(cloud) as process:
        # The proof is looked for on any replica, then on the newest ones, and is stored.
        first = Cost(13, 12, 36.0, blobs=2)
        assert await process.cost("GET", f"{GREET}/1.0.0") == first
        assert await process.cost("GET", f"{GREET}/1.1.0") == Cost(5, 5, 16.8, blobs=2)
        # Of a release that was published after the first checkpoint, a later one is found.
        assert await process.cost("GET", f"{GREET}/2.1.0") == Cost(6, 6, 22.4, blobs=2)
    async with reading(cloud) as process:
        assert await process.cost("GET", f"{GREET}/1.0.0") == Cost(6, 6, 19.0, blobs=1)


async def test_the_bytes_of_an_archive_are_two_requests(cloud: Cloud) -> None:
    # Who sends a token again on the second hop is sent to the app itself.
    headers = {**PULL, "Authorization": f"Bearer {cloud.metered.token}"}
    first = await cloud.metered.http.get(f"{GREET}/1.0.0", headers=headers)
    async with reading(cloud) as process:
        url = first.headers["location"]
        assert await process.cost("GET", url) == Cost(2, 2, 5.8, blobs=1)


async def test_any_number_of_packages_is_resolved_in_two_requests(cloud: Cloud) -> None:
    for name in NAMES:
        await cloud.push(f"acme/{name}:1.0.0")
    async with reading(cloud) as process:
        assert await process.resolve(*NAMES) == Cost(2, 2, 34.6)
        assert await process.resolve(*NAMES) == Cost()


async def test_an_instance_asks_once_a_second_what_changed(cloud: Cloud) -> None:
    await cloud.cost("GET", GREET)
    for _ in range(3):
        cloud.metered.clock.advance(CHANGES_KNOWN_WITHIN)
        assert await cloud.cost("GET", GREET) == Cost(1, 1, 1.0)
        assert await cloud.cost("GET", GREET) == Cost()


async def test_a_push_is_thirteen_trips(cloud: Cloud) -> None:
    assert await cloud.push("acme/greet:3.0.0") == Cost(13, 27, 147.6)


async def test_a_push_costs_the_same_however_many_versions_there_are(cloud: Cloud) -> None:
    fourth = await cloud.push("acme/greet:3.0.0")
    for number in range(10):
        await cloud.push(f"acme/greet:4.{number}.0")
    assert await cloud.push("acme/greet:5.0.0") == fourth
