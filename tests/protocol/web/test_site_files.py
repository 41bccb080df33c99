"""Files for crawlers and browsers: robots.txt, sitemap.xml, favicon.ico."""

from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree as ET

from functions.web import site_files
from tests.protocol.web.page_reader import opened
from tests.support.archives import bala
from tests.support.world import URL, World


async def test_crawlers_read_packages_and_nothing_of_anybody(world: World) -> None:
    robots = RobotFileParser()
    robots.parse((await opened(world, "/robots.txt")).text.splitlines())
    for path in ("/", "/packages/acme/greet", "/about", "/orgs/acme"):
        assert robots.can_fetch("anybot", URL + path), path
    for path in ("/account/tokens", "/search?q=x", "/api/v1/orgs", "/files/a/b/1/x", "/sign-in"):
        assert not robots.can_fetch("anybot", URL + path), path
    assert robots.site_maps() == [f"{URL}/sitemap.xml"]


async def places(world: World, path: str) -> list[str]:
    """Return the addresses of a map."""
    answer = await opened(world, path)
    assert answer.headers["content-type"].startswith("application/xml")
    return [str(each.text) for each in ET.fromstring(answer.text).iter() if "loc" in each.tag]


async def test_the_map_lists_every_public_package(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    assert await places(world, "/sitemap.xml") == [f"{URL}/sitemap.xml?page=1"]
    assert await places(world, "/sitemap.xml?page=1") == [
        *(f"{URL}{path}" for path in site_files.SITEMAP_PAGES),
        f"{URL}/packages/acme/greet",
    ]


async def test_the_icon_is_one(world: World) -> None:
    answer = await opened(world, "/favicon.ico")
    assert answer.headers["content-type"] == "image/x-icon"
    assert answer.content.startswith(b"\x00\x00\x01\x00")
    assert answer.headers["cache-control"] == "public, max-age=86400"
