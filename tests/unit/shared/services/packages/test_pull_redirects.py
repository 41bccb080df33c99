"""Which redirect a pull answers: which links it has, and who sends the bytes."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from shared.domain.archives.delivery import PLACEMENT_SETTLED_AFTER
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Package
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from shared.services.adapters import Adapters
from tests.fakes.archive_placement import STORE, FakeLinks
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.world import URL, OpenWorld, Person, World

GREET = bala("acme/greet:1.0.0")
SECRET = bala("acme/secret:1.0.0", visibility="private")
CDN = "https://cdn.test"
TAIL = "1.0.0/acme-greet-any-1.0.0.bala"
OURS = f"{URL}/archives/public/{Digest.of(GREET)}/{TAIL}"


async def opened(worlds: OpenWorld, links: FakeLinks | None = None, **settings: object) -> World:
    """Open a registry in a cloud, with a public and a private package."""

    def wrap(stores: Adapters) -> Adapters:
        return replace(stores, links=links or FakeLinks())

    world = await worlds(wrap=wrap, **settings)
    for archive in (GREET, SECRET):
        await world.push(archive)
    return world


async def hop(world: World, path: str = "acme/greet", by: Person | None = None) -> httpx.Response:
    """Return the first hop of a pull."""
    answer = await world.get(f"/packages/{path}/1.0.0", by=by, headers=dict(ACCEPT_ARCHIVE))
    assert answer.status_code == 302
    return answer


async def test_while_there_are_no_links_the_bytes_are_ours_to_send(worlds: OpenWorld) -> None:
    world = await opened(worlds, FakeLinks(is_silent=True))
    assert (await hop(world)).headers["location"] == OURS


async def test_a_cdn_that_strips_authorization_is_for_everybody(worlds: OpenWorld) -> None:
    world = await opened(worlds, archive_cdn_url=CDN)
    for by in (None, world.people.bob):
        assert (await hop(world, by=by)).headers["location"] == OURS.replace(URL, CDN)
    private = await hop(world, "acme/secret", world.people.ann)
    assert private.headers["location"].startswith(f"{URL}/archives/private/")


READS_BLOBS: dict[str, Any] = {"archive_cdn_url": CDN, "archive_cdn_origin": "blobs"}
ODD = bala("foo/foo:1.0.0")  # A package whose archives clients save under a shorter name.


async def test_a_cdn_that_reads_blobs_serves_everybody_by_the_name_of_the_blob(
    worlds: OpenWorld,
) -> None:
    world = await opened(worlds, **READS_BLOBS)
    await world.push(ODD, by=world.people.admin)
    for by in (None, world.people.bob):
        answer = await hop(world, by=by)
        assert answer.headers["location"] == OURS.replace(URL, CDN)
        assert answer.headers["cache-control"] == "no-store"
        odd = await hop(world, "foo/foo", by=by)
        assert odd.headers["location"].endswith("/1.0.0/foo-foo-any-1.0.0.bala")
        assert odd.headers["content-disposition"] == "attachment; filename=foo-any-1.0.0.bala"


async def test_the_registry_knows_an_archive_by_the_name_of_its_blob_too(worlds: OpenWorld) -> None:
    world = await opened(worlds, **READS_BLOBS)
    await world.push(ODD, by=world.people.admin)
    path = (await hop(world, "foo/foo")).headers["location"].removeprefix(CDN)
    answer = await world.get(f"{URL}{path}")
    assert answer.content == ODD
    assert answer.headers["content-disposition"] == "attachment; filename=foo-any-1.0.0.bala"


async def test_a_cdn_that_reads_blobs_is_not_asked_for_one_that_may_be_missing(
    worlds: OpenWorld,
) -> None:
    world = await opened(worlds, **READS_BLOBS)
    package = Package.parse("acme", "greet")
    for wanted in (Visibility.PRIVATE, Visibility.PUBLIC):
        await world.registry.packages.visibility.change(
            package, wanted, by=OPERATOR, reason="It was decided."
        )
    for by in (None, world.people.bob):
        link = (await hop(world, by=by)).headers["location"]
        assert link.startswith(f"{URL}/archives/private/")
        assert (await world.get(link, by=by)).content == GREET
    world.clock.advance(PLACEMENT_SETTLED_AFTER + timedelta(seconds=1))
    assert (await hop(world)).headers["location"].startswith(CDN)


async def test_the_maven_face_sends_its_clients_there_too(worlds: OpenWorld) -> None:
    world = await opened(worlds)
    url = f"{URL}/2.0/maven/acme/greet/1.0.0/greet-1.0.0.bala"
    answer = await world.get(url)
    assert answer.headers["location"].startswith(STORE)
    assert answer.headers["cache-control"] == "private, no-store"
    ours = await world.get(url, by=world.people.ann)
    assert ours.headers["location"] == OURS


MAVEN_SECRET = f"{URL}/2.0/maven/acme/secret/1.0.0/secret-1.0.0.bala"
CENTRAL_SECRET = f"{URL}/2.0/registry/packages/acme/secret/1.0.0"


@pytest.mark.parametrize(
    ("url", "agent", "is_sent_to_the_store"),
    [
        (CENTRAL_SECRET, "curl/8.14.1", True),
        (MAVEN_SECRET, "curl/8.14.1", True),
        (CENTRAL_SECRET, "2201.13.2", False),  # `bal`, which repeats its token.
        (CENTRAL_SECRET, "of nobody we know", False),
    ],
)
async def test_a_private_archive_comes_from_the_store_where_the_client_keeps_its_token_here(
    worlds: OpenWorld, url: str, agent: str, *, is_sent_to_the_store: bool
) -> None:
    world = await opened(worlds)
    headers = {**dict(ACCEPT_ARCHIVE), "User-Agent": agent}
    answer = await world.get(url, by=world.people.ann, headers=headers)
    assert answer.status_code == 302
    where = f"{STORE}/private/" if is_sent_to_the_store else f"{URL}/archives/private/"
    assert answer.headers["location"].startswith(where)


async def test_a_private_pull_of_bal_by_maven_passes_no_byte_through_the_registry(
    worlds: OpenWorld,
) -> None:
    world = await opened(worlds)
    ann = world.maven(world.people.ann)
    answer = await ann.send("GET", "acme/secret/1.0.0/secret-1.0.0.bala")
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{STORE}/private/")
    assert answer.headers["cache-control"] == "private, no-store"
