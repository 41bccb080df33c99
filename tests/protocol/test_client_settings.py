"""Settings.toml: from the API, from the account page, and from the first start."""

import html
import tomllib

from shared.commands.first_start import first_start
from shared.domain.client_settings import TOKEN_PLACEHOLDER, client_settings
from tests.support.browsers import signed_in
from tests.support.world import URL, OpenWorld, World

ADDRESS = f"{URL}/api/v1/settings.toml"


async def test_a_caller_gets_settings_with_their_name_and_no_token(world: World) -> None:
    answer = await world.get(ADDRESS, by=world.people.ann)
    assert answer.headers["content-type"] == "application/toml"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text == client_settings(URL, "ann")
    assert world.people.ann.token not in answer.text


async def test_anybody_gets_settings_to_fill_in(world: World) -> None:
    answer = await world.get(ADDRESS)
    settings = tomllib.loads(answer.text)
    [entry] = settings["repository"]["maven"]
    assert (entry["username"], entry["accesstoken"]) == ("me", TOKEN_PLACEHOLDER)


async def test_the_page_of_an_account_shows_its_settings(world: World) -> None:
    browser = await signed_in(world, world.people.ann)
    assert client_settings(URL, "ann") in html.unescape(browser.page.text)


async def test_a_mirror_offers_itself_as_proxy_of_central(worlds: OpenWorld) -> None:
    mirror = await worlds(upstream="http://127.0.0.1:1")
    file = mirror.registry.settings.data / "Settings.toml"
    await first_start(mirror.registry, file)
    browser = await signed_in(mirror, mirror.people.ann)
    pages = ((await mirror.get(ADDRESS)).text, html.unescape(browser.page.text), file.read_text())
    for text in pages:
        assert text.count("proxyCentral = true") == 1
        assert "\n  proxyCentral = true" in text
