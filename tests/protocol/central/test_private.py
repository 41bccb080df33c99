"""Private packages as members use them; tests/security has that they exist for nobody else."""

import pytest

from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala
from tests.support.world import World, limited

SECRET = "acme/secret:1.0.0"


@pytest.fixture(autouse=True)
async def published(world: World) -> None:
    """Publish a private package with a tool."""
    await world.push(bala(SECRET, visibility="private", tools=["secret"]))


async def test_a_member_uses_it_like_any_other(world: World) -> None:
    for client in (world.java(world.people.mia), world.go(world.people.mia)):
        assert await client.versions("acme/secret") == ["1.0.0"]
        assert (await client.metadata(SECRET))["visibility"] == "private"
        archive = bala(SECRET, visibility="private", tools=["secret"])
        assert (await client.pull(SECRET)).content == archive


async def test_a_tool_id_that_is_taken_does_not_name_the_private_package(world: World) -> None:
    thief = bala("other/thief:1.0.0", tools=["secret"])
    with pytest.raises(ClientFailure) as shown:
        await world.push(thief, by=world.people.bob)
    assert "acme" not in str(shown.value)


async def test_a_token_that_may_not_read_still_pushes_the_next_version(world: World) -> None:
    robot = await limited(world, world.people.ann, "push-version", package="secret")
    await world.push(bala("acme/secret:1.1.0", visibility="private"), by=robot)
    assert await world.java(world.people.mia).versions("acme/secret") == ["1.1.0", "1.0.0"]
