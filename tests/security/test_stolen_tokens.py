"""eslint-scope 2018, ua-parser-js 2021, chalk 2025: a token that manages is stolen as well.

`test_stolen_push_tokens.py` is about those that publish.
"""

import asyncio
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.domain.errors.requests import Busy
from shared.domain.members import INVITATION_LIFETIME, Invitation, Membership
from shared.domain.names import Package
from shared.domain.records import Entity
from shared.domain.tokens import Token
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.trusted_publishing.publishers import Publisher
from shared.ports import DirectoryStore
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.trusted_publishing import IDS
from tests.support.world import URL, OpenWorld, Person, World, limited

PUBLISHER = {
    "package": "greet",
    "provider": "github",
    "ids": IDS[Provider.GITHUB],
    "workflow": "release.yml",
    "refs": ["refs/heads/*"],
}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "orgs/acme/publishers", PUBLISHER),
        ("DELETE", "orgs/acme/publishers/publisher1", None),
        ("PUT", "packages/acme/greet/pushers", {"pushers": "members"}),
        ("PUT", "packages/acme/greet/visibility", {"visibility": "private"}),
        ("POST", "orgs/acme/invitations", {"role": "maintainer", "email": "eve@example.org"}),
        ("POST", "orgs/acme/invitations", {"role": "owner"}),
        ("PUT", "orgs/acme/members/ID-OF-mia", {"role": "maintainer"}),
        ("POST", "orgs/acme/tokens", {"name": "ci", "scopes": ["push-version"], "days": 90}),
        ("POST", "orgs/acme/tokens/0000000000/rotate", None),
        ("POST", "orgs/acme/domains", {"domain": "example.org"}),
    ],
)
async def test_a_token_for_everything_changes_nothing_that_outlives_it(
    world: World, method: str, path: str, body: Any
) -> None:
    """What counts takes a person who has just signed in, and no token is one."""
    await world.push(bala("acme/greet:1.0.0"))
    before = await picture(world)
    content = json.dumps(body).encode() if body else None
    url = f"{URL}/api/v1/{world.with_ids(path)}"
    answer = await world.send(method, url, by=world.people.ann, content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "sign-in-again")
    assert await picture(world) == before


async def picture(world: World) -> tuple[object, list[Publisher], list[Membership], int]:
    """Return what a thief would want to change."""
    head, directory = (
        await world.stores.metadata.head(Package.parse("acme", "greet")),
        world.stores.directory,
    )
    members, invitations = (
        await directory.list_by_owner(Membership, "acme"),
        await directory.list_by_owner(Invitation, "acme"),
    )
    return head, await directory.list_by_owner(Publisher, "acme"), members, len(invitations)


async def test_a_stolen_token_that_manages_creates_no_token_that_outlives_it(world: World) -> None:
    stolen = await limited(world, world.people.ann, "manage", "read")
    listed = (await world.get(f"{URL}/api/v1/tokens", by=stolen)).json()["tokens"]
    body = b'{"name":"mine now","scopes":["read"],"days":365}'
    answer = await world.send("POST", f"{URL}/api/v1/tokens", by=stolen, content=body)
    assert answer.json()["token"]["expiresAt"] == listed[-1]["expiresAt"]


# --- what a stolen token made -------------------------------------------------------------------


async def asked(world: World, by: Person, path: str, body: object = None) -> httpx.Response:
    """Post to the API with a token."""
    content = None if body is None else json.dumps(body).encode()
    return await world.send("POST", f"{URL}/api/v1/{path}", by=by, content=content)


async def stolen_token(world: World) -> tuple[Person, str]:
    """Return Ann's token in the hands of a thief, and its id."""
    thief = await limited(world, world.people.ann)
    tokens = await world.get(f"{URL}/api/v1/tokens", by=thief)
    return thief, tokens.json()["tokens"][-1]["id"]


async def with_child(world: World, thief: Person) -> Person:
    """Return the token that the thief makes for later."""
    body = {"name": "later", "scopes": ["push-version", "read"], "days": 365}
    answer = await asked(world, thief, "tokens", body)
    assert answer.status_code == 201, answer.text
    return Person(thief.account, answer.json()["text"])


