"""Instances of the cloud agree: what one of them changes, the others show within a second.

Two instances over the same stores. What cannot be known to be fresh is asked from the store.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from shared.domain.coordinates import Coordinate, Package
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from shared.domain.visibility import Visibility
from shared.runtime.editions import CHANGES_KNOWN_WITHIN
from tests.fakes.cosmos.transport import Trouble
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.cloud_registry import (
    MeteredRegistry,
    ObservedChangeFeed,
    metered,
    other_instance,
)
from tests.support.instances import edition_confirmed
from tests.support.world import BASE, MAVEN, URL

pytestmark = pytest.mark.slow

PULL = dict(ACCEPT_ARCHIVE)
PACKAGE = f"{BASE}/packages/acme/greet"
FIRST = Coordinate.parse("acme", "greet", "1.0.0")
A_MOMENT = timedelta(milliseconds=1)
READS = [
    (f"{PACKAGE}/1.0.0", PULL),
    (f"{PACKAGE}/1.0.0", {}),
    (f"{PACKAGE}/*", PULL),
    (PACKAGE, {}),
    (f"{URL}/index/acme/greet/index.json", {}),
    (f"{MAVEN}/acme/greet/maven-metadata.xml", {}),
    (f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.pom", {}),
]
EACH = pytest.mark.parametrize(("url", "headers"), READS)


@dataclass
class Instances:
    """One instance that writes and another that reads."""

    writing: MeteredRegistry
    reading: MeteredRegistry
    feed: ObservedChangeFeed  # Of the one that reads.

    async def push(self, coordinate: str) -> None:
        """Publish through the one that writes."""
        await self.writing.push(coordinate)

    async def read(self, url: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Read through the other one."""
        return await self.reading.http.get(url, headers=headers)

    async def remember(self, url: str, headers: dict[str, str]) -> None:
        """Read until the other one answers from memory."""
        await edition_confirmed(self.reading.registry)
        for _ in range(2):
            assert (await self.read(url, headers)).status_code in (200, 302)


@asynccontextmanager
async def both(folder: Path) -> AsyncGenerator[Instances]:
    """Open two instances over one place."""
    feed = ObservedChangeFeed()
    async with metered(folder) as writing, other_instance(writing, feed.transport) as reading:
        yield Instances(writing, reading, feed)


@pytest.fixture
async def instances(tmp_path: Path) -> AsyncGenerator[Instances]:
    """Return two instances of a registry with one release."""
    async with both(tmp_path) as instances:
        await instances.push("acme/greet:1.0.0")
        yield instances


async def quarantine(instances: Instances) -> None:
    await instances.writing.registry.publishing.moderation.quarantine(
        FIRST, "Harmful.", by=OPERATOR
    )


async def make_private(instances: Instances) -> None:
    package = Package.parse("acme", "greet")
    visibility = instances.writing.registry.packages.visibility
    await visibility.change(package, Visibility.PRIVATE, by=OPERATOR, reason="It was decided.")


async def commit_and_crash(instances: Instances) -> None:
    """Commit a quarantine, and do nothing of what follows: no event, no listing, no entry."""
    metadata = instances.writing.registry.adapters.metadata
    release = (await metadata.find(FIRST)).release
    assert release
    withheld = release.model_copy(update={"state": State.QUARANTINED, "state_reason": "Harmful."})
    await metadata.replace_release(withheld)


Change = Callable[[Instances], Awaitable[None]]
CHANGES = pytest.mark.parametrize("change", [quarantine, make_private])


@EACH
@CHANGES
async def test_what_is_withheld_is_gone_within_a_second(
    instances: Instances, url: str, headers: dict[str, str], change: Change
) -> None:
    await instances.remember(url, headers)
    await change(instances)
    instances.reading.clock.advance(CHANGES_KNOWN_WITHIN)
    assert (await instances.read(url, headers)).status_code in (401, 404)


@pytest.mark.parametrize("headers", [PULL, {}])
async def test_what_a_crashed_writer_committed_is_seen(
    instances: Instances, headers: dict[str, str]
) -> None:
    url = f"{PACKAGE}/1.0.0"
    await instances.remember(url, headers)
    await commit_and_crash(instances)
    instances.reading.clock.advance(CHANGES_KNOWN_WITHIN)
    assert (await instances.read(url, headers)).status_code == 404


