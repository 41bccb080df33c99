"""/index/config.json: the configuration of the index."""

from tests.support.archives import bala
from tests.support.world import URL, World

CONFIG = f"{URL}/index/config.json"


async def test_the_configuration_is_cached_like_any_file(world: World) -> None:
    answer = await world.get(CONFIG)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert "last-modified" not in answer.headers  # Nobody knows when it changed.
    again = await world.get(CONFIG, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_trailing_slash_changes_nothing(world: World) -> None:
    assert (await world.get(f"{CONFIG}/")).content == (await world.get(CONFIG)).content


async def test_the_address_of_archives_leads_to_the_bytes(world: World) -> None:
    archive = bala("acme/greet.io:1.0.0")
    await world.push(archive)
    config = (await world.get(CONFIG)).json()
    url = config["dl"].format(org="acme", name="greet.io", version="1.0.0")
    first = await world.get(url)
    assert (await world.get(first.headers["location"])).content == archive


async def test_the_address_of_the_api_leads_to_central(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    config = (await world.get(CONFIG)).json()
    assert (await world.get(f"{config['api']}/packages/acme/greet")).json() == ["1.0.0"]


async def test_public_packages_need_no_token(world: World) -> None:
    assert (await world.get(CONFIG)).json()["auth-required"] is False
