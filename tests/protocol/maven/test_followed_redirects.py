"""A single machine follows the redirect of a Maven archive itself, in one round trip."""

import pytest

from shared.hosting.file_responses import FollowedRedirects
from shared.hosting.host import Host
from shared.localhost import MAVEN_PATHS, archive_resolver
from shared.registry import Registry
from tests.lazy_app import lazy_functions
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.storage import one_machine
from tests.support.world import MAVEN, URL, OpenWorld, World

pytestmark = one_machine("a host follows redirects to itself alone")

GREET = bala("acme/greet:1.0.0")
SECRET = bala("acme/secret:1.0.0", visibility="private")
BALA = f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.bala"
HIDDEN = f"{MAVEN}/acme/secret/1.0.0/secret-1.0.0.bala"


def on_one_machine(registry: Registry) -> Host:
    """Serve as `make run` does."""
    redirects = FollowedRedirects(MAVEN_PATHS, URL)
    return Host(lazy_functions(registry), archives=archive_resolver(registry), redirects=redirects)


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry on one machine, with a public and a private package."""
    opened = await worlds(host=on_one_machine)
    await opened.push(GREET)
    await opened.push(SECRET)
    return opened


async def test_the_bytes_come_at_once_as_they_do_behind_the_redirect(world: World) -> None:
    answer = await world.get(BALA)
    assert (answer.status_code, answer.content) == (200, GREET)
    headers = dict(ACCEPT_ARCHIVE)
    first = await world.get("/packages/acme/greet/1.0.0", headers=headers)
    second = await world.get(first.headers["location"])
    for each in (answer, second):
        del each.headers["x-request-id"]
    assert answer.headers == second.headers


async def test_an_archive_is_sent_again_only_if_it_is_the_required_one(world: World) -> None:
    tag = (await world.get(BALA)).headers["etag"]
    for condition, status in ((tag, 200), ('"another"', 412), (tag, 200)):
        answer = await world.get(BALA, headers={"If-Match": condition})
        assert answer.status_code == status


async def test_a_head_and_a_known_tag_send_no_byte(world: World) -> None:
    whole = await world.get(BALA)
    head = await world.send("HEAD", BALA)
    for name in ("content-length", "etag", "content-type", "accept-ranges", "cache-control"):
        assert head.headers[name] == whole.headers[name]
    assert (head.status_code, head.content) == (200, b"")
    known = await world.get(BALA, headers={"If-None-Match": whole.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    for name in ("etag", "content-type", "accept-ranges", "cache-control"):
        assert known.headers[name] == whole.headers[name]


async def test_a_private_archive_is_for_those_who_may_read_it(world: World) -> None:
    member = await world.get(HIDDEN, by=world.people.mia)
    assert (member.status_code, member.content) == (200, SECRET)
    assert member.headers["cache-control"] == "private, no-store"
    assert (await world.get(HIDDEN, by=world.people.bob)).status_code == 404
    anonymous = await world.get(HIDDEN)
    assert anonymous.status_code == 401
    assert anonymous.headers["www-authenticate"] == 'Basic realm="Ballroom"'
