"""What operators see of a mirror: the state of the upstreams, refusals and incidents."""

from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from shared.ports.http_client import Unanswered
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.upstreams import FakeUpstream, SharedServer
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

MIRROR = "/manage/mirror"
API = f"{URL}/api/v1/mirror"
PULL = dict(ACCEPT_ARCHIVE)


@pytest.fixture
def upstream(shared_server: SharedServer) -> Iterator[FakeUpstream]:
    upstream = FakeUpstream()
    upstream.publish("ballerina/io:1.0.0")
    upstream.publish("ballerina/io:1.1.0")
    upstream.publish("octo/kafka:0.1.0")
    upstream.publish("octo/bad:1.0.0")
    upstream.archives["octo/bad:1.0.0"] = b"no zip"
    with upstream.serving(shared_server):
        yield upstream


@pytest.fixture
async def mirror(worlds: OpenWorld, upstream: FakeUpstream) -> World:
    """Return a mirror of which three releases are pulled, one is refused, and one is an incident;
    with a package of its own."""
    world = await worlds(upstream=upstream.url)
    for name in ("ballerina/io/1.0.0", "ballerina/io/1.1.0", "octo/kafka/0.1.0"):
        assert (await world.get(f"/packages/{name}", headers=PULL)).status_code == 302
    assert (await world.get("/packages/octo/bad/1.0.0", headers=PULL)).status_code == 400
    upstream.publish("octo/changed:1.0.0")
    assert (await world.get("/packages/octo/changed/1.0.0")).status_code == 200
    upstream.publish("octo/changed:1.0.0", readme="# Another")
    assert (await world.get("/packages/octo/changed/1.0.0", headers=PULL)).status_code == 400
    await world.push(bala("acme/greet:1.0.0"))
    return world


@pytest.fixture
async def admin(mirror: World) -> Browser:
    return await signed_in(mirror, mirror.people.admin)


async def ask(world: World, path: str, **body: object) -> httpx.Response:
    method = "POST" if body else "GET"
    admin = world.people.admin
    return await world.send(method, f"{API}{path}", by=admin, json=body or None)


async def failed() -> None:
    message = "the answer was 500"
    raise Unanswered(message)


async def test_an_upstream_that_does_not_answer_is_shown(mirror: World, admin: Browser) -> None:
    for each in mirror.instances:
        for source in await each.require_mirroring().reader.upstreams.sources():
            for number in range(5):
                with suppress(Unanswered):
                    await source.breaker.ask(f"acme:p{number}", failed)
    await admin.open(MIRROR)
    assert "Does not answer" in admin.text
    assert "the answer was 500" in admin.text


async def test_refusals_have_reasons_and_incidents_come_first(
    admin: Browser, mirror: World, upstream: FakeUpstream
) -> None:
    await admin.open(f"{MIRROR}/refusals")
    assert admin.text.index("octo/changed:1.0.0") < admin.text.index("octo/bad:1.0.0")
    offered = upstream.digest("octo/changed:1.0.0").removeprefix("sha-256=")
    assert offered in admin.text
    incident, refused = (await ask(mirror, "/refusals")).json()["releases"]
    assert (incident["release"], incident["incident"]) == ("octo/changed:1.0.0", True)
    assert incident["offeredDigest"] == offered
    assert incident["pinnedDigest"] != incident["offeredDigest"]
    assert (refused["release"], refused["offeredDigest"]) == ("octo/bad:1.0.0", None)
    assert "zip" in refused["reason"]


async def test_a_refused_release_is_fetched_again(admin: Browser, mirror: World) -> None:
    await admin.open(f"{MIRROR}/refusals")
    await admin.submit(f"{MIRROR}/retry", release="octo/bad:1.0.0")
    assert "The next pull fetches the release again." in admin.text
    assert "octo/bad" not in admin.text
    page = await admin.post(f"{MIRROR}/retry", release="what")
    assert page.status_code == 400
    assert "octo/changed:1.0.0" in admin.text
    assert (await ask(mirror, "/retries", release="octo/changed:1.0.0")).json() == {"retried": True}
    assert (await ask(mirror, "/retries", release="octo/bad:1.0.0")).json() == {"retried": False}
    assert (await ask(mirror, "/refusals")).json()["releases"] == []
    await admin.open(f"{MIRROR}/refusals")
    assert "No release is refused" in admin.text


async def test_without_an_upstream_the_lists_say_so(world: World) -> None:
    admin = await signed_in(world, world.people.admin)
    page = await admin.open(f"{MIRROR}/refusals")
    assert page.status_code == 400
    assert "No registry is mirrored" in admin.text
