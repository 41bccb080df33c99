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


async def test_the_same_url_without_that_accept_is_a_metadata_read(world: World) -> None:
    await world.push(bala(GREET))
    for accept in ("application/json", "*/*", ""):
        headers = {"Accept": accept} if accept else {}
        model = answered(await world.get("/packages/acme/greet/1.0.0", headers=headers))
        assert model["version"] == "1.0.0"


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