async def let_in(world: World, thief: Person) -> Person:
    """Let Bob, who is the thief, become a member of acme."""
    code = await invitation(world, thief)
    assert (await asked(world, world.people.bob, "invitations/accept", code)).is_success
    return world.people.bob


async def invitation(world: World, thief: Person) -> dict[str, str]:
    """Return the code of an invitation that the thief sends."""
    sent = await asked(world, thief, "orgs/acme/invitations", {"role": "member"})
    return {"code": sent.json()["link"].rpartition("/")[2]}


async def test_credentials_made_with_a_stolen_token_are_revoked_with_it(world: World) -> None:
    """A child token, an open invitation, and a member who came by one: all in one step."""
    thief, token_id = await stolen_token(world)
    child, member, code = (
        await with_child(world, thief),
        await let_in(world, thief),
        await invitation(world, thief),
    )
    assert (await world.get(f"{URL}/api/v1/orgs/acme/members", by=member)).status_code == 200
    ann = await signed_in(world, world.people.ann)
    ended = await ann.api("POST", f"/api/v1/tokens/{token_id}/stolen")
    assert ended.status_code == 200
    assert sorted(each["what"] for each in ended.json()["ended"]) == [
        "invitation",
        "invitation",
        "membership",
        "token",
    ]
    world.clock.advance(timedelta(seconds=5))
    for text in (thief, child):
        assert (await world.get(f"{URL}/api/v1/whoami", by=text)).status_code == 401
    assert (await world.get(f"{URL}/api/v1/orgs/acme/members", by=member)).status_code == 404
    answer = await asked(world, world.people.bob, "invitations/accept", code)
    assert answer.json()["error"]["code"] == "invitation-not-found"
    assert await world.stores.directory.list_by_owner(Invitation, "acme") == []


async def test_its_end_is_one_event_for_the_account_and_one_for_each_change_of_an_organization(
    world: World,
) -> None:
    thief, token_id = await stolen_token(world)
    await with_child(world, thief)
    await let_in(world, thief)
    ann = await signed_in(world, world.people.ann)
    before = len(await world.stores.events.since(0, 1000))
    for _ in range(2):  # A repeat does no harm, and says nothing new.
        assert (await ann.api("POST", f"/api/v1/tokens/{token_id}/stolen")).status_code == 200
    shown = [event for _, event in (await world.stores.events.since(0, 1000))[before:]]
    assert [each.kind for each in shown] == ["token.stolen", "member.removed"]
    assert shown[0].subject == token_id
    assert (shown[0].details["tokens"], shown[0].details["memberships"]) == ("1", "1")
    assert "token later" in shown[0].details["made"]


async def test_credentials_made_with_a_token_are_listed_with_it(world: World) -> None:
    thief, token_id = await stolen_token(world)
    await with_child(world, thief)
    await invitation(world, thief)
    ann = await signed_in(world, world.people.ann)
    listed = (await ann.api("GET", "/api/v1/tokens")).json()["tokens"]
    tokens = {each["id"]: each for each in listed}
    made = tokens[token_id]["made"]
    assert sorted((each["what"], each["org"]) for each in made) == [
        ("invitation", "acme"),
        ("token", None),
    ]
    [child] = [each for each in tokens.values() if each["madeWith"]]
    assert (child["name"], child["madeWith"]) == ("later", token_id)
    page = await ann.get("/account/tokens")
    assert re.search(r"Created with it: .*token later", page.text, re.DOTALL)
    assert f"with the token {token_id}" in page.text


