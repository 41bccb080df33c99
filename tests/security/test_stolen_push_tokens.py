"""eslint-scope 2018, ua-parser-js 2021, chalk 2025: the token of a maintainer is stolen.

A token that can only publish cannot gain rights: it reaches nothing that governs. What
governs is taken from the description of the API, so an operation is tested from its first day.
"""

import pytest

from functions.api.api_face import ApiOperation
from functions.api.openapi import OPERATIONS
from shared.domain.entities import Place
from shared.domain.tokens import Token
from tests.security.limits import UNREACHED_LIMITS
from tests.security.request_bodies import body_of
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.world import URL, OpenWorld, Person, World, limited

# Operations that change something and ask no right of a token, each with what they ask instead.
PROVEN_OTHERWISE = {
    "api_dry_run": "nothing: it stores nothing, and says what a push would",
    "api_dependencies_check": "nothing: it says what its caller may read",
    "api_leaks_report": "a scanner's signature",
    "api_trusted_exchange": "the id token of a job",
    "api_approved_ask": "who asks changes nothing, and administrators decide",
    "device_api_ask": "nothing: a person approves it later",
    "device_api_token": "the code of a machine that a person has approved",
}

QUERIES = {"api_moderation_releases": "?org=acme"}  # Of reads that select something.

# Without `read`, which shows members to whoever may read what is private.
PUBLISHING = ("push-new", "push-version", "deprecate")


def governing() -> list[ApiOperation]:
    """Return every operation that a right is needed for."""
    return [
        each
        for each in OPERATIONS
        if 403 in each.openapi.refusals and each.name not in PROVEN_OTHERWISE
    ]


async def found(world: World, operation: ApiOperation) -> str:
    """Return the address of the operation, on things that are there."""
    ann = world.people.ann
    token_id = "0000000000"
    if "/tokens/{id}" in operation.route and "scim" not in operation.route:
        where = f"/{operation.route.partition('/{id}')[0].replace('{org}', 'acme')}"
        browser = await signed_in(world, ann)
        made = await browser.api("POST", where, {"name": "mine", "scopes": ["push-version"]})
        token_id = made.json()["token"]["id"]
    path = operation.route + QUERIES.get(operation.name, "")
    for parameter, value in (
        ("{org}", "acme"),
        ("{name}", "greet"),
        ("{version}", "1.0.0"),
        ("{id}", token_id),
        ("{account}", world.people.mia.account.id),
        ("{number}", "1"),
        ("{dispute}", "0000000000"),
        ("{advisory}", "x_BLR-2026-1"),
    ):
        path = path.replace(parameter, value)
    assert "{" not in path, "say above what the parameter is to be"
    return f"{URL}/{path}"


@pytest.fixture(scope="module")
async def robbed(shared_worlds: OpenWorld) -> World:
    """Return a registry with a package: one for all operations, as none of them changes it."""
    world = await shared_worlds(**UNREACHED_LIMITS)
    await world.push(bala("acme/greet:1.0.0"))
    return world


@pytest.fixture(scope="module")
async def stolen(robbed: World) -> Person:
    """Return the token of somebody who owns the organization, and its package."""
    return await limited(robbed, robbed.people.ann, *PUBLISHING)


@pytest.mark.parametrize("operation", governing(), ids=lambda each: each.name)
async def test_a_token_that_publishes_governs_nothing(
    robbed: World, stolen: Person, operation: ApiOperation
) -> None:
    url = await found(robbed, operation)
    before = await picture(robbed)
    answer = await robbed.send(operation.methods[0], url, by=stolen, content=body_of(operation))
    assert answer.status_code == 403, answer.text
    assert await picture(robbed) == before


async def picture(world: World) -> tuple[int, list[Token]]:
    """Return how many changes there were, and all tokens of the person and the organization."""
    tokens = await world.stores.directory.list_all(Token, Place(""), 1000)
    return len(await world.stores.events.since(0, 10_000)), tokens


def test_every_change_takes_a_right_or_another_proof() -> None:
    writing = {each.name for each in OPERATIONS if each.methods[0] not in ("GET", "HEAD")}
    assert writing - {each.name for each in governing()} == PROVEN_OTHERWISE.keys() & writing
    assert PROVEN_OTHERWISE.keys() <= {each.name for each in OPERATIONS}


async def test_a_stolen_token_that_manages_creates_no_token_that_manages(world: World) -> None:
    stolen = await limited(world, world.people.ann)
    [token, *_] = (await world.get(f"{URL}/api/v1/tokens", by=stolen)).json()["tokens"]
    for method, path, body in (
        ("POST", "tokens", b'{"name":"mine now","scopes":["manage"]}'),
        ("POST", f"tokens/{token['id']}/rotate", b""),
    ):
        answer = await world.send(method, f"{URL}/api/v1/{path}", by=stolen, content=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "sign-in-again")
