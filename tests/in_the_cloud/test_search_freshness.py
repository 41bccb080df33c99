"""Searches on four instances of the cloud after a package became private, whatever becomes of the
feed of the index: no instance lists it for longer than the change feed takes to tell it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from shared.adapters.search.cloud_index import CURRENT_WITHIN
from shared.domain.coordinates import Coordinate, Package
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from shared.runtime.editions import CHANGES_KNOWN_WITHIN
from tests.fakes.cosmos.transport import Trouble
from tests.support.cloud_registry import (
    MeteredRegistry,
    ObservedChangeFeed,
    metered,
    other_instance,
)
from tests.support.cloud_stores import look_for_parts
from tests.support.world import BASE, MAVEN, URL

pytestmark = pytest.mark.slow

GREET = Package.parse("acme", "greet")

# What shows packages of the index, and how many it shows of an answer.
Count = Callable[[httpx.Response], int]
SEARCHES: dict[str, Count] = {
    f"{BASE}/packages?q=greet": lambda answer: answer.json()["count"],
    f"{URL}/search?q=greet": lambda answer: answer.text.count("/packages/acme/greet"),
    f"{BASE}/search-suggestions?q=gre": lambda answer: len(answer.json()["suggestions"]),
}
LISTS = (
    f"{BASE}/connectors",
    f"{BASE}/triggers",
    f"{BASE}/search-symbols?q=greet",
    f"{URL}/symbols?q=greet",
)
OTHERS = (f"{BASE}/packages/acme/greet", f"{URL}/packages/acme/greet", f"{URL}/health/live")


@dataclass
class Instances:
    """The one that changes packages, and three that read."""

    writing: MeteredRegistry
    reading: list[MeteredRegistry]
    feed: ObservedChangeFeed  # Of those that read.

    async def make(self, visibility: Visibility) -> None:
        await self.writing.registry.packages.visibility.change(
            GREET, visibility, by=OPERATOR, reason="It was decided."
        )

    async def feed_index(self) -> None:
        """Build the index as the task does."""
        assert await self.writing.registry.maintenance.task_runner.run("update-search-index")

    async def read(self, url: str) -> list[httpx.Response]:
        """Read from all instances."""
        everyone = (self.writing, *self.reading)
        return [await each.http.get(url) for each in everyone]

    def pass_by(self, time: timedelta) -> None:
        self.writing.clock.advance(time)


@asynccontextmanager
async def four_instances(folder: Path) -> AsyncGenerator[Instances]:
    """Open four instances of a registry with a package, whose index is built."""
    feed = ObservedChangeFeed()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(metered(folder))
        opening = (other_instance(first, feed.transport) for _ in range(3))
        others = [await stack.enter_async_context(each) for each in opening]
        instances = Instances(first, others, feed)
        await first.push("acme/greet:1.0.0")
        await instances.feed_index()
        yield instances


@pytest.fixture
async def instances(tmp_path: Path) -> AsyncGenerator[Instances]:
    async with four_instances(tmp_path) as opened:
        yield opened


async def found(instances: Instances, url: str) -> list[int]:
    """Return how many packages each instance shows."""
    answers = await instances.read(url)
    assert [each.status_code for each in answers] == [200] * 4
    return [SEARCHES[url](each) for each in answers]


@pytest.mark.parametrize("url", SEARCHES)
async def test_a_private_package_is_found_by_nobody_within_a_second(
    instances: Instances, url: str
) -> None:
    assert all(await found(instances, url))
    await instances.make(Visibility.PRIVATE)
    instances.pass_by(CHANGES_KNOWN_WITHIN)
    assert await found(instances, url) == [0] * 4
    await instances.make(Visibility.PUBLIC)
    instances.pass_by(CHANGES_KNOWN_WITHIN)
    assert all(await found(instances, url))


@pytest.mark.parametrize("url", SEARCHES)
async def test_an_instance_that_starts_with_an_old_index_does_not_find_it(
    instances: Instances, url: str
) -> None:
    await instances.make(Visibility.PRIVATE)
    assert await found(instances, url) == [0] * 4


async def test_a_new_base_of_the_index_brings_no_private_package_back(instances: Instances) -> None:
    url = next(iter(SEARCHES))
    assert all(await found(instances, url))
    await instances.make(Visibility.PRIVATE)
    instances.pass_by(CHANGES_KNOWN_WITHIN)
    await instances.feed_index()
    await instances.make(Visibility.PUBLIC)
    await instances.writing.registry.maintenance.task_runner.run("rebuild-search-index")
    await instances.make(Visibility.PRIVATE)
    instances.pass_by(CHANGES_KNOWN_WITHIN)
    for each in instances.reading:
        await look_for_parts(each.search)
    assert await found(instances, url) == [0] * 4


async def test_a_quarantined_release_is_found_by_nobody_within_a_second(
    instances: Instances,
) -> None:
    url = next(iter(SEARCHES))
    assert all(await found(instances, url))
    first = Coordinate.parse("acme", "greet", "1.0.0")
    await instances.writing.registry.publishing.moderation.quarantine(
        first, "Harmful.", by=OPERATOR
    )
    instances.pass_by(CHANGES_KNOWN_WITHIN)
    assert await found(instances, url) == [0] * 4


@pytest.mark.parametrize("url", SEARCHES)
async def test_searches_are_refused_after_three_seconds_without_the_feed(
    instances: Instances, url: str
) -> None:
    assert all(await found(instances, url))
    instances.feed.trouble = Trouble.UNAVAILABLE
    instances.pass_by(CHANGES_KNOWN_WITHIN)
    assert all(await found(instances, url))
    await instances.make(Visibility.PRIVATE)
    instances.pass_by(CURRENT_WITHIN)
    _, *others = await instances.read(url)
    assert [each.status_code for each in others] == [503] * 3
    assert all(int(each.headers["Retry-After"]) > 0 for each in others)
    instances.feed.trouble = None
    instances.pass_by(CHANGES_KNOWN_WITHIN)
    async with asyncio.timeout(60):  # A question that failed is repeated for some seconds.
        editions = [each.registry.adapters.edition for each in instances.reading]
        while not all([await each.poll() for each in editions]):
            await asyncio.sleep(0)
    assert await found(instances, url) == [0] * 4


@pytest.mark.parametrize("url", [*LISTS, *OTHERS, f"{MAVEN}/acme/missing/1.0.0/missing-1.0.0.pom"])
async def test_nothing_else_is_refused(instances: Instances, url: str) -> None:
    before = [each.status_code for each in await instances.read(url)]
    instances.feed.trouble = Trouble.UNAVAILABLE
    instances.pass_by(CURRENT_WITHIN)
    assert [each.status_code for each in await instances.read(url)] == before
    assert before[0] == (404 if "missing" in url else 200)


async def test_a_search_reads_no_store(instances: Instances) -> None:
    url = next(iter(SEARCHES))
    assert all(await found(instances, url))
    instances.pass_by(CHANGES_KNOWN_WITHIN)
    instances.feed.requests.clear()
    assert all(await found(instances, url))
    assert [each for each in instances.feed.requests if "a-im" not in each.headers] == []
    instances.feed.requests.clear()
    assert all(await found(instances, url))
    assert instances.feed.requests == []
