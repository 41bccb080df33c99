"""/api/v1/orgs/{org}/tokens over HTTP: tokens of organizations, for machines."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.domain.accounts import Account
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.world import URL, Person, World

TOKENS = f"{URL}/api/v1/orgs/acme/tokens"
WHOAMI = f"{URL}/api/v1/whoami"
BODY = b'{"name":"nightly","scopes":["read","push-new","push-version"]}'


async def made(world: World, body: bytes = BODY) -> dict[str, Any]:
    """Return a token of acme that Ann makes, as it was shown."""
    answer = await asked(world, world.people.ann, "POST", TOKENS, body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def asked(
    world: World, person: Person, method: str, url: str, body: bytes = b""
) -> httpx.Response:
    """Ask as somebody who has just signed in."""
    browser = await signed_in(world, person)
    path = url.removeprefix(URL)
    return await browser.api(method, path, json.loads(body) if body else None)


async def machine(world: World, body: bytes = BODY) -> Person:
    """Return something that sends a token of acme, and has no account."""
    text = (await made(world, body))["text"]
    return Person(Account(id="", name="nightly", created_ms=0), text)


async def test_an_owner_makes_shows_and_lists_tokens_of_the_organization(world: World) -> None:
    new = await made(world, b'{"name":"nightly","scopes":["push-version"],"package":"g*","days":7}')
    token = new["token"]
    assert token["grants"] == [{"scopes": ["push-version"], "org": "acme", "package": "g*"}]
    assert token["expiresAt"] == "2026-09-28T14:13:20Z"
    shown = await world.get(f"{TOKENS}/{token['id']}", by=world.people.ann)
    assert shown.json() == token
    listed = await world.get(TOKENS, by=world.people.ann)
    assert listed.json() == {"tokens": [token]}
    assert new["text"] not in shown.text + listed.text


async def test_a_token_of_an_organization_pushes_to_no_other_one(world: World) -> None:
    robot = await machine(world)
    await world.push(bala("acme/greet:1.0.0"), by=robot)
    answer = await world.send("GET", "/packages/acme/greet/1.0.0", by=robot)
    assert answer.status_code == 200
    with pytest.raises(Exception, match="You may not publish other/greet"):
        await world.push(bala("other/greet:1.0.0"), by=robot)


async def test_whoami_names_the_organization(world: World) -> None:
    answer = (await world.get(WHOAMI, by=await machine(world))).json()
    assert (answer["name"], answer["administrator"]) == ("acme", False)
    assert answer["organizations"] == [{"org": "acme", "role": "maintainer"}]


async def test_a_token_of_an_organization_stops_when_its_creator_leaves(world: World) -> None:
    robot = await machine(world)
    acme = parse_org("acme")
    memberships = world.registry.organizations.memberships
    await memberships.set_member(
        acme, world.people.mia.account, Role.OWNER, by=OPERATOR, reason="It was decided."
    )
    await memberships.remove_member(
        acme, world.people.ann.account, by=OPERATOR, reason="It was decided."
    )
    world.clock.advance(timedelta(seconds=5))
    assert (await world.get(WHOAMI, by=robot)).status_code == 401


async def test_a_token_of_an_organization_is_renamed_rotated_and_revoked(world: World) -> None:
    new = await made(world)
    where = f"{TOKENS}/{new['token']['id']}"
    ann = world.people.ann
    renamed = await world.send("PATCH", where, by=ann, content=b'{"name":"weekly"}')
    assert renamed.json() == {**new["token"], "name": "weekly"}
    rotated = (await asked(world, ann, "POST", f"{where}/rotate")).json()
    assert rotated["text"] != new["text"]
    assert (await world.send("DELETE", where, by=ann)).status_code == 204
    world.clock.advance(timedelta(seconds=5))
    for text in (new["text"], rotated["text"]):
        headers = {"Authorization": f"Bearer {text}"}
        assert (await world.get(WHOAMI, headers=headers)).status_code == 401
    assert (await world.get(where, by=ann)).status_code == 404


async def test_a_token_of_an_organization_that_manages_is_not_made(world: World) -> None:
    body = b'{"name":"nightly","scopes":["manage"]}'
    answer = await asked(world, world.people.ann, "POST", TOKENS, body)
    assert answer.status_code == 400
    assert "manages nothing" in answer.json()["error"]["message"]
