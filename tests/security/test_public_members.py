"""Who belongs to an organization is seen by others only where somebody shows it of themselves."""

import pytest

from tests.support.archives import bala
from tests.support.page_client import PageClient
from tests.support.world import URL, World

PAGES = (
    "/orgs/acme",
    "/orgs/acme/people",
    "/orgs/acme/activity",
    "/api/v1/orgs/acme",
    "/packages/acme/greet",
    "/packages/acme/greet/1.0.0/activity",
    "/search?q=mia",
)
FORM = "/account/organizations/appear"


async def seen(world: World, path: str, accept: str = "text/html") -> str:
    return (await world.get(f"{URL}{path}", headers={"accept": accept})).text


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_a_name_and_a_role_are_all_that_is_seen_of_one_member_alone(
    world: World, path: str, accept: str
) -> None:
    ann, mia = world.people.ann, world.people.mia
    await world.push(bala("acme/greet:1.0.0"))
    browser = await PageClient.of(world, mia)
    await browser.open("/orgs/acme/people")
    await browser.send(FORM, org="acme", to="everybody")
    text = await seen(world, path, accept)
    assert ("mia" in text) is (path in ("/orgs/acme/people", "/search?q=mia"))
    hidden = (">ann<", '"ann"', ann.account.id, mia.account.id, "@example", "Since</th>")
    assert [each for each in hidden if each in text] == []


async def test_nobody_shows_somebody_else(world: World) -> None:
    owner = await PageClient.of(world, world.people.ann)
    await owner.open("/account/organizations")
    sent = {"org": "acme", "to": "everybody", "account": world.people.mia.account.id}
    assert (await owner.send(FORM, **sent)).status_code == 303
    assert ">mia<" not in await seen(world, "/orgs/acme/people")


async def test_a_token_shows_nobody_who_does_not_sign_in(world: World) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    sent = b"org=acme&to=everybody"
    for person in (world.people.mia, world.people.ann, None):
        answer = await world.send("POST", f"{URL}{FORM}", by=person, headers=headers, content=sent)
        assert answer.status_code in (400, 401, 403)
    assert "No public members" in await seen(world, "/orgs/acme/people")


async def test_a_private_organization_shows_no_member(world: World) -> None:
    browser = await PageClient.of(world, world.people.mia)
    await browser.open("/orgs/acme/people")
    await browser.send(FORM, org="acme", to="everybody")
    owner = await PageClient.of(world, world.people.ann)
    await owner.open("/account/organizations/acme")
    await owner.send("/account/organizations/acme/visibility", visibility="private")
    hidden = await world.get(f"{URL}/orgs/acme/people")
    missing = await world.get(f"{URL}/orgs/nobody/people")
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert "mia" not in hidden.text
