"""PyPI 2026: an old release is poisoned by a file that is added to it years later.

A version has one archive, whatever its platform, from the moment that it is published.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from tests.protocol.bal.okhttp import multipart
from tests.protocol.central.answers import refused
from tests.support.archives import bala
from tests.support.stored_state import stored
from tests.support.world import MAVEN, Person, World

GREET = "acme/greet:1.0.0"
AGES = [timedelta(0), timedelta(hours=1), timedelta(days=13), timedelta(days=15)]
PLATFORMS = ["java11", "java17", "java21"]

Push = Callable[[World, bytes, Person], Awaitable[str]]


async def by_bal(world: World, archive: bytes, by: Person) -> str:
    """Push as `bal push` does, and return the refusal."""
    return refused(await world.upload(multipart("x.bala", archive), by=by), 400)


async def by_maven(world: World, archive: bytes, by: Person) -> str:
    """Push as a Maven client does, and return the refusal."""
    url = f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.bala"
    answer = await world.send("PUT", url, by=by, content=archive)
    assert answer.status_code == 409
    return answer.text


@pytest.mark.parametrize("push", [by_bal, by_maven])
@pytest.mark.parametrize("age", AGES, ids=str)
async def test_no_archive_of_another_platform_is_added_to_a_version(
    world: World, push: Push, age: timedelta
) -> None:
    await world.push(bala(GREET))
    before = await stored(world.stores)
    world.clock.advance(age)
    for platform in PLATFORMS:
        for by in (world.people.ann, world.people.admin):
            shown = await push(world, bala(GREET, platform=platform), by)
            assert "Releases never change" in shown
            assert "raise the version" in shown
    assert await stored(world.stores) == before


async def test_the_latest_version_of_every_client_stays_the_same(world: World) -> None:
    await world.push(bala(GREET, platform="java17"))
    world.clock.advance(timedelta(days=80))
    for platform in ("any", "java21"):
        await by_bal(world, bala(GREET, platform=platform), world.people.ann)
    for headers in ({}, {"Ballerina-Platform": "java21"}, {"Ballerina-Platform": "any"}):
        model = (await world.get("/packages/acme/greet/1.0.0", headers=headers)).json()
        assert model["platform"] == "java17"
    assert (await world.java().pull(GREET)).content == bala(GREET, platform="java17")
