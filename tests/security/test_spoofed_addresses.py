"""A claimed address is believed nowhere: not by a Function, and not where bytes are streamed."""

import json

import pytest
from starlette.types import ASGIApp

from functions.http.answer_caching import recognizer
from shared.hosting.host import AnswerCacheOptions, Host
from shared.localhost import archive_resolver
from shared.registry import Registry
from tests.lazy_app import lazy_functions
from tests.security.test_brute_force import guessed
from tests.support.archives import bala
from tests.support.world import URL, OpenWorld, World

OFFICE = "203.0.113.7"
CLAIMS = ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP"]


def by_function(registry: Registry) -> ASGIApp:
    """Serve archives as the cloud does."""
    return Host(lazy_functions(registry))


def from_disk(registry: Registry) -> ASGIApp:
    """Serve archives as one machine does: streamed from its disk."""
    return Host(
        lazy_functions(registry),
        archives=archive_resolver(registry),
        answer_cache=AnswerCacheOptions(registry.adapters.edition, recognizer(registry)),
    )


@pytest.fixture(params=[by_function, from_disk])
async def world(worlds: OpenWorld, request: pytest.FixtureRequest) -> World:
    """Return a registry that serves archives in each of the two ways."""
    return await worlds(host=request.param)


async def private_archive(world: World) -> str:
    """Publish a private package, and return where its bytes are for whoever has a token."""
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    answer = await world.get("/packages/acme/secret/1.0.0", by=world.people.ann)
    return str(answer.json()["balaURL"])


async def token_of_the_office(world: World) -> str:
    """Make a token of Ann's that is good from one network alone."""
    body = {"name": "office", "scopes": ["read"], "addresses": ["203.0.113.0/24"]}
    answer = await world.send(
        "POST", f"{URL}/api/v1/tokens", by=world.people.ann, content=json.dumps(body).encode()
    )
    return str(answer.json()["text"])


@pytest.mark.parametrize("claim", CLAIMS)
async def test_a_token_is_not_used_from_elsewhere_by_claiming_to_be_there(
    world: World, claim: str
) -> None:
    url = await private_archive(world)
    token = await token_of_the_office(world)
    claimed = {"Authorization": f"Bearer {token}", claim: OFFICE}
    answer = await world.get(url, headers=claimed)
    assert answer.status_code == 400
    assert "from 127.0.0.1" in answer.json()["message"]
    assert (await world.get(url, by=world.people.ann)).status_code == 200


@pytest.mark.parametrize("claim", CLAIMS)
async def test_nobody_guesses_on_by_claiming_to_be_another(world: World, claim: str) -> None:
    url = await private_archive(world)
    guesses = [
        {"Authorization": f"Bearer {guessed(number)}", claim: f"198.51.100.{number}"}
        for number in range(11)
    ]
    statuses = [(await world.get(url, headers=guess)).status_code for guess in guesses]
    assert statuses == [401] * 10 + [429]


async def test_a_trusted_proxy_is_believed_where_bytes_are_streamed_too(worlds: OpenWorld) -> None:
    world = await worlds(host=from_disk, trusted_proxies="127.0.0.1")
    url = await private_archive(world)
    token = await token_of_the_office(world)
    claimed = {"Authorization": f"Bearer {token}", "X-Forwarded-For": OFFICE}
    assert (await world.get(url, headers=claimed)).status_code == 200
