"""A release train lets through what an owner announced, and nothing else."""

import asyncio
from datetime import timedelta

import pytest

from shared.domain.identity import OPERATOR
from shared.domain.names import parse_org
from shared.domain.organizations import ReleaseTrainPlan
from tests.protocol.bal.okhttp import multipart
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.world import URL, OpenWorld, Person, World

TRAIN = "/api/v1/orgs/acme/release-train"
PACKAGES = 6


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry that holds the third package of a burst."""
    return await worlds(brake_packages=2, brake_releases=1_000)


async def announce(world: World, packages: int = PACKAGES, org: str = "acme") -> None:
    plan = ReleaseTrainPlan(packages, hours=1)
    await world.registry.organizations.release_trains.announce(parse_org(org), plan, by=OPERATOR)


async def push(world: World, coordinate: str, by: Person | None = None) -> int:
    body = multipart("x.bala", bala(coordinate))
    return (await world.upload(body, by=by or world.people.ann)).status_code


async def statuses(world: World, count: int, first: int = 0) -> list[int]:
    return [await push(world, f"acme/p{first + number}:1.0.0") for number in range(count)]


async def test_so_many_packages_come_through_and_further_ones_are_held(world: World) -> None:
    await announce(world)
    assert await statuses(world, PACKAGES + 3) == [204] * PACKAGES + [400] * 3
    assert (await world.java().search("acme"))["count"] == PACKAGES


async def test_pushes_at_the_same_moment_let_through_no_more_than_were_announced(
    world: World,
) -> None:
    await announce(world)
    found = await asyncio.gather(
        *(push(world, f"acme/p{number}:1.0.0") for number in range(2 * PACKAGES))
    )
    assert sorted(found) == [204] * PACKAGES + [400] * PACKAGES
    assert (await world.java().search("acme"))["count"] == PACKAGES


async def test_a_train_is_for_its_organization_alone(world: World) -> None:
    await announce(world, org="other")
    assert await statuses(world, 4) == [204] * 2 + [400] * 2


async def test_a_train_counts_every_member_s_packages(world: World) -> None:
    """Whoever stole one token does not get as many packages again as were announced."""
    bob = world.people.bob
    await announce(world)
    await announce(world, org="other")
    assert await statuses(world, PACKAGES) == [204] * PACKAGES
    assert [await push(world, f"other/p{each}:1.0.0", by=bob) for each in range(PACKAGES + 1)] == [
        *[204] * PACKAGES,
        400,
    ]


async def test_the_pushes_of_administrators_take_no_room(world: World) -> None:
    await announce(world)
    for number in range(3):
        assert await push(world, f"acme/admin{number}:1.0.0", by=world.people.admin) == 204
    assert await statuses(world, PACKAGES) == [204] * PACKAGES


async def test_after_a_train_everything_is_held_until_the_burst_is_over(world: World) -> None:
    await announce(world)
    await statuses(world, PACKAGES - 1)
    await world.registry.organizations.release_trains.end(parse_org("acme"), by=OPERATOR)
    assert await push(world, "acme/last:1.0.0") == 400
    world.clock.advance(timedelta(minutes=11))
    assert await push(world, "acme/later:1.0.0") == 204


async def test_an_owner_announces_shows_and_ends_a_train_with_the_api(world: World) -> None:
    ann = await signed_in(world, world.people.ann)
    assert (await ann.api("GET", TRAIN)).json() == {"releaseTrain": None}
    announced = await ann.api("POST", TRAIN, {"packages": 3, "hours": 2})
    assert announced.status_code == 201
    assert await statuses(world, 2) == [204] * 2
    shown = (await world.get(URL + TRAIN, by=world.people.ann)).json()["releaseTrain"]
    assert shown == {**announced.json(), "published": 2}
    assert (shown["packages"], shown["beginsAt"], shown["endsAt"]) == (
        3,
        "2026-09-21T14:13:20Z",
        "2026-09-21T16:13:20Z",
    )
    again = await ann.api("POST", TRAIN, {"packages": 3, "hours": 2})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "release-train-running")
    assert (await ann.api("DELETE", TRAIN)).status_code == 204
    assert (await ann.api("DELETE", TRAIN)).status_code == 409
    assert (await ann.api("GET", TRAIN)).json() == {"releaseTrain": None}


@pytest.mark.parametrize(
    "body", [{"packages": 501, "hours": 1}, {"packages": 1, "hours": 25}, {"packages": 0}, {}]
)
async def test_a_train_has_limits(world: World, body: dict[str, int]) -> None:
    ann = await signed_in(world, world.people.ann)
    assert (await ann.api("POST", TRAIN, body)).status_code == 400


async def test_no_token_and_nobody_but_an_owner_announces_a_train(world: World) -> None:
    body = {"packages": 3, "hours": 2}
    for person, status in (
        (world.people.ann, 403),
        (world.people.mia, 403),
        (world.people.bob, 404),
    ):
        by_token = await world.send(
            "POST", URL + TRAIN, by=person, content=b'{"packages": 3, "hours": 2}'
        )
        assert by_token.status_code == status
    ann = await signed_in(world, world.people.ann)
    world.clock.advance(timedelta(minutes=11))
    for method in ("POST", "DELETE"):
        answer = await ann.api(method, TRAIN, body if method == "POST" else None)
        assert answer.json()["error"]["code"] == "sign-in-again"
    mia = await signed_in(world, world.people.mia)
    assert (await mia.api("POST", TRAIN, body)).status_code == 403
    assert (await mia.api("GET", TRAIN)).status_code == 403