async def test_credentials_that_the_owner_made_in_a_browser_stay(world: World) -> None:
    _, token_id = await stolen_token(world)
    ann = await signed_in(world, world.people.ann)
    mine = (await ann.api("POST", "/api/v1/tokens", {"name": "mine", "scopes": ["read"]})).json()
    await ann.api("POST", "/api/v1/orgs/acme/invitations", {"role": "maintainer"})
    await ann.api("POST", f"/api/v1/tokens/{token_id}/stolen")
    world.clock.advance(timedelta(seconds=5))
    kept = Person(world.people.ann.account, mine["text"])
    assert (await world.get(f"{URL}/api/v1/whoami", by=kept)).status_code == 200
    assert len(await world.stores.directory.list_by_owner(Invitation, "acme")) == 1


async def test_a_token_that_the_thief_rotated_is_revoked_too(world: World) -> None:
    thief, token_id = await stolen_token(world)
    ann = await signed_in(world, world.people.ann)
    body = {"name": "nightly", "scopes": ["push-version"]}
    nightly = (await ann.api("POST", "/api/v1/tokens", body)).json()["token"]["id"]
    taken = (await asked(world, thief, f"tokens/{nightly}/rotate")).json()["text"]
    await ann.api("POST", f"/api/v1/tokens/{token_id}/stolen")
    world.clock.advance(timedelta(seconds=5))
    answer = await world.get(f"{URL}/api/v1/whoami", by=Person(thief.account, taken))
    assert answer.status_code == 401


async def test_credentials_that_a_person_confirmed_later_stay(world: World) -> None:
    thief, token_id = await stolen_token(world)
    member = await let_in(world, thief)
    ann = await signed_in(world, world.people.ann)
    where = f"/api/v1/orgs/acme/members/{member.account.id}"
    assert (await ann.api("PUT", where, {"role": "maintainer"})).status_code == 204
    await ann.api("POST", f"/api/v1/tokens/{token_id}/stolen")
    assert (await world.get(f"{URL}/api/v1/orgs/acme/members", by=member)).status_code == 200


