"""/account/data: taking one's data along, and ending the account."""

import json

import pytest

from shared.domain.accounts import Account
from shared.domain.entity import Place
from tests.pages import Browser
from tests.world import World

PAGE = "/account/data"


@pytest.fixture
async def mia(world: World) -> Browser:
    browser = await Browser.of(world, world.people.mia)
    await browser.open(PAGE)
    return browser


async def test_the_download_holds_what_is_stored_and_no_secret(world: World, mia: Browser) -> None:
    answer = await mia.open("/account/data.json")
    assert answer.headers["content-disposition"] == 'attachment; filename="mia.json"'
    assert answer.headers["cache-control"] == "no-store"
    data = answer.json()
    assert (data["name"], data["administrator"]) == ("mia", False)
    assert [(each["org"], each["role"]) for each in data["organizations"]] == [("acme", "member")]
    assert [each["name"] for each in data["tokens"]] == ["test"]
    assert "account.created" in {each["kind"] for each in data["events"]}
    [used] = await world.registry.tokens.records.of(world.people.mia.account.id)
    for secret in (world.people.mia.token, used.token.hash):
        assert secret not in json.dumps(data)


async def test_the_download_holds_nothing_of_others(mia: Browser) -> None:
    assert "bob" not in (await mia.open("/account/data.json")).text


@pytest.mark.parametrize("typed", ["", "Mia", "ann"])
async def test_an_account_is_deleted_by_its_name_alone(
    world: World, mia: Browser, typed: str
) -> None:
    answer = await mia.send("/account/delete", name=typed)
    assert answer.status_code == 400
    assert "type its name, mia" in mia.text
    assert f'value="{typed}"' in mia.text
    assert await world.stores.directory.get(Account, Place(world.people.mia.account.id))
