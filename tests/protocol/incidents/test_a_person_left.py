"""The commands of the section about a person who left."""

import json
from pathlib import Path

import pytest

from shared.domain.accounts import Account
from shared.domain.grants import Grant
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR, Principal
from shared.domain.scopes import Role
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from tests.support.incident_page import follow
from tests.support.storage import one_machine
from tests.support.world import URL, Person, World, token_of

pytestmark = one_machine("its commands find a data folder")


async def token_of_acme(world: World, maker: Account) -> Person:
    by = Principal(maker.id, "session", (Grant(),), signed_in_ms=world.clock.now_ms())
    wanted = TokenRequest.parse("ci", ["read"], org="acme", package="*", days=300)
    tokens = world.registry.tokens.access_tokens
    owner = OfOrganization(parse_org("acme"))
    return Person(maker, (await tokens.issue(owner, wanted, by=by)).text.reveal())


async def status(world: World, person: Person) -> int:
    return (await world.get(f"{URL}/api/v1/whoami", by=person)).status_code


async def test_a_person_who_left_has_nothing_any_more_and_builds_go_on(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    accounts = world.registry.identity.accounts
    organizations = world.registry.organizations
    kim = await accounts.create("kim", by=OPERATOR)
    lee = await accounts.create("lee", by=OPERATOR)
    acme = parse_org("acme")
    memberships = organizations.memberships
    ann = world.people.ann.account
    await memberships.set_member(acme, kim, Role.OWNER, by=OPERATOR, reason="A test.")
    await memberships.remove_member(acme, ann, by=OPERATOR, reason="A test.")
    own = Person(kim, await token_of(world.registry, kim))
    build = await token_of_acme(world, kim)
    printed = await follow(world, "A person left")
    assert "owner of acme" in printed
    assert "lee is the maker of the token ci" in printed
    assert await status(world, build) == 200
    assert await status(world, own) == 401
    access = await world.stores.directory.access_context(lee.id, acme, world.clock.now_ms())
    assert access.role is Role.OWNER
    access = await world.stores.directory.access_context(kim.id, acme, world.clock.now_ms())
    assert (access.role, access.is_locked) == (None, True)
    document = json.loads((tmp_path / "kim.json").read_text("utf-8"))
    assert document["soleOwnerOf"] == ["acme"]
    assert "lee is an owner of acme." in document["done"]
