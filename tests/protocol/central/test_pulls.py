"""A pull: a redirect with all headers that clients read, then the archive."""

import hashlib
from urllib.parse import urlsplit

import httpx
import pytest

from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.go import GoBal
from tests.protocol.bal.java import ACCEPT_ARCHIVE, JavaBal
from tests.protocol.central.answers import answered, refused
from tests.support.archives import bala
from tests.support.world import URL, World

GREET = "acme/greet:1.0.0"


async def first_hop(world: World, path: str = "/packages/acme/greet/1.0.0") -> httpx.Response:
    """Ask as a client asks for the redirect."""
    return await world.get(path, headers=dict(ACCEPT_ARCHIVE))


async def test_both_clients_pull_the_bytes_that_were_pushed(
    world: World, anyone: JavaBal, gopher: GoBal
) -> None:
    await world.push(bala(GREET))
    assert (await anyone.pull(GREET)).content == bala(GREET)
    assert (await gopher.pull(GREET)).content == bala(GREET)


async def test_the_first_hop_is_a_redirect_with_all_that_the_clients_read(world: World) -> None:
    await world.push(bala(GREET))
    answer = await first_hop(world)
    assert answer.status_code == 302
    disposition = "attachment; filename=acme-greet-any-1.0.0.bala"
    assert answer.headers["content-disposition"] == disposition
    assert answer.headers["digest"] == f"sha-256={hashlib.sha256(bala(GREET)).hexdigest()}"
    for deprecation in ("isdeprecated", "deprecatemessage", "is-deprecated", "deprecate-message"):
        assert deprecation not in answer.headers


@pytest.mark.parametrize("visibility", ["", "private"])
async def test_the_location_is_absolute_and_ends_in_version_and_file_name(
    world: World, visibility: str
) -> None:
    await world.push(bala(GREET, visibility=visibility))
    answer = await world.get(
        "/packages/acme/greet/1.0.0", by=world.people.ann, headers=dict(ACCEPT_ARCHIVE)
    )
    location = urlsplit(answer.headers["location"])
    assert answer.headers["location"].startswith(f"{URL}/")
    assert location.path.split("/")[-2:] == ["1.0.0", "acme-greet-any-1.0.0.bala"]
    assert "/" not in location.query


async def test_links_come_from_the_setting_whatever_host_was_asked_for(world: World) -> None:
    await world.push(bala(GREET))
    headers = {**dict(ACCEPT_ARCHIVE), "Host": "evil.test", "X-Forwarded-Host": "evil.test"}
    answer = await world.get("/packages/acme/greet/1.0.0", headers=headers, by=world.people.ann)
    assert answer.headers["location"].startswith(f"{URL}/")


async def test_the_same_url_without_that_accept_is_a_metadata_read(world: World) -> None:
    await world.push(bala(GREET))
    for accept in ("application/json", "*/*", ""):
        headers = {"Accept": accept} if accept else {}
        model = answered(await world.get("/packages/acme/greet/1.0.0", headers=headers))
        assert model["version"] == "1.0.0"


async def test_without_a_version_the_newest_is_pulled(
    world: World, anyone: JavaBal, gopher: GoBal
) -> None:
    for version in ("1.0.0", "1.10.0", "1.9.0"):
        await world.push(bala(f"acme/greet:{version}"))
    assert (await anyone.pull("acme/greet")).version == "1.10.0"
    assert (await gopher.pull("acme/greet")).version == "1.10.0"


async def test_a_pull_with_a_token_repeats_it_on_the_second_hop(world: World, ann: JavaBal) -> None:
    await world.push(bala(GREET))
    await ann.pull(GREET)
    assert [each.status for each in ann.wire.exchanges] == [302, 200]
    await world.go(world.people.ann).pull(GREET)


@pytest.mark.parametrize("coordinate", [GREET, "acme/greet:*", "nobody/greet:1.0.0"])
async def test_the_user_reads_that_the_package_is_missing(
    world: World, anyone: JavaBal, gopher: GoBal, coordinate: str
) -> None:
    with pytest.raises(ClientFailure) as shown:
        await anyone.pull(coordinate)
    assert str(shown.value) == f"error: package not found for: {coordinate}"
    with pytest.raises(ClientFailure) as shown:
        await gopher.pull(coordinate)
    assert str(shown.value) == f"error: package not found for: {coordinate}"
    refused(await first_hop(world, f"/packages/{coordinate.replace(':', '/')}"), 404)


async def test_neither_hop_is_compressed(world: World) -> None:
    await world.push(bala(GREET))
    first = await world.get(
        "/packages/acme/greet/1.0.0",
        headers={"Accept": "application/octet-stream", "Accept-Encoding": "gzip, br"},
    )
    second = await world.get(first.headers["location"], headers={"Accept-Encoding": "gzip, br"})
    for answer in (first, second):
        assert "content-encoding" not in answer.headers
    assert second.headers["content-length"] == str(len(bala(GREET)))
    assert "transfer-encoding" not in second.headers


async def test_an_old_client_pulls_once_a_platform_and_caches_one_copy(
    world: World, anyone: JavaBal
) -> None:
    await world.push(bala(GREET))
    pulled = await anyone.pull_for_every_platform(GREET)
    assert pulled.content == bala(GREET)
    assert len(anyone.wire.exchanges) == 8
    assert len(anyone.cache.balas) == 1


async def test_an_exact_version_is_served_whatever_the_client_is(world: World) -> None:
    await world.push(bala("acme/native:1.0.0", platform="java21", ballerina_version="2301.1.0"))
    old = world.java(version="2201.8.0", platform="java11")
    assert (await old.pull("acme/native:1.0.0")).platform == "java21"
