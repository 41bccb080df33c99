"""Files for crawlers, browsers and programs: robots.txt, sitemap.xml, opensearch.xml, favicon.ico,
llms.txt."""

import re
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

from functions.web.site_files import PACKAGES_PER_SITEMAP, sitemap_index
from shared.domain.listings import Listing
from shared.domain.packages import Texts
from shared.domain.search import Results
from tests.contract.sample_records import head, release
from tests.protocol.web.page_reader import opened
from tests.support.world import URL, World

OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"
SITEMAPS = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


async def test_crawlers_read_packages_and_nothing_of_anybody(world: World) -> None:
    robots = RobotFileParser()
    robots.parse((await opened(world, "/robots.txt")).text.splitlines())
    for path in ("/", "/packages/acme/greet", "/about", "/orgs/acme"):
        assert robots.can_fetch("anybot", URL + path), path
    for path in ("/account/tokens", "/search?q=x", "/api/v1/orgs", "/files/a/b/1/x", "/sign-in"):
        assert not robots.can_fetch("anybot", URL + path), path


def addresses(xml: str) -> list[str]:
    """Return the paths of a sitemap, or of an index of them."""
    root = ElementTree.fromstring(xml)
    found = [each.text or "" for each in root.iter(f"{SITEMAPS}loc")]
    assert all(each.startswith(f"{URL}/") for each in found)
    return [each.removeprefix(URL) for each in found]


async def test_crawlers_find_every_public_page_and_package(shelf: World) -> None:
    assert f"Sitemap: {URL}/sitemap.xml" in (await opened(shelf, "/robots.txt")).text
    answer = await opened(shelf, "/sitemap.xml", by=shelf.people.mia)
    assert answer.headers["content-type"].startswith("application/xml")
    found = addresses(answer.text)
    assert "/packages/acme/greet" in found
    # Of the manual one page is about secrets.
    assert not any("secret" in each for each in found if not each.startswith("/docs/"))
    for path in found:
        assert (await opened(shelf, path)).status_code == 200, path


def test_a_long_sitemap_is_an_index_of_parts() -> None:
    found = Results(hits=(), count=2 * PACKAGES_PER_SITEMAP + 1)
    expected = [f"/sitemap.xml?page={number}" for number in (1, 2, 3)]
    assert addresses(sitemap_index(found, URL).decode()) == expected


async def test_a_part_of_a_sitemap_that_is_not_there_is_not_found(shelf: World) -> None:
    whole = await opened(shelf, "/sitemap.xml")
    assert (await opened(shelf, "/sitemap.xml?page=1")).text == whole.text
    assert (await opened(shelf, "/sitemap.xml?page=2")).status_code == 404


async def test_browsers_can_search_from_their_address_bar(world: World) -> None:
    description = await opened(world, "/opensearch.xml")
    assert description.headers["content-type"].startswith("application/opensearchdescription+xml")
    urls = ElementTree.fromstring(description.text).iter(f"{OPENSEARCH}Url")
    templates = {each.get("type", ""): each.get("template", "") for each in urls}
    assert templates["text/html"] == f"{URL}/search?q={{searchTerms}}"
    suggestions = templates["application/x-suggestions+json"].replace("{searchTerms}", "gre")
    assert (await world.get(suggestions)).status_code == 200
    page = await opened(world, "/")
    assert re.search(r'<link rel="search"[^>]* href="/opensearch.xml">', page.text)


async def test_the_favicon_is_an_icon_that_caches_keep_for_a_day(world: World) -> None:
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
    for number in range(200):  # What search lists, which takes less than pushes.
        name = f"other/p{number}"
        listed = Listing(head(name), release(f"{name}:1.0.0"), Texts())
        await own_shelf.stores.search.offer(listed)
    first = await opened(own_shelf, "/llms.txt")
    second = await opened(own_shelf, "/llms.txt?page=2")
    assert f"{URL}/llms.txt?page=2" in first.text
    assert "page=3" not in second.text
    assert first.text.count("\n- [") - 1 + second.text.count("\n- [") == 207
    assert (await opened(own_shelf, "/llms.txt?page=3")).status_code == 404


async def test_an_empty_registry_has_an_empty_list(world: World) -> None:
    assert "None yet." in (await opened(world, "/llms.txt")).text
