"""/account/organizations/{org}/held: owners publish or refuse releases that burst
detection held.
"""

from datetime import timedelta

import pytest

from shared.domain.names import parse_org
from shared.domain.organizations import Organization, organization_place
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.world import URL, OpenWorld, Person, World

pytestmark = pytest.mark.measured

PAGE = "/account/organizations/acme/held"
BASE = "/packages/acme/base"


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry that holds the second package of a burst already, and one is."""
    world = await worlds(brake_packages=1)
    await world.push(bala("acme/greet:1.0.0"))
    await world.push_held(bala("acme/base:1.0.0"))
    return world


async def test_an_owner_publishes_what_waits(ann: Browser) -> None:
    assert "base" in ann.text
    assert "First version of this package" in ann.text
    assert (await ann.world.get(URL + BASE)).status_code == 404
    await ann.submit(f"{PAGE}/confirm", name="base", version="1.0.0")
    assert "Release published." in ann.text
    assert "No held releases" in ann.text
    assert (await ann.world.get(URL + BASE)).status_code == 200


async def test_the_token_is_revoked_at_once_if_it_is_one_s_own(ann: Browser) -> None:
    [used] = await ann.world.registry.tokens.records.of(ann.world.people.ann.account.id)
    await ann.submit(f"{PAGE}/revoke", token=used.token.id, whose="mine")
    assert "Access token revoked" in ann.text
    assert f"<dt>Credential</dt><dd>{used.token.id}" in ann.text
    assert await ann.world.registry.tokens.records.of(ann.world.people.ann.account.id) == []


async def test_the_token_is_revoked_at_once_if_it_is_the_organization_s(world: World) -> None:
    ann = await signed_in(world, world.people.ann)
    tokens = "/account/organizations/acme/tokens"
    await ann.open(tokens)
    await ann.submit(tokens, name="robot", scope=["push-new"])
    text = ann.text.partition('class="code" type="text" readonly value="')[2].partition('"')[0]
    robot = Person(world.people.ann.account, text)
    for name in ("one", "two"):
        await world.push_held(bala(f"acme/{name}:1.0.0"), by=robot)
    await ann.open(PAGE)
    assert "a token of acme" in ann.text
    [used] = await world.registry.tokens.records.of(await id_of(world))
    await ann.submit(f"{PAGE}/revoke", token=used.token.id, whose="organization")
    assert await world.registry.tokens.records.of(await id_of(world)) == []


async def id_of(world: World) -> str:
    """Return what the organization's tokens belong to."""
    found = await world.stores.directory.get(Organization, organization_place(parse_org("acme")))
    assert found
    return found.id


async def test_an_owner_refuses_what_waits(ann: Browser) -> None:
    await ann.submit(f"{PAGE}/refuse", name="base", version="1.0.0")
    assert "Release refused. Its version cannot be published again." in ann.text
    assert "No held releases" in ann.text
    assert (await ann.world.get(URL + BASE)).status_code == 404
    await ann.open("/account/organizations/acme/log")
    assert "refused to publish acme/base:1.0.0" in ann.text


@pytest.mark.parametrize(("decision", "done"), [("confirm", "published"), ("refuse", "refused")])
async def test_releases_that_came_after_the_page_wait_on(
    ann: Browser, decision: str, done: str
) -> None:
    await ann.world.push_held(bala("acme/other:1.0.0"))
    await ann.open(PAGE)
    ann.world.clock.advance(timedelta(seconds=1))
    await ann.world.push_held(bala("acme/later:1.0.0"))
    await ann.submit(f"{PAGE}/{decision}-all")
    assert f"Releases {done}." in ann.text
    assert "later" in ann.text
    assert "base" not in ann.text


async def test_a_form_that_does_not_say_until_when_decides_on_nothing(ann: Browser) -> None:
    for until in ("", "soon", "9" * 30):
        answer = await ann.post(f"{PAGE}/refuse-all", publisher="", until=until)
        assert answer.status_code == 400
        assert "Open the page again." in ann.text
    assert "base" in ann.text
