"""File names of archives, from which each client parses the platform in its own way."""

import pytest

from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala
from tests.support.world import World

FILE_NAMES = [
    ("acme/greet:1.0.0", "any", "acme-greet-any-1.0.0.bala"),
    ("acme/greet:1.0.0", "go1.26", "acme-greet-go1.26-1.0.0.bala"),
    ("foo/foo:1.0.0", "any", "foo-any-1.0.0.bala"),
    ("ballerinax/x:1.0.0", "java21", "x-java21-1.0.0.bala"),
    ("acme/any:1.0.0", "any", "any-any"),
    ("acme/alpha:1.0.0-alpha-1", "any", "alpha-any"),
    ("xa_b/a.b:1.0.0", "any", "a.b-any-1.0.0.bala"),
]


@pytest.mark.parametrize(("coordinate", "platform", "file_name"), FILE_NAMES)
async def test_both_clients_read_the_platform_out_of_the_first_form_that_works(
    world: World, coordinate: str, platform: str, file_name: str
) -> None:
    if coordinate.startswith("ballerinax/"):
        await world.create_organization("ballerinax")
    await world.push(bala(coordinate, platform=platform), by=world.people.admin)
    version = coordinate.split(":")[1]
    java = await world.java(platform="java21").pull(coordinate)
    go = await world.go(platform=platform).pull(coordinate)
    assert (java.platform, java.version, java.file_name) == (platform, version, file_name)
    assert (go.platform, go.version, go.file_name) == (platform, version, file_name)


@pytest.mark.parametrize("platform", ["any", "java21"])
async def test_both_clients_read_the_platform_for_the_name_in_any_case(
    world: World, platform: str
) -> None:
    await world.push(bala("acme/greet.io:1.0.0", platform=platform))
    for asked in ("acme/greet.io", "acme/Greet.IO", "ACME/GREET.io", "acme/greet.io"):
        for version in ("1.0.0", "1.*"):
            pulled = await world.java().pull(f"{asked}:{version}")
            assert (pulled.platform, pulled.version) == (platform, "1.0.0")
        assert (await world.go(platform="java21").pull(asked)).platform == platform


async def test_a_tool_whose_canonical_name_misleads_is_refused_at_the_push(world: World) -> None:
    with pytest.raises(ClientFailure, match="bal tool pull"):
        await world.push(bala("foo/foo:1.0.0", tools=["foo"]), by=world.people.admin)