@EACH
@CHANGES
@pytest.mark.parametrize("trouble", [Trouble.UNAVAILABLE, Trouble.LOST_AFTER])
async def test_while_the_feed_fails_what_is_withheld_is_gone_within_a_second(
    instances: Instances, url: str, headers: dict[str, str], change: Change, trouble: Trouble
) -> None:
    await instances.remember(url, headers)
    await change(instances)
    instances.feed.trouble = trouble
    instances.reading.clock.advance(CHANGES_KNOWN_WITHIN)
    assert (await instances.read(url, headers)).status_code in (401, 404)


async def test_reads_are_answered_while_the_feed_fails(instances: Instances) -> None:
    await instances.remember(PACKAGE, {})
    instances.feed.trouble = Trouble.THROTTLED
    instances.reading.clock.advance(CHANGES_KNOWN_WITHIN)
    for _ in range(3):
        assert (await instances.read(PACKAGE)).json() == ["1.0.0"]


async def test_an_exact_version_is_there_for_everybody_at_once(instances: Instances) -> None:
    await instances.remember(PACKAGE, {})
    for number in range(1, 4):
        version = f"1.{number}.0"
        assert (await instances.read(f"{PACKAGE}/{version}")).status_code == 404
        await instances.push(f"acme/greet:{version}")
        assert (await instances.read(f"{PACKAGE}/{version}")).status_code == 200
        assert (await instances.read(f"{PACKAGE}/{version}", PULL)).status_code == 302


EXACT_READS = [
    *READS[:2],
    READS[-1],
    (f"{URL}/packages/acme/greet/1.0.0", {}),
    (f"{URL}/packages/acme/greet/1.0.0/dependencies", {}),
    (f"{URL}/2.0/docs/acme/greet/1.0.0", {}),
]


@pytest.mark.parametrize(("url", "headers"), EXACT_READS)
async def test_every_address_of_an_exact_version_is_there_at_once(
    instances: Instances, url: str, headers: dict[str, str]
) -> None:
    await instances.remember(PACKAGE, {})
    pushed = url.replace("1.0.0", "1.1.0")
    assert (await instances.read(pushed, headers)).status_code == 404
    await instances.push("acme/greet:1.1.0")
    # 503: its documentation is being made, which an unknown version does not say.
    assert (await instances.read(pushed, headers)).status_code in (200, 302, 503)


@pytest.mark.parametrize("mode", ["locked", "soft"])
async def test_a_build_gets_a_release_that_was_pushed_just_now(
    instances: Instances, mode: str
) -> None:
    await instances.remember(PACKAGE, {})
    await instances.push("acme/greet:1.1.0")
    wanted = {"orgName": "acme", "name": "greet", "version": "1.1.0", "mode": mode}
    url = f"{BASE}/packages/resolve-dependencies"
    answer = await instances.reading.http.post(url, json={"packages": [wanted]})
    assert [each["version"] for each in answer.json()["resolved"]] == ["1.1.0"]


async def test_a_list_shows_a_release_within_a_second_and_its_own_at_once(
    instances: Instances,
) -> None:
    await instances.remember(PACKAGE, {})
    await instances.push("acme/greet:1.1.0")
    instances.reading.clock.advance(CHANGES_KNOWN_WITHIN - A_MOMENT)
    assert (await instances.read(PACKAGE)).json() == ["1.0.0"]
    assert (await instances.writing.http.get(PACKAGE)).json() == ["1.1.0", "1.0.0"]
    instances.reading.clock.advance(A_MOMENT)
    assert (await instances.read(PACKAGE)).json() == ["1.1.0", "1.0.0"]


@pytest.mark.usefixtures("patience")
async def test_other_packages_stand_after_a_change(instances: Instances) -> None:
    await instances.push("acme/other:1.0.0")
    await instances.remember(PACKAGE, {})
    await instances.push("acme/other:1.1.0")
    instances.reading.clock.advance(CHANGES_KNOWN_WITHIN)
    await instances.reading.registry.adapters.edition.poll()
    instances.reading.meter.taken()
    assert (await instances.read(PACKAGE)).json() == ["1.0.0"]
    assert instances.reading.meter.taken().records == 0