async def test_a_stolen_token_replaces_no_invitation_that_a_person_sent(world: World) -> None:
    """It would have its role lowered and its code known, and it would end with the token."""
    thief, token_id = await stolen_token(world)
    ann = await signed_in(world, world.people.ann)
    offer = {"role": "maintainer", "email": "eve@example.org"}
    assert (await ann.api("POST", "/api/v1/orgs/acme/invitations", offer)).is_success
    before = await world.stores.directory.list_by_owner(Invitation, "acme")
    world.clock.advance(timedelta(hours=1))
    answer = await asked(world, thief, "orgs/acme/invitations", {**offer, "role": "member"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "sign-in-again")
    assert await ann.api("POST", f"/api/v1/tokens/{token_id}/stolen")
    assert await world.stores.directory.list_by_owner(Invitation, "acme") == before


async def test_a_token_replaces_what_a_token_sent_and_what_has_expired(world: World) -> None:
    thief, token_id = await stolen_token(world)
    ann = await signed_in(world, world.people.ann)
    for email, by_token in (("eve@example.org", True), ("kim@example.org", False)):
        offer = {"role": "member", "email": email}
        where = "orgs/acme/invitations"
        sent = await (
            asked(world, thief, where, offer)
            if by_token
            else ann.api("POST", f"/api/v1/{where}", offer)
        )
        assert sent.is_success
        world.clock.advance(timedelta(hours=1) if by_token else INVITATION_LIFETIME)
        assert (await asked(world, thief, where, offer)).is_success
    found = await world.stores.directory.list_by_owner(Invitation, "acme")
    assert {each.made_with for each in found} == {token_id}


async def test_a_token_that_was_only_revoked_can_still_be_called_stolen(world: World) -> None:
    thief, token_id = await stolen_token(world)
    child = await with_child(world, thief)
    ann = await signed_in(world, world.people.ann)
    assert (await ann.api("DELETE", f"/api/v1/tokens/{token_id}")).status_code == 204
    world.clock.advance(timedelta(seconds=5))
    assert (await world.get(f"{URL}/api/v1/whoami", by=child)).status_code == 200
    assert (await ann.api("POST", f"/api/v1/tokens/{token_id}/stolen")).status_code == 200
    world.clock.advance(timedelta(seconds=5))
    assert (await world.get(f"{URL}/api/v1/whoami", by=child)).status_code == 401


async def test_a_thief_creates_nothing_in_the_seconds_until_every_process_knows(
    world: World,
) -> None:
    thief, token_id = await stolen_token(world)
    assert (await world.get(f"{URL}/api/v1/whoami", by=thief)).status_code == 200
    ann = await signed_in(world, world.people.ann)
    code = await invitation(world, thief)
    await ann.api("POST", f"/api/v1/tokens/{token_id}/stolen")
    body = {"name": "later", "scopes": ["read"]}
    assert (await asked(world, thief, "tokens", body)).status_code == 401
    sent = await asked(world, thief, "orgs/acme/invitations", {"role": "member"})
    assert sent.status_code == 401
    assert (await asked(world, world.people.bob, "invitations/accept", code)).status_code == 404
    names = [
        each.name for each in await world.stores.directory.list_by_owner(Token, thief.account.id)
    ]
    assert "later" not in names
    assert await world.stores.directory.list_by_owner(Invitation, "acme") == []


class Breaking:
    """A directory that fails once, at the first removal of an entity of a kind."""

    def __init__(self, directory: DirectoryStore, kind: type[Entity]) -> None:
        """Fail for `kind`."""
        self._directory = directory
        self._kind = kind
        self.is_broken = False

    def __getattr__(self, name: str) -> Any:
        """Pass every other call on."""
        return getattr(self._directory, name)

    async def remove(self, entity: Entity) -> Entity:
        """Remove the entity, or fail."""
        if isinstance(entity, self._kind) and self.is_broken:
            self.is_broken = False
            raise Busy
        return await self._directory.remove(entity)


@pytest.mark.parametrize("kind", [Token, Invitation, Membership])
@pytest.mark.parametrize("again", ["owner", "upkeep"])
async def test_a_revocation_that_was_broken_off_is_finished(
    worlds: OpenWorld, kind: type[Entity], again: str
) -> None:
    breaking: list[Breaking] = []

    def wrap(stores: Any) -> Any:
        breaking.append(Breaking(stores.directory, kind))
        return replace(stores, directory=breaking[0])

    world = await worlds(wrap=wrap)
    thief, token_id = await stolen_token(world)
    child = await with_child(world, thief)
    await let_in(world, thief)
    await invitation(world, thief)
    ann = await signed_in(world, world.people.ann)
    breaking[0].is_broken = True
    assert (await ann.api("POST", f"/api/v1/tokens/{token_id}/stolen")).status_code == 503
    if again == "owner":
        assert (await ann.api("POST", f"/api/v1/tokens/{token_id}/stolen")).status_code == 200
    else:
        await world.registry.maintenance.upkeep.run("delete-expired-records")
    world.clock.advance(timedelta(seconds=5))
    for text in (thief, child):
        assert (await world.get(f"{URL}/api/v1/whoami", by=text)).status_code == 401
    assert await world.stores.directory.list_by_owner(Invitation, "acme") == []
    members = await world.stores.directory.list_by_owner(Membership, "acme")
    assert world.people.bob.account.id not in {each.account for each in members}


async def test_concurrent_reports_of_theft_publish_one_event(world: World) -> None:
    thief, token_id = await stolen_token(world)
    await with_child(world, thief)
    ann = await signed_in(world, world.people.ann)
    path = f"/api/v1/tokens/{token_id}/stolen"
    await asyncio.gather(*(ann.api("POST", path) for _ in range(5)))
    events = [event.kind for _, event in await world.stores.events.since(0, 1000)]
    assert events.count("token.stolen") == 1


async def test_nobody_else_calls_a_token_stolen(world: World) -> None:
    thief, token_id = await stolen_token(world)
    for by in (world.people.bob, world.people.mia):
        answer = await asked(world, by, f"tokens/{token_id}/stolen")
        assert answer.status_code == 404
    answer = await asked(world, thief, "tokens/0000000000/stolen")
    assert answer.status_code == 404
    assert (await world.get(f"{URL}/api/v1/whoami", by=thief)).status_code == 200
