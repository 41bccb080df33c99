"""The tokens of directories: who gets one, what one reaches, and how one is replaced."""

from datetime import timedelta

import pytest
from anyio.to_thread import run_sync

from shared.domain.errors.base import Conflict, Invalid
from shared.domain.errors.identity import NotPermitted, SignInAgain, TokenNotFound
from shared.domain.principals import OPERATOR
from tests.support.browsers import signed_in
from tests.support.scim import BASE, ScimWorld, issue, open_scim
from tests.support.sign_in import SETTINGS
from tests.support.storage import one_instance, one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

ENVIRONMENT = {f"BALLROOM_{name.upper()}": value for name, value in SETTINGS.items()}


@pytest.fixture
async def scim(worlds: OpenWorld) -> ScimWorld:
    return await open_scim(worlds)


async def status(world: World, token: str, address: str = f"{BASE}/Users") -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return (await world.get(address, headers=headers)).status_code


@pytest.mark.parametrize("path", ["/Users", "/Groups", "/Schemas", "/ServiceProviderConfig"])
async def test_everything_is_refused_without_the_token_of_a_directory(
    scim: ScimWorld, path: str
) -> None:
    people = scim.world.people
    for token in ("", "nonsense", people.admin.token, scim.token[:-1] + "x"):
        assert await status(scim.world, token, BASE + path) == 401
    assert await status(scim.world, scim.token, BASE + path) == 200


async def test_a_refusal_is_an_error_of_scim_and_asks_for_a_bearer_token(worlds: OpenWorld) -> None:
    world = await worlds()
    answer = await world.get(f"{BASE}/Users")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/scim+json"
    assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert answer.json()["status"] == "401"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/orgs",
        "/api/v1/whoami",
        "/api/v1/scim/tokens",
        "/api/v1/tokens",
        "/2.0/registry/packages/acme",
        "/account",
        "/manage/scim",
    ],
)
async def test_the_token_of_a_directory_reaches_nothing_else(scim: ScimWorld, path: str) -> None:
    assert await status(scim.world, scim.token, URL + path) == 401


async def test_a_new_token_is_good_beside_the_old_one_until_that_is_revoked(
    scim: ScimWorld,
) -> None:
    tokens = scim.world.registry.scim.tokens
    newer = await issue(scim.company)
    assert await status(scim.world, scim.token) == 200
    await tokens.revoke(scim.issued.token.id, by=OPERATOR)
    assert await status(scim.world, scim.token) == 401
    assert await status(scim.world, newer.text.reveal()) == 200
    with pytest.raises(TokenNotFound):
        await tokens.revoke(scim.issued.token.id, by=OPERATOR)


async def test_a_directory_has_four_tokens_at_most(scim: ScimWorld) -> None:
    for _ in range(3):
        await issue(scim.company)
    with pytest.raises(Conflict, match="Revoke one first"):
        await issue(scim.company)


async def test_a_token_expires_and_administrators_are_told_before(scim: ScimWorld) -> None:
    world = scim.world
    world.clock.advance(timedelta(days=336))
    report = await world.registry.administration.status.report(by=OPERATOR)
    assert any("The token of the directory entra expires" in p.sentence for p in report.to_decide)
    world.clock.advance(timedelta(days=30))
    assert await status(world, scim.token) == 401
    assert await world.registry.scim.tokens.listed(by=OPERATOR) == []


async def test_only_administrators_who_signed_in_recently_get_one(scim: ScimWorld) -> None:
    tokens = scim.world.registry.scim.tokens
    people = scim.world.people
    with pytest.raises(NotPermitted):
        await tokens.issue("entra", 30, by=scim.world.fresh(people.ann))
    stale = scim.world.fresh(people.admin)
    scim.world.clock.advance(timedelta(hours=1))
    with pytest.raises(SignInAgain):
        await tokens.issue("entra", 30, by=stale)
    sent = {"directory": "entra"}
    answer = await scim.world.send("POST", f"{URL}/api/v1/scim/tokens", by=people.admin, json=sent)
    assert answer.status_code == 403


async def test_a_directory_is_one_of_the_ways_to_sign_in(
    scim: ScimWorld, worlds: OpenWorld
) -> None:
    with pytest.raises(Invalid, match=r"There are several directories\. Name entra or oidc"):
        await scim.world.registry.scim.tokens.issue("", 30, by=OPERATOR)
    with pytest.raises(Invalid, match="'ldap' is no directory"):
        await scim.world.registry.scim.tokens.issue("ldap", 30, by=OPERATOR)
    without = await worlds()
    with pytest.raises(Invalid, match="neither Entra ID"):
        await without.registry.scim.tokens.issue("", 30, by=OPERATOR)


async def test_events_say_who_issued_and_revoked(scim: ScimWorld) -> None:
    events = scim.world.stores.events
    await scim.world.registry.scim.tokens.revoke(scim.issued.token.id, by=OPERATOR)
    kinds = [event.kind for _, event in await events.newest(None, 10)]
    assert {"scim.token-issued", "scim.token-revoked"} <= {*kinds}
    texts = [event.model_dump_json() for _, event in await events.newest(None, 50)]
    assert not any(scim.token in each for each in texts)


@one_machine("its commands find a data folder")
@one_instance("a command changes the folder of the world")
async def test_the_command_prints_a_token_that_works(scim: ScimWorld) -> None:
    terminal = Terminal(scim.world.registry.settings.data, ENVIRONMENT)
    token = (await run_sync(terminal.run, "scim", "token", "--directory", "entra")).strip()
    assert await status(scim.world, token) == 200
    assert len((await run_sync(terminal.json, "scim", "tokens"))["tokens"]) == 2


async def test_the_page_shows_a_token_once(scim: ScimWorld) -> None:
    client = await signed_in(scim.world, scim.world.people.admin, "/manage/scim")
    await client.submit("/manage/scim/tokens", directory="entra")
    assert "Token created." in client.text
    await client.open("/manage/scim")
    assert "Token created." not in client.text
    assert scim.issued.token.id in client.text
    await client.submit("/manage/scim/revoke", token=scim.issued.token.id)
    assert await status(scim.world, scim.token) == 401
