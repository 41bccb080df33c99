"""First reads cost half and miss nothing: a replica that is behind answers them only where what is
in memory might be as old.

Two instances over the same stores, one of whose replicas learns of no change once it has fallen
behind (decision 0175).
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from shared.adapters.cosmos.client import DATABASE
from shared.domain.coordinates import Coordinate, Package
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from shared.runtime.editions import CHANGES_KNOWN_WITHIN
from tests.fakes.cosmos.containers import Container
from tests.fakes.cosmos.protocol import Request
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.cloud_registry import (
    MeteredRegistry,
    ObservedChangeFeed,
    metered,
    other_instance,
)
from tests.support.cloud_stores import double_of
from tests.support.instances import edition_confirmed
from tests.support.world import BASE, MAVEN, URL

pytestmark = pytest.mark.slow

PULL = dict(ACCEPT_ARCHIVE)
PACKAGE = f"{BASE}/packages/acme/greet"
FIRST = Coordinate.parse("acme", "greet", "1.0.0")
READS = [
    (f"{PACKAGE}/1.0.0", PULL),
    (f"{PACKAGE}/1.0.0", {}),
    (f"{PACKAGE}/*", PULL),
    (f"{URL}/index/acme/greet/index.json", {}),
    (f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.pom", {}),
    (f"{URL}/packages/acme/greet", {}),
]
EACH = pytest.mark.parametrize(("url", "headers"), READS)


@dataclass
class Instances:
    """One instance that writes and another that reads, and read nothing before."""

    writing: MeteredRegistry
    reading: MeteredRegistry
    asked: ObservedChangeFeed  # By the one that reads.

    @property
    def container(self) -> Container:
        """Return the container of packages."""
        place = self.writing.meter.place.folder
        return double_of(place, self.writing.clock).containers[DATABASE, "packages"]

    async def quarantine(self) -> None:
        moderation = self.writing.registry.publishing.moderation
        await moderation.quarantine(FIRST, "Harmful.", by=OPERATOR)

    async def read(self, url: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return await self.reading.http.get(url, headers=headers)

    async def a_second_later(self) -> None:
        """Let a second pass, and the one that reads ask what changed."""
        self.reading.clock.advance(CHANGES_KNOWN_WITHIN)
        await edition_confirmed(self.reading.registry)

    def queries(self) -> list[Request]:
        """Return the queries of packages since the last call."""
        found = [
            each
            for each in self.asked.requests
            if each.says("x-ms-documentdb-isquery") and "/colls/packages/" in each.path
        ]
        self.asked.requests.clear()
        return found


@pytest.fixture
async def instances(tmp_path: Path) -> AsyncGenerator[Instances]:
    """Return two instances of a registry with one release."""
    feed = ObservedChangeFeed()
    async with metered(tmp_path) as writing, other_instance(writing, feed.transport) as reading:
        await writing.push("acme/greet:1.0.0")
        await edition_confirmed(reading.registry)
        feed.requests.clear()
        yield Instances(writing, reading, feed)


def levels(queries: list[Request]) -> list[str | None]:
    """Return the consistency that each asks for; None is that of the account."""
    return [each.header("x-ms-consistency-level") for each in queries]


@EACH
async def test_what_is_withheld_is_gone_within_a_second_although_a_replica_has_it(
    instances: Instances, url: str, headers: dict[str, str]
) -> None:
    instances.container.fall_behind()
    await instances.quarantine()
    await instances.a_second_later()
    assert (await instances.read(url, headers)).status_code in (401, 404)


@EACH
async def test_what_a_replica_answered_is_gone_a_second_after_it_changed(
    instances: Instances, url: str, headers: dict[str, str]
) -> None:
    instances.container.fall_behind()
    await instances.quarantine()
    # As old as what is in memory may be: the change is not known here yet.
    assert (await instances.read(url, headers)).status_code in (200, 302)
    await instances.a_second_later()
    assert (await instances.read(url, headers)).status_code in (401, 404)


@pytest.mark.parametrize("headers", [PULL, {}])
async def test_a_release_is_there_at_once_although_a_replica_lacks_it(
    instances: Instances, headers: dict[str, str]
) -> None:
    instances.container.fall_behind()
    await instances.writing.push("acme/greet:1.1.0")
    await instances.writing.push("acme/other:1.0.0")
    for url in (f"{PACKAGE}/1.1.0", f"{BASE}/packages/acme/other/1.0.0"):
        assert (await instances.read(url, headers)).status_code in (200, 302)
    assert (await instances.read(f"{URL}/packages/acme/greet/1.1.0")).status_code == 200
    assert (await instances.read(f"{URL}/packages/acme/other")).status_code == 200


async def test_a_build_gets_a_release_although_a_replica_lacks_it(instances: Instances) -> None:
    instances.container.fall_behind()
    await instances.writing.push("acme/greet:1.1.0")
    wanted = {"orgName": "acme", "name": "greet", "version": "1.1.0", "mode": "locked"}
    url = f"{BASE}/packages/resolve-dependencies"
    answer = await instances.reading.http.post(url, json={"packages": [wanted]})
    assert [each["version"] for each in answer.json()["resolved"]] == ["1.1.0"]


async def test_an_instance_reads_at_once_what_it_wrote(instances: Instances) -> None:
    await edition_confirmed(instances.writing.registry)
    instances.container.fall_behind()
    await instances.writing.push("acme/greet:1.1.0")
    assert (await instances.writing.http.get(PACKAGE)).json() == ["1.1.0", "1.0.0"]
    await instances.quarantine()
    assert (await instances.writing.http.get(PACKAGE)).json() == ["1.1.0"]


@pytest.mark.parametrize("url", [f"{BASE}/packages/acme/{{}}/1.0.0", f"{URL}/packages/acme/{{}}"])
async def test_a_hidden_package_takes_the_same_reads_as_a_missing_one(
    instances: Instances, url: str
) -> None:
    await instances.writing.push("acme/secret:1.0.0")
    await instances.writing.registry.packages.visibility.change(
        Package.parse("acme", "secret"), Visibility.PRIVATE, by=OPERATOR, reason="It was decided."
    )
    await instances.read(url.format("other"))  # The first page of its kind fills the search.
    taken = list[list[str | None]]()
    for name in ("secret", "missing"):
        await instances.a_second_later()
        instances.queries()
        assert (await instances.read(url.format(name))).status_code == 404
        taken.append(levels(instances.queries()))
    assert taken == [["Session", None]] * 2


async def test_the_level_of_the_account_is_asked_for_while_the_session_is_unknown(
    instances: Instances,
) -> None:
    instances.reading.clock.advance(CHANGES_KNOWN_WITHIN)
    assert (await instances.read(f"{PACKAGE}/1.0.0")).status_code == 200
    assert levels(instances.queries()) == [None]
    await instances.a_second_later()
    assert (await instances.read(f"{PACKAGE}/1.0.0", PULL)).status_code == 302
    assert levels(instances.queries()) == []  # It is in memory.


async def test_a_range_that_was_divided_answers_with_the_newest(instances: Instances) -> None:
    instances.container.fall_behind()
    await instances.quarantine()
    await instances.a_second_later()
    instances.container.split()
    assert (await instances.read(f"{PACKAGE}/1.0.0", PULL)).status_code == 404
    # What answered is no range of the tokens, so the client library asked again.
    assert levels(instances.queries())[0] == "Session"
