"""Badges, feeds and llms.txt: what other sites show of public packages."""

from xml.etree import ElementTree

import pytest

from functions.web.badges import BADGES
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate
from tests.protocol.web.page_reader import opened
from tests.protocol.web.sample_packages import publish
from tests.support.world import URL, World

ATOM = "{http://www.w3.org/2005/Atom}"


def said(svg: str) -> str:
    """Return what a badge says."""
    return ElementTree.fromstring(svg).get("aria-label", "")


def titles(xml: str) -> list[str]:
    """Return the titles of the entries of a feed."""
    entries = ElementTree.fromstring(xml).findall(f"{ATOM}entry")
    return [each.findtext(f"{ATOM}title", "") for each in entries]


# --- badges ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("version", "ballroom: v1.2.0"),
        ("pulls", "pulls: 326"),
        ("platform", "platform: any"),
        ("deprecated", "status: maintained"),
    ],
)
async def test_a_badge_says_one_thing_of_a_package(shelf: World, kind: str, message: str) -> None:
    answer = await opened(shelf, f"/badges/acme/greet/{kind}.svg")
    assert said(answer.text) == message
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_a_badge_warns_of_a_deprecation(own_shelf: World) -> None:
    words = Coordinate.parse("acme", "words", "1.0.0")
    await own_shelf.registry.packages.deprecation.deprecate(words, "Use greet.", by=OPERATOR)
    assert said((await opened(own_shelf, "/badges/acme/words/deprecated.svg")).text) == (
        "status: deprecated"
    )
    assert "#8a5300" in (await opened(own_shelf, "/badges/acme/words/version.svg")).text


@pytest.mark.parametrize(
    "path", ["acme/none/version.svg", "acme/greet/none.svg", "acme/greet/version.png", "-/-/x.svg"]
)
async def test_where_there_is_nothing_a_badge_says_so(shelf: World, path: str) -> None:
    answer = await opened(shelf, f"/badges/{path}")
    assert (answer.status_code, said(answer.text)) == (404, "package: not found")


async def test_a_private_package_has_no_badge_even_for_its_members(shelf: World) -> None:
    for kind in BADGES:
        path = f"/badges/acme/secret/{kind}.svg"
        assert (await opened(shelf, path, by=shelf.people.mia)).status_code == 404


# --- feeds -------------------------------------------------------------------------------------


async def test_the_feed_of_a_package_has_its_releases_newest_first(shelf: World) -> None:
    answer = await opened(shelf, "/feeds/packages/acme/greet/releases.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    assert set(titles(answer.text)[:2]) == {"acme/greet 1.2.0", "acme/greet 2.0.0-rc.1"}
    assert titles(answer.text)[2:] == ["acme/greet 1.1.0", "acme/greet 1.0.0"]
    assert "Deprecated. Greets nobody; use 1.2.0." in answer.text


async def test_every_entry_of_a_feed_leads_to_its_release(shelf: World) -> None:
    feed = await opened(shelf, "/feeds/newest.atom")
    entries = ElementTree.fromstring(feed.text).findall(f"{ATOM}entry")
    for entry in entries:
        assert (await shelf.get(entry.findtext(f"{ATOM}id", ""))).status_code == 200


async def test_the_feed_of_an_organization_has_its_own_packages(shelf: World) -> None:
    feed = titles((await opened(shelf, "/feeds/orgs/acme/releases.atom")).text)
    assert set(feed) == {"acme/greet 1.2.0", "acme/words 1.0.0", "acme/helper 1.0.0"}


async def test_the_newest_feed_begins_with_what_came_last(own_shelf: World) -> None:
    own_shelf.clock.at_ms += 1_000
    await publish(own_shelf, "acme/late:1.0.0")
    feed = titles((await opened(own_shelf, "/feeds/newest.atom")).text)
    assert feed[0] == "acme/late 1.0.0"
    assert not any("secret" in title for title in feed)


async def test_a_private_package_is_in_no_feed_even_for_its_members(shelf: World) -> None:
    own = "/feeds/packages/acme/secret/releases.atom"
    assert (await opened(shelf, own, by=shelf.people.mia)).status_code == 404
    for path in ("/feeds/newest.atom", "/feeds/orgs/acme/releases.atom"):
        assert "secret" not in (await opened(shelf, path, by=shelf.people.mia)).text


async def test_a_long_history_is_cut(own_shelf: World) -> None:
    for number in range(55):
        await publish(own_shelf, f"acme/many:1.{number}.0")
    feed = await opened(own_shelf, "/feeds/packages/acme/many/releases.atom")
    assert len(titles(feed.text)) == 50


# --- the list for programs ---------------------------------------------------------------------


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


async def test_an_empty_registry_has_an_empty_list_and_an_empty_feed(world: World) -> None:
    assert "None yet." in (await opened(world, "/llms.txt")).text
    assert titles((await opened(world, "/feeds/newest.atom")).text) == []
