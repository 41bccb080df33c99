"""Clients of Central get packages of the upstream from this registry."""

import hashlib

import pytest

from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.upstreams import PUBLISHED_MS, FakeUpstream
from tests.support.world import World

pytestmark = pytest.mark.measured

PULL = dict(ACCEPT_ARCHIVE)
IO = "/packages/ballerina/io"


async def test_a_pull_fetches_the_archive_once(mirror: World, upstream: FakeUpstream) -> None:
    for _ in range(2):
        hop = await mirror.get(f"{IO}/1.0.0", headers=PULL)
        assert hop.status_code == 302, hop.text
        archive = await mirror.get(hop.headers["location"])
        assert archive.content == upstream.archives["ballerina/io:1.0.0"]
        digest = hashlib.sha256(archive.content).hexdigest()
        assert hop.headers["digest"] == f"sha-256={digest}"
    assert upstream.asked == {"package": 1, "pull": 1, "file": 1}


async def test_versions_are_those_of_the_upstream(mirror: World, upstream: FakeUpstream) -> None:
    for _ in range(2):
        assert (await mirror.get(IO)).json() == ["1.1.0", "1.0.0"]
    assert upstream.asked == {"versions": 1}


async def test_metadata_fetches_no_archive(mirror: World, upstream: FakeUpstream) -> None:
    model = (await mirror.get(f"{IO}/1.0.0")).json()
    assert model["createdDate"] == PUBLISHED_MS
    assert model["upstream"]["name"] == upstream.url.removeprefix("http://")
    assert model["summary"] == "The summary of io"
    assert upstream.asked == {"package": 1}


async def test_a_pulled_release_keeps_the_time_of_the_upstream(mirror: World) -> None:
    await mirror.get(f"{IO}/1.0.0", headers=PULL)
    model = (await mirror.get(f"{IO}/1.0.0")).json()
    assert model["createdDate"] == PUBLISHED_MS
    assert model["upstream"]["firstSeenDate"] == mirror.clock.now_ms()


async def test_a_range_gets_what_the_upstream_chooses(mirror: World) -> None:
    for wanted in ("*", "1.*"):
        hop = await mirror.get(f"{IO}/{wanted}", headers=PULL)
        assert (hop.status_code, hop.headers["location"].split("/")[-2]) == (302, "1.1.0")


async def test_a_client_pulls_with_both_hops(mirror: World) -> None:
    await mirror.java().pull("ballerina/io:*")


async def test_a_package_that_the_upstream_does_not_have_is_missing(mirror: World) -> None:
    for path in ("/packages/ballerina/none", "/packages/ballerina/none/*"):
        for headers in (PULL, {}):
            assert (await mirror.get(path, headers=headers)).status_code == 404
