"""What is no token is refused on public reads as well; tests/security asks every operation."""

from datetime import timedelta

import pytest

from tests.protocol.central.answers import refused
from tests.support.archives import bala
from tests.support.world import OpenWorld, World

GREET = "acme/greet:1.0.0"
NOT_TOKENS = [
    "Bearer nonsense",
    "Bearer ",
    "Bearer",
    "bearer blr_local_0000000000",
    "Basic bm9ib2R5OnNlY3JldA==",
    "Basic not-base64",
    "Negotiate xyz",
]


@pytest.fixture(scope="module")
async def greet(shared_worlds: OpenWorld) -> World:
    """Return a registry with a package, which no test changes."""
    world = await shared_worlds()
    await world.push(bala(GREET))
    return world


@pytest.mark.parametrize("value", NOT_TOKENS)
async def test_whatever_is_there_and_is_no_token_is_401(greet: World, value: str) -> None:
    headers = {"Authorization": value}
    message = refused(await greet.get("/packages/acme/greet/1.0.0", headers=headers), 401)
    assert "nonsense" not in message


async def test_an_expired_token_is_401_and_says_so(world: World) -> None:
    world.clock.advance(timedelta(days=91))
    message = refused(await world.get("/packages", by=world.people.ann), 401)
    assert "expired" in message


async def test_the_refusal_never_holds_the_token(world: World) -> None:
    text = world.people.ann.token[:-1] + "x"
    answer = await world.get("/packages", headers={"Authorization": f"Bearer {text}"})
    assert text not in refused(answer, 401)
