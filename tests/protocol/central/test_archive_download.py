"""The second hop: archives with a length, for a signed link or a right."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from shared.hosting.host import Host
from shared.localhost import archive_resolver
from shared.registry import Registry
from shared.telemetry.log import configure
from tests.lazy_app import lazy_functions
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.protocol.central.answers import answered, refused
from tests.support.archives import bala
from tests.support.logs import logged_by_id
from tests.support.port_doubles import Fault
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

ARCHIVE = bala("acme/greet:1.0.0")
DIGEST = hashlib.sha256(ARCHIVE).hexdigest()
PRIVATE = bala("acme/secret:1.0.0", visibility="private")
BOTH_ARCHIVES = pytest.mark.parametrize("archive", [ARCHIVE, PRIVATE], ids=["public", "private"])
PATHS = {ARCHIVE: "/packages/acme/greet/1.0.0", PRIVATE: "/packages/acme/secret/1.0.0"}


def by_function(registry: Registry) -> Host:
    """Serve archives as the cloud does: by a Function."""
    return Host(lazy_functions(registry))


def from_disk(registry: Registry) -> Host:
    """Serve archives as one machine does: streamed from its disk."""
    return Host(lazy_functions(registry), archives=archive_resolver(registry))


async def publish(world: World) -> World:
    for archive in PATHS:
        await world.push(archive)
    return world


HOSTS = (by_function, from_disk)


@pytest.fixture(scope="module", params=HOSTS)
async def world(shared_worlds: OpenWorld, request: pytest.FixtureRequest) -> World:
    """Return a registry with both archives, which it serves in each of the two ways, and which no
    test changes."""
    return await publish(await shared_worlds(host=request.param))


@pytest.fixture(params=HOSTS)
async def own_world(worlds: OpenWorld, request: pytest.FixtureRequest) -> World:
    """Return such a registry for one test."""
    return await publish(await worlds(host=request.param))


async def link(world: World, archive: bytes = ARCHIVE) -> str:
    """Return where the first hop sends Ann."""
    first = await world.get(PATHS[archive], by=world.people.ann, headers=dict(ACCEPT_ARCHIVE))
    return first.headers["location"]


def assert_whole(answer: httpx.Response, archive: bytes) -> None:
    """Check an answer as the clients do, and that nothing was done to the bytes."""
    assert (answer.status_code, answer.content) == (200, archive)
    assert answer.headers["content-length"] == str(len(archive))
    assert "content-encoding" not in answer.headers
    assert "transfer-encoding" not in answer.headers


@pytest.mark.parametrize("host", HOSTS)
async def test_a_failure_is_logged_and_its_answer_has_the_id(
    worlds: OpenWorld, host: Callable[[Registry], Host], capfd: pytest.CaptureFixture[str]
) -> None:
    fault = Fault("by_digest", RuntimeError("a bug"))
    world = await publish(await worlds(host=host, wrap=fault.at("metadata")))
    url = await link(world)
    configure("info")
    answer = await world.get(url)
    assert answer.status_code == 500
    request_id = answer.headers["x-request-id"]
    assert request_id in answer.json()["message"]
    line = logged_by_id(capfd)[request_id]
    assert (line["status"], line["outcome"]) == (500, "broken")


@BOTH_ARCHIVES
@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Negotiate xyz"}],
    ids=["no token", "bad token", "other scheme"],
)
async def test_a_valid_link_works_whatever_authorization_is_sent_with_it(
    world: World, archive: bytes, headers: dict[str, str]
) -> None:
    assert_whole(await world.get(await link(world, archive), headers=headers), archive)


async def test_the_link_of_a_private_archive_expires(own_world: World) -> None:
    url = await link(own_world, PRIVATE)
    own_world.clock.advance(timedelta(minutes=10))
    refused(await own_world.get(url), 404)


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("signature=", "signature=A"),
        ("expires=1", "expires=2"),
        ("expires=", "expires=0"),
        ("expires=", f"expires={'9' * 5000}"),
        ("?", "?x=1#"),
    ],
)
async def test_a_link_that_was_changed_is_worth_nothing(
    world: World, part: str, other: str
) -> None:
    url = await link(world, PRIVATE)
    assert part in url
    refused(await world.get(url.replace(part, other)), 404)


async def test_the_signature_of_one_archive_does_not_open_another(own_world: World) -> None:
    url = await link(own_world, PRIVATE)
    await own_world.push(bala("acme/hidden:1.0.0", visibility="private"))
    path = "/packages/acme/hidden/1.0.0"
    model = answered(await own_world.get(path, by=own_world.people.ann))
    refused(await own_world.get(f"{model['balaURL']}?{url.partition('?')[2]}"), 404)


async def test_the_stable_url_of_a_private_archive_needs_the_right(world: World) -> None:
    url = answered(await world.get(PATHS[PRIVATE], by=world.people.ann))["balaURL"]
    assert_whole(await world.get(url, by=world.people.mia), PRIVATE)
    refused(await world.get(url), 404)
    refused(await world.get(url, by=world.people.bob), 404)
    refused(await world.get(url, headers={"Authorization": "Bearer nonsense"}), 401)


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("/1.0.0/", "/1.0.1/"),
        ("acme-greet-any-1.0.0.bala", "acme-greet-any-1.0.1.bala"),
        ("acme-greet-any-1.0.0.bala", "x%0D%0ASet-Cookie:%20a=b"),
        ("acme-greet-any-1.0.0.bala", "%C3%A9"),
        ("/public/", "/private/"),
        ("/public/", "/other/"),
        *((DIGEST, other) for other in ("nonsense", DIGEST[:-1], f"{DIGEST}0", "..%2F" * 10)),
    ],
)
async def test_a_link_with_another_name_or_digest_in_it_is_404(
    world: World, part: str, other: str
) -> None:
    url = await link(world)
    assert part in url
    answer = await world.get(url.replace(part, other))
    refused(answer, 404)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-9", ARCHIVE[:10]),
        ("bytes=10-", ARCHIVE[10:]),
        ("bytes=-5", ARCHIVE[-5:]),
        ("bytes=0-99999999", ARCHIVE),
    ],
)
async def test_a_range_is_sent_alone(world: World, asked: str, expected: bytes) -> None:
    answer = await world.get(await link(world), headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, expected)
    assert answer.headers["content-length"] == str(len(expected))
    start = ARCHIVE.index(expected)
    content_range = f"bytes {start}-{start + len(expected) - 1}/{len(ARCHIVE)}"
    assert answer.headers["content-range"] == content_range


@pytest.mark.parametrize("asked", ["bytes=5-2", "lines=1-2", "bytes=0-1,4-5", "nonsense"])
async def test_an_empty_range_is_the_complete_file(world: World, asked: str) -> None:
    assert_whole(await world.get(await link(world), headers={"Range": asked}), ARCHIVE)


@BOTH_ARCHIVES
async def test_a_range_behind_the_end_is_416_which_no_cache_keeps(
    world: World, archive: bytes
) -> None:
    url = await link(world, archive)
    answer = await world.get(url, headers={"Range": f"bytes={len(archive)}-"})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(archive)}"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-length"] == "0"
    assert answer.headers["etag"] == (await world.send("HEAD", url)).headers["etag"]
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@BOTH_ARCHIVES
@pytest.mark.parametrize(
    "condition", ['"another"', '"another", "third"', "W/{etag}", 'W/{etag}, "another"']
)
async def test_a_client_that_requires_other_bytes_gets_412(
    world: World, method: str, archive: bytes, condition: str
) -> None:
    url = await link(world, archive)
    etag = (await world.send("HEAD", url)).headers["etag"]
    required = {"If-Match": condition.format(etag=etag)}
    for headers in ({}, {"Range": "bytes=0-9"}, {"If-None-Match": etag}):
        answer = await world.send(method, url, headers={**headers, **required})
        assert (answer.status_code, answer.content) == (412, b"")
        assert (answer.headers["etag"], answer.headers["cache-control"]) == (etag, "no-store")


@pytest.mark.parametrize("condition", ["*", "{etag}", '"another", {etag}', 'W/"another",{etag}'])
async def test_a_client_that_requires_these_bytes_gets_them(world: World, condition: str) -> None:
    url = await link(world)
    etag = (await world.send("HEAD", url)).headers["etag"]
    required = {"If-Match": condition.format(etag=etag)}
    assert_whole(await world.get(url, headers=required), ARCHIVE)
    assert (await world.send("HEAD", url, headers=required)).status_code == 200
    part = await world.get(url, headers={**required, "Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, ARCHIVE[:10])
    known = await world.get(url, headers={**required, "If-None-Match": etag})
    assert known.status_code == 304


async def test_a_condition_about_a_missing_archive_is_404(world: World) -> None:
    url = (await link(world)).replace("/1.0.0/", "/1.0.1/")
    refused(await world.get(url, headers={"If-Match": '"another"'}), 404)


async def test_only_public_archives_may_stay_in_shared_caches(world: World) -> None:
    assert "public" in (await world.get(await link(world))).headers["cache-control"]
    control = (await world.get(await link(world, PRIVATE))).headers["cache-control"]
    assert "private" in control
    assert "no-store" in control
