"""Badges: one fact of a public package, for readmes on other sites."""

from xml.etree import ElementTree

import pytest

from functions.web.badges import BAD, BADGES, MAX_CHARACTERS, PLAIN, Badge, badge_svg
from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from tests.protocol.web.page_reader import Elements, opened
from tests.protocol.web.sample_packages import publish
from tests.support.advisories import advisory, affected
from tests.support.archives import bala
from tests.support.world import URL, World

pytestmark = pytest.mark.measured


def said(svg: str) -> str:
    """Return what a badge says."""
    return ElementTree.fromstring(svg).get("aria-label", "")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("version", "ballroom: v1.2.0"),
        ("pulls", "pulls: 326"),
        ("license", "license: Apache-2.0"),
        ("ballerina", "ballerina: 2201.12.0"),
    ],
)
async def test_a_badge_says_one_thing_of_a_package(shelf: World, kind: str, message: str) -> None:
    answer = await opened(shelf, f"/badges/acme/greet/{kind}.svg")
    assert said(answer.text) == message
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert "sandbox" in answer.headers["content-security-policy"]
    read = (await opened(shelf, f"/badges/acme/greet/{kind}.json")).json()
    assert (read["schemaVersion"], read["isError"]) == (1, False)
    assert f"{read['label']}: {read['message']}" == message


async def test_a_badge_warns_of_a_deprecation(own_shelf: World) -> None:
    words = Coordinate.parse("acme", "words", "1.0.0")
    await own_shelf.registry.packages.deprecation.deprecate(words, "Use greet.", by=OPERATOR)
    assert "#8a5300" in (await opened(own_shelf, "/badges/acme/words/version.svg")).text


async def test_the_badge_of_a_version_says_that_an_advisory_affects_it(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    service = world.registry.advisories.advisories
    await service.store(advisory(affected("acme/greet", "introduced 0")), OPERATOR)
    answer = await world.get(f"{URL}/badges/acme/greet/version.json")
    assert answer.json()["message"] == "v1.0.0 affected"
    assert answer.json()["color"] == BAD
    await world.push(bala("acme/other:1.0.0"))
    other = await world.get(f"{URL}/badges/acme/other/version.json")
    assert other.json()["message"] == "v1.0.0"


@pytest.mark.parametrize("file", ["license.svg", "license.json", "ballerina.svg", "ballerina.json"])
async def test_no_text_of_an_author_turns_a_badge_around(own_shelf: World, file: str) -> None:
    text = "1.0 \u202eliar"
    manifest = {"licenses": [text], "ballerina_version": text}
    await publish(own_shelf, "acme/turned:1.0.0", manifest=manifest)
    badge = await own_shelf.get(f"{URL}/badges/acme/turned/{file}")
    assert "1.0 [U+202E]liar" in badge.text
    assert "\u202e" not in badge.text


async def test_a_package_without_a_license_says_so(own_shelf: World) -> None:
    await publish(own_shelf, "acme/bare:1.0.0", licenses=[])
    badge = await opened(own_shelf, "/badges/acme/bare/license.svg")
    assert said(badge.text) == "license: not specified"


@pytest.mark.parametrize("suffix", ["svg", "json"])
async def test_what_is_not_public_has_the_badge_of_a_missing_package(
    own_shelf: World, suffix: str
) -> None:
    await publish(own_shelf, "acme/inside:1.0.0", visibility=Visibility.INTERNAL.value)
    by = own_shelf.people.mia
    for kind in BADGES:
        missing = await opened(own_shelf, f"/badges/acme/none/{kind}.{suffix}")
        assert missing.status_code == 200
        assert "not found" in missing.text
        for name in ("secret", "inside", "-"):
            found = await opened(own_shelf, f"/badges/acme/{name}/{kind}.{suffix}", by=by)
            assert (found.status_code, found.content) == (200, missing.content)


@pytest.mark.parametrize("file", ["none.svg", "version.png", "version", ".svg"])
async def test_there_is_no_other_badge(shelf: World, file: str) -> None:
    assert (await opened(shelf, f"/badges/acme/greet/{file}")).status_code == 404


async def test_the_page_of_a_public_package_offers_the_markdown(shelf: World) -> None:
    page = Elements.of(await opened(shelf, "/packages/acme/greet"))
    markdown = f"[![acme/greet]({URL}/badges/acme/greet/version.svg)]({URL}/packages/acme/greet)"
    assert markdown in page.words
    sources = [each["src"] for each in page.every("img") if each["src"].startswith("/badges/")]
    assert sources
    for source in sources:
        assert (await opened(shelf, source)).status_code == 200
    secret = await opened(shelf, "/packages/acme/secret", by=shelf.people.mia)
    assert "/badges/" not in secret.text


def test_a_long_text_is_cut() -> None:
    svg = badge_svg(Badge("license", "x" * 100, PLAIN))
    assert said(svg) == f"license: {'x' * (MAX_CHARACTERS - 1)}…"


def test_no_text_is_markup() -> None:
    tags = {
        each.tag.rpartition("}")[2]
        for each in ElementTree.fromstring(badge_svg(Badge("license", '<script>"&', PLAIN))).iter()
    }
    assert tags == {"svg", "title", "rect", "path", "g", "text"}
