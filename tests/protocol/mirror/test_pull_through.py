"""Clients of Central get packages of the upstream from this registry."""

import hashlib
from datetime import timedelta

import pytest

from tests.support.mirrors import PULL, release_of, services
from tests.support.upstreams import PUBLISHED_MS, FakeUpstream
from tests.support.world import URL, World

pytestmark = pytest.mark.measured

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


async def test_a_pulled_release_is_signed_by_the_mirror(mirror: World) -> None:
    assert "signatures" not in (await mirror.get(f"{IO}/1.0.0")).json()
    await mirror.get(f"{IO}/1.0.0", headers=PULL)
    model = (await mirror.get(f"{IO}/1.0.0")).json()
    stored = await release_of(mirror, "ballerina/io:1.0.0")
    expected = mirror.stores.release_signer.sign(stored.coordinate, stored.archive_digest)
    assert model["signatures"] == [expected.shown()]


async def test_a_range_gets_what_the_upstream_chooses(mirror: World) -> None:
    for wanted in ("*", "1.*"):
        hop = await mirror.get(f"{IO}/{wanted}", headers=PULL)
        assert (hop.status_code, hop.headers["location"].split("/")[-2]) == (302, "1.1.0")


async def test_the_address_of_an_archive_fetches_it(mirror: World, upstream: FakeUpstream) -> None:
    address = (await mirror.get(f"{IO}/1.0.0")).json()["balaURL"]
    assert address.endswith("/archives/mirrored/ballerina/io/1.0.0/ballerina-io-any-1.0.0.bala")
    content = upstream.archives["ballerina/io:1.0.0"]
    for _ in range(2):
        answer = await mirror.get(address)
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers["content-length"] == str(len(content))
    assert (upstream.asked["pull"], upstream.asked["file"]) == (1, 1)
    part = await mirror.get(address, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, content[2:5])
    stored = (await mirror.get(f"{IO}/1.0.0")).json()["balaURL"]
    assert "/archives/public/" in stored
    assert (await mirror.get(stored)).content == content


@pytest.mark.parametrize("file", ["1.0.0.pom", "1.0.0.bala.sha1", "1.0.0-depgraph.json"])
async def test_each_file_of_a_stored_release_refreshes_it(
    mirror: World, upstream: FakeUpstream, file: str
) -> None:
    path = f"{URL}/2.0/maven/ballerina/io/1.0.0/io-{file}"
    for _ in range(3):  # The last one is a repeat.
        assert (await mirror.get(path)).status_code == 200
    upstream.asked.clear()
    mirror.clock.advance(timedelta(minutes=10))
    await mirror.get(path)
    await services(mirror).refreshing.drain()
    assert upstream.asked["package"] == 1


async def test_the_address_of_an_archive_that_nobody_has_is_missing(mirror: World) -> None:
    place = f"{URL}/archives/mirrored/ballerina/io"
    for path in ("7.0.0/ballerina-io-any-7.0.0.bala", "1.0.0/other.bala"):
        assert (await mirror.get(f"{place}/{path}")).status_code == 404


async def test_versions_are_asked_for_the_client_that_asks(
    mirror: World, upstream: FakeUpstream
) -> None:
    java = {"User-Agent": "2201.13.2", "Ballerina-Platform": "java21"}
    for headers in (java, {"User-Agent": "2201.8.0", "Ballerina-Platform": "java17"}, {}):
        assert (await mirror.get(IO, headers=headers)).status_code == 200
    await mirror.get(f"{IO}/*", headers={**PULL, **java})
    asked = [(each["user-agent"], each.get("ballerina-platform")) for each in upstream.headers]
    of_java = ("2201.13.0", "java21")
    assert asked[:4] == [of_java, ("2201.8.0", "java17"), ("Ballroom", None), of_java]


@pytest.mark.parametrize(
    "path",
    [
        "/2.0/maven/ballerina/io/1.2.0/io-1.2.0.bala",
        "/2.0/maven/ballerina/io/1.2.0/io-1.2.0.pom",
        "/archives/mirrored/ballerina/io/1.2.0/ballerina-io-any-1.2.0.bala",
        "/2.0/registry/packages/ballerina/io/1.2.0",
    ],
)
async def test_every_face_asks_for_an_exact_version_that_a_fresh_list_does_not_have(
    mirror: World, upstream: FakeUpstream, path: str
) -> None:
    lists = (f"{URL}/2.0/maven/ballerina/io/maven-metadata.xml", IO)
    for each in lists:
        assert "1.2.0" not in (await mirror.get(each)).text
    upstream.publish("ballerina/io:1.2.0")
    assert (await mirror.get(f"{URL}{path}")).status_code in (200, 302)
