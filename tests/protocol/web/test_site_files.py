"""Files for crawlers, browsers and programs: robots.txt, favicon.ico, llms.txt."""

from urllib.robotparser import RobotFileParser

from tests.protocol.web.page_reader import opened
from tests.protocol.web.sample_packages import publish
from tests.support.world import URL, World


async def test_crawlers_read_packages_and_nothing_of_anybody(world: World) -> None:
    robots = RobotFileParser()
    robots.parse((await opened(world, "/robots.txt")).text.splitlines())
    for path in ("/", "/packages/acme/greet", "/about", "/orgs/acme"):
        assert robots.can_fetch("anybot", URL + path), path
    for path in ("/account/tokens", "/search?q=x", "/api/v1/orgs", "/files/a/b/1/x", "/sign-in"):
        assert not robots.can_fetch("anybot", URL + path), path


async def test_the_icon_is_one(world: World) -> None:
    answer = await opened(world, "/favicon.ico")
    assert answer.headers["content-type"] == "image/x-icon"
    assert answer.content.startswith(b"\x00\x00\x01\x00")
    assert answer.headers["cache-control"] == "public, max-age=86400"


async def test_programs_find_every_public_package_with_a_line(shelf: World) -> None:
    answer = await opened(shelf, "/llms.txt", by=shelf.people.mia)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    line = f"- [acme/greet]({URL}/packages/acme/greet) 1.2.0: Greets people politely"
    assert line in answer.text
    assert "acme/secret" not in answer.text
    assert answer.text.startswith("# Ballroom\n\n> ")


async def test_a_long_list_goes_on(own_shelf: World) -> None:
    for number in range(200):
        await publish(own_shelf, f"other/p{number}:1.0.0")
    first = await opened(own_shelf, "/llms.txt")
    second = await opened(own_shelf, "/llms.txt?page=2")
    assert f"{URL}/llms.txt?page=2" in first.text
    assert "page=3" not in second.text
    assert first.text.count("\n- [") - 1 + second.text.count("\n- [") == 207
    assert (await opened(own_shelf, "/llms.txt?page=3")).status_code == 404


async def test_an_empty_registry_has_an_empty_list(world: World) -> None:
    assert "None yet." in (await opened(world, "/llms.txt")).text
