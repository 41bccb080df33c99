"""PyPI's audit 2026: tokens of others deleted by their id, changes missing from the audit."""

import pytest

from shared.domain.accounts import Token
from tests.support.world import URL, World

TOKENS = f"{URL}/api/v1/tokens"

OPERATIONS = [
    ("GET", "", b""),
    ("PATCH", "", b'{"name":"mine"}'),
    ("POST", "/rotate", b""),
    ("DELETE", "", b""),
]


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
@pytest.mark.parametrize("who", ["bob", "mia", "admin"])
async def test_the_id_of_a_foreign_token_is_as_unknown_as_one_that_does_not_exist(
    *, world: World, method: str, path: str, body: bytes, who: str
) -> None:
    [foreign] = await world.stores.directory.list_by_owner(Token, world.people.ann.account.id)
    answers = [
        await world.send(
            method, f"{TOKENS}/{token_id}{path}", by=getattr(world.people, who), content=body
        )
        for token_id in (foreign.id, "0000000000")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    known, unknown = (answer.json()["error"]["message"] for answer in answers)
    assert known.replace(foreign.id, "") == unknown.replace("0000000000", "")
    assert await world.stores.directory.list_by_owner(Token, world.people.ann.account.id) == [
        foreign
    ]


async def test_a_list_shows_ones_own_tokens_alone(world: World) -> None:
    [foreign] = await world.stores.directory.list_by_owner(Token, world.people.ann.account.id)
    answer = await world.get(TOKENS, by=world.people.bob)
    assert foreign.id not in answer.text


async def test_a_request_cannot_name_another_owner(world: World) -> None:
    for field in ("owner", "id", "hash", "administrator"):
        body = f'{{"name":"x","scopes":["read"],"{field}":"{world.people.ann.account.id}"}}'
        answer = await world.send("POST", TOKENS, by=world.people.bob, content=body.encode())
        assert answer.status_code == 400


async def test_every_change_of_a_token_is_in_the_feed(world: World) -> None:
    body = b'{"name":"x","scopes":["read"]}'
    made = await world.send("POST", TOKENS, by=world.people.bob, content=body)
    token_id = made.json()["token"]["id"]
    where = f"{TOKENS}/{token_id}"
    await world.send("PATCH", where, by=world.people.bob, content=b'{"name":"y"}')
    await world.send("POST", f"{where}/rotate", by=world.people.bob)
    await world.send("DELETE", where, by=world.people.bob)
    feed = [event for _, event in await world.stores.events.since(0, 1000)]
    seen = [(event.kind, event.actor) for event in feed if event.subject == token_id]
    bob = world.people.bob.account.id
    kinds = ["issued", "renamed", "rotated", "revoked"]
    assert seen == [(f"token.{kind}", bob) for kind in kinds]
