"""How many requests to Cosmos DB records of packages take, and what a process keeps of them."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.cosmos.change_feed import ChangeFeedEdition
from shared.adapters.cosmos.client import DATABASE, KEYS_OF_A_QUERY, CosmosContainer, CosmosDatabase
from shared.adapters.cosmos.metadata import NAMES, CosmosMetadata
from shared.adapters.system import SystemRandomness
from shared.domain.packages import Head
from tests.contract.sample_records import DIGEST, GREET, entry, head, package, release
from tests.fakes.cosmos.protocol import CosmosDouble
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudDouble, double_of

SOME = [f"acme/p{number}" for number in range(20)]


@dataclass
class Process:
    """Reads and writes packages, and the double that answers."""

    metadata: CosmosMetadata
    packages: CosmosContainer
    double: CosmosDouble
    clock: FakeClock

    def requests(self) -> int:
        """Return how many requests for items came since the last call."""
        taken = sum("/docs" in each.path for each in self.double.requests)
        self.double.requests.clear()
        return taken

    async def publish(self, *names: str) -> None:
        """Store packages with one version."""
        for name in names:
            await self.metadata.claim(head(name))
            await self.metadata.put_entries(package(name), [entry()])
        self.requests()

    async def charge(self, names: list[str]) -> float:
        """Return the request units that the surveys of packages take."""
        before = self.double.charged
        await self.versions(*names)
        return self.double.charged - before

    async def versions(self, *names: str) -> list[int | None]:
        """Return how many entries each package has."""
        surveys = await self.metadata.survey([package(name) for name in names])
        return [None if each is None else len(each.entries) for each in surveys]


@pytest.fixture
async def process(tmp_path: Path) -> AsyncGenerator[Process]:
    clock = FakeClock()
    place = CloudDouble(tmp_path, clock)
    cosmos = CosmosDatabase(place.cosmos, SystemRandomness())
    yield Process(
        CosmosMetadata(cosmos, ChangeFeedEdition(cosmos, clock)),
        cosmos.container("packages"),
        double_of(tmp_path, clock),
        clock,
    )
    await cosmos.close()


async def test_a_digest_is_two_requests_the_first_time_and_then_one(process: Process) -> None:
    await process.publish("acme/greet")
    await process.metadata.add_release(release(digest=DIGEST.hex))
    process.requests()
    for requests in (2, 1, 1):
        assert (await process.metadata.by_digest(DIGEST)).release is not None
        assert process.requests() == requests


async def test_names_without_a_head_are_skipped_by_the_page(process: Process) -> None:
    names = [f"acme/p{number:02}" for number in range(10)]
    await process.publish(*names)
    for number in range(20):  # Of claims that did not end.
        name = f"acme/p08x{number:02}"
        await process.packages.put({"id": name.replace("/", ":"), "pk": NAMES, "key": name})
    process.requests()
    found = await process.metadata.packages("", 10)
    assert [each.package.key for each in found] == names
    assert process.requests() <= 6  # Three pages of names, and the heads of each.


async def test_a_version_with_letters_costs_the_same_after_many_releases(process: Process) -> None:
    await process.publish("acme/greet")

    async def charge_of(version: str) -> float:
        before = process.double.charged
        await process.metadata.add_release(release(f"acme/greet:{version}"))
        return process.double.charged - before

    first = await charge_of("1.0.0-rc.1")
    for number in range(30):
        await process.metadata.add_release(release(f"acme/greet:2.{number}.0"))
    assert await charge_of("1.0.0-rc.2") == pytest.approx(first)


async def test_only_changes_are_read_of_packages_that_are_known(process: Process) -> None:
    await process.publish(*SOME)
    for number in range(50):
        process.clock.advance(timedelta(minutes=1))
        await process.metadata.put_entries(package(SOME[0]), [entry(f"2.{number}.0")])
    all_packages = await process.charge(SOME)
    assert await process.charge(SOME[:1]) < all_packages / 5
    process.clock.advance(timedelta(minutes=1))
    await process.metadata.put_entries(package(SOME[0]), [entry("3.0.0")])
    assert await process.versions(*SOME) == [52, *[1] * 19]
    assert await process.charge([*SOME, "acme/unknown"]) < all_packages * 2 / 3


async def test_a_head_that_changed_is_read_again(process: Process) -> None:
    await process.publish(*SOME)
    await process.versions(*SOME)
    process.clock.advance(timedelta(minutes=1))
    stored = await process.metadata.head(package(SOME[1]))
    assert isinstance(stored, Head)
    await process.metadata.replace_head(stored)
    await process.metadata.set_pulls(package(SOME[2]), 7)
    surveys = await process.metadata.survey([package(name) for name in SOME])
    assert [each.head.revision for each in surveys if each][:3] == [1, 2, 1]
    assert [each.head.pulls for each in surveys if each][:4] == [0, 0, 7, 0]


async def test_heads_and_tools_are_one_request(process: Process) -> None:
    await process.publish(*SOME)
    assert len(await process.metadata.packages("", 100)) == 20
    assert process.requests() == 2  # The names, in order, and the heads.
    await process.metadata.claim_tool("greet", GREET)
    await process.metadata.claim_tool("Other", GREET)
    process.requests()
    assert await process.metadata.tool_owners(["other", "none", "GREET"]) == [GREET, None, GREET]
    assert process.requests() == 1


async def test_each_physical_partition_is_asked_once(process: Process) -> None:
    process.double.containers[DATABASE, "packages"].split()
    process.double.containers[DATABASE, "packages"].split()
    await process.publish(*SOME)
    assert await process.versions(*SOME) == [1] * 20
    assert process.requests() == 4


async def test_a_partition_that_was_split_meanwhile_is_found(process: Process) -> None:
    await process.publish(*SOME)
    await process.versions(*SOME)
    process.double.containers[DATABASE, "packages"].split()
    process.clock.advance(timedelta(minutes=1))
    for name in SOME:
        await process.metadata.put_entries(package(name), [entry("2.0.0")])
    assert await process.versions(*SOME) == [2] * 20


async def test_more_packages_than_a_query_holds_are_several(process: Process) -> None:
    await process.publish("acme/greet")
    names = [f"acme/q{number}" for number in range(KEYS_OF_A_QUERY)]
    assert await process.versions(*names, "acme/greet") == [*[None] * KEYS_OF_A_QUERY, 1]
    assert process.requests() == 2
