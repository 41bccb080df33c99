"""Fetches that end halfway, and races of them."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Refusal
from shared.domain.errors.packages import ReleaseNotFound, UpstreamReleaseRefused
from shared.domain.errors.requests import Busy
from shared.domain.packages import Head
from shared.domain.principals import ANONYMOUS, OPERATOR
from shared.ports.conflicts import AlreadyThere
from shared.ports.metadata import MetadataStore
from shared.services.mirroring.upstream_questions import Asker
from tests.support.archives import bala
from tests.support.mirrors import CAME_THROUGH_HERE, PULL, broken, release_of, services, waiting
from tests.support.port_doubles import Fault
from tests.support.upstreams import FakeUpstream
from tests.support.waiting import eventually_in_tasks
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

IO = Coordinate.parse("ballerina", "io", "1.0.0")
PATH = "/packages/ballerina/io/1.0.0"
ASKER = Asker(ANONYMOUS)


@pytest.mark.parametrize("operation", ["claim", "add_release", "put_entries"])
async def test_a_crash_leaves_nothing_that_is_half_there(
    worlds: OpenWorld, upstream: FakeUpstream, operation: str
) -> None:
    """What fails here is the write after which the process ended."""
    mirror = await worlds(upstream=upstream.url)
    admission = services(mirror).admission
    releases = admission.releases
    metadata: MetadataStore = Fault(operation, Busy()).over(releases.metadata)
    derived = replace(releases.derived_data, metadata=metadata)
    storing = replace(releases.storing, metadata=metadata)
    broken = replace(releases, storing=storing, metadata=metadata, derived_data=derived)
    with pytest.raises(Refusal):
        await replace(admission, releases=broken).admit(IO, ASKER)
    versions = await mirror.get("/packages/ballerina/io", headers=CAME_THROUGH_HERE)
    assert versions.status_code == 404
    assert (await mirror.get(PATH, headers=PULL)).status_code == 302
    assert upstream.asked["file"] == (1 if operation == "put_entries" else 2)


async def test_a_fetch_outlasts_its_caller(mirror: World, upstream: FakeUpstream) -> None:
    upstream.behave["file"] = waiting(upstream)
    first = asyncio.create_task(services(mirror).admission.admit(IO, ASKER))
    await eventually_in_tasks(lambda: bool(upstream.asked["file"]))
    first.cancel()
    upstream.gate.set()
    assert await services(mirror).admission.admit(IO, ASKER)
    assert upstream.asked["file"] == 1


async def test_founding_wins_a_race_with_a_fetch(mirror: World, upstream: FakeUpstream) -> None:
    upstream.publish("company/greet:1.0.0")

    upstream.behave["file"] = waiting(upstream)
    pull = asyncio.create_task(mirror.get("/packages/company/greet/1.0.0", headers=PULL))
    await eventually_in_tasks(lambda: bool(upstream.asked["file"]))
    await mirror.create_organization("company")
    upstream.gate.set()
    assert (await pull).status_code == 404
    await mirror.push(bala("company/greet:1.0.0", summary="ours"), by=mirror.people.admin)
    model = (await mirror.get("/packages/company/greet/1.0.0")).json()
    assert (model["summary"], "upstream" in model) == ("ours", False)


async def test_a_package_of_ours_without_an_organization_stays_ours(mirror: World) -> None:
    """A registry that was restored in part."""
    head = Head(org="ballerina", name="io", created_ms=0)
    await mirror.stores.metadata.claim(head)
    with pytest.raises(ReleaseNotFound):
        await services(mirror).admission.admit(IO, ASKER)


async def test_a_spelling_that_differs_is_refused(mirror: World, upstream: FakeUpstream) -> None:
    head = Head(org="Ballerina", name="io", created_ms=0, upstream=upstream.name)
    await mirror.stores.metadata.claim(head)
    for _ in range(2):
        with pytest.raises(UpstreamReleaseRefused, match="spelling"):
            await services(mirror).admission.admit(IO, ASKER)
    assert upstream.asked["file"] == 1


async def test_a_defect_is_not_taken_for_a_silent_upstream(mirror: World) -> None:
    [source] = await services(mirror).reader.upstreams.sources()

    class Broken:
        describe = source.upstream.describe

        def fetch(self, *_values: object, **_named: object) -> None:
            message = "a defect"
            raise RuntimeError(message)

    broken = replace(source, upstream=Broken())  # pyright: ignore[reportArgumentType]
    with pytest.raises(RuntimeError):
        await services(mirror).admission._fetch(IO, [broken], ASKER)


async def test_a_refusal_that_an_operator_lifts_is_tried_again(
    mirror: World, upstream: FakeUpstream
) -> None:
    good = upstream.archives["ballerina/io:1.0.0"]
    upstream.archives["ballerina/io:1.0.0"] = b"no zip"
    assert (await mirror.get(PATH, headers=PULL)).status_code == 400
    upstream.archives["ballerina/io:1.0.0"] = good
    pins = services(mirror).reader.pins
    [refused] = await pins.list_refused(by=OPERATOR)
    assert (refused.coordinate, refused.is_incident) == (IO, False)
    assert await pins.accept(IO, by=OPERATOR)
    assert not await pins.accept(IO, by=OPERATOR)
    assert await pins.list_refused(by=OPERATOR) == []
    mirror.clock.advance(timedelta(hours=2))
    assert (await mirror.get(PATH, headers=PULL)).status_code == 400  # Another digest is pinned.
    [incident] = await pins.list_refused(by=OPERATOR)
    assert (incident.is_incident, incident.offered_digest) == (True, Digest.of(good).hex)


async def test_operators_see_whether_the_upstream_answers(
    mirror: World, upstream: FakeUpstream
) -> None:
    [(source, _)] = await services(mirror).states()
    assert await source.failure() is None
    upstream.archives.clear()

    upstream.behave["versions"] = broken
    assert str(await source.failure()) == "the answer was 500"


async def test_of_several_digests_at_once_one_is_pinned(mirror: World) -> None:
    pins = services(mirror).reader.pins
    digests = [Digest(letter * 64) for letter in "abcdef"]
    outcomes = await asyncio.gather(
        *(pins.require(IO, digest, "central") for digest in digests), return_exceptions=True
    )
    assert len([each for each in outcomes if each is None]) <= 1
    [known] = await pins.of_package(IO.package)
    assert known.digest in {digest.hex for digest in digests}
    assert known.is_incident


async def test_the_same_digest_is_pinned_once(mirror: World) -> None:
    pins = services(mirror).reader.pins
    digest = Digest("a" * 64)
    await asyncio.gather(*(pins.require(IO, digest, "central") for _ in range(6)))
    [known] = await pins.of_package(IO.package)
    assert (known.revision, known.refused_because) == (1, "")


async def test_a_refresh_of_what_is_as_the_upstream_says_writes_nothing(
    mirror: World, upstream: FakeUpstream
) -> None:
    refreshing = services(mirror).refreshing
    await services(mirror).admission.admit(IO, ASKER)
    before = await release_of(mirror, str(IO))
    for said, changes in (("", 0), ("Use 1.1.0.", 1), ("Use 1.1.0.", 1)):
        upstream.deprecated |= {str(IO): said} if said else {}
        mirror.clock.advance(timedelta(minutes=6))
        refreshing.refresh(before)  # The third time with the record from before.
        await refreshing.drain()
        after = await release_of(mirror, str(IO))
        assert (after.deprecation or "", after.revision) == (said, before.revision + changes)


async def test_a_fetch_stops_at_the_end(mirror: World, upstream: FakeUpstream) -> None:
    upstream.behave["file"] = waiting(upstream)
    fetching = asyncio.create_task(services(mirror).admission.admit(IO, ASKER))
    await eventually_in_tasks(lambda: bool(upstream.asked["file"]))
    await services(mirror).admission.close()
    upstream.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert (await mirror.get(PATH, headers=PULL)).status_code == 302


async def test_a_process_knows_whether_the_upstream_answers(mirror: World) -> None:
    [source] = await services(mirror).reader.upstreams.sources()
    health = source.breaker.health
    assert (health.is_answering, health.asked) == (True, False)
    await services(mirror).admission.admit(IO, ASKER)
    health = source.breaker.health
    assert (health.is_answering, health.asked, health.reason) == (True, True, "")


async def test_a_pin_of_another_process_stands(mirror: World) -> None:
    pins = services(mirror).reader.pins
    digest = Digest("a" * 64)
    late = Fault("add", AlreadyThere()).over(pins.directory)
    await replace(pins, directory=late).require(
        IO, digest, "central"
    )  # It was removed again meanwhile.
    assert await pins.of_package(IO.package) == []
