"""The quality score of a package: on its page, on its tab, and explained on a page of its own."""

import re
from datetime import timedelta

import pytest

from shared.domain.identity import OPERATOR
from shared.domain.names import Package
from shared.domain.quality import DOCUMENTATION, RULES
from tests.protocol.web.page_reader import Elements, opened
from tests.protocol.web.sample_packages import fill, publish
from tests.support.world import Person, World

GREET = "/packages/acme/greet"
DEPRECATED = "Deprecated direct dependencies: acme/secret."


async def words(world: World, path: str, by: Person | None = None) -> str:
    """Return the words of a page in one line."""
    answer = await opened(world, path, by=by)
    assert answer.status_code == 200
    return " ".join(Elements.of(answer).words.split())


async def test_a_package_page_links_to_the_score_and_names_what_to_improve(shelf: World) -> None:
    older = Elements.of(await opened(shelf, f"{GREET}/1.0.0"))
    assert f"{GREET}/1.0.0/quality" in older.links
    text = " ".join(older.words.split())
    assert "Quality 30 of 100 To improve: readme, documentation, license" in text


async def test_every_page_has_the_same_score(world: World) -> None:
    await fill(world)
    await world.document()
    for version in ("", "/1.0.0", "/2.0.0-rc.1"):
        first = await words(world, GREET + version)
        [points] = re.findall(r"Quality (\d+ of 100)", first)
        path = f"{GREET}{version}/quality"
        assert f"Quality score: {points} points" in await words(world, path)


@pytest.mark.parametrize("path", [f"{GREET}/1.2.0", GREET, f"{GREET}/latest"])
async def test_the_tab_has_every_part(world: World, path: str) -> None:
    await fill(world)
    await world.document()
    text = await words(world, f"{path}/quality")
    assert "Quality score: 80 of 100 points" in text  # Its functions have no comments.
    for rule in RULES:
        points = 0 if rule is DOCUMENTATION else rule.points
        assert f"{rule.name} {points} of {rule.points}" in text
        assert rule.meaning in text


async def test_documentation_counts_when_it_is_made(own_shelf: World) -> None:
    source = "# Greets.\npublic function greet() {}\npublic function wave() {}\n"
    await publish(own_shelf, "acme/half:1.0.0", entries={"modules/half/half.bal": source})
    page = "/packages/acme/half/1.0.0/quality"
    own_shelf.documents_when_read = False
    assert "Not checked yet: documentation." in await words(own_shelf, page)
    first = await words(own_shelf, "/packages/acme/half/1.0.0")
    assert "of 80 documentation not checked yet" in first
    await own_shelf.document()
    text = await words(own_shelf, page)
    assert "Documentation 10 of 20 1 of 2 public declarations and methods have a comment." in text
    assert "/packages/acme/half/1.0.0/docs" in Elements.of(await opened(own_shelf, page)).links
    assert "View what lacks a comment" in text


async def test_parts_without_all_points_link_to_how_to_improve_them(shelf: World) -> None:
    page = Elements.of(await opened(shelf, f"{GREET}/1.0.0/quality"))
    links = [each for each in page.links if each.startswith("/about/quality#")]
    assert links == [
        f"/about/quality#{key}" for key in ("readme", "documentation", "license", "source")
    ] + ["/about/quality#provenance"]
    assert "This version was published with an access token, not from CI." in page.words


async def test_every_link_leads_to_a_section_that_names_its_points(shelf: World) -> None:
    text = (await opened(shelf, "/about/quality")).text
    for rule in RULES:
        assert re.search(rf'<h2 id="{rule.key}">{rule.name} <span[^>]*>{rule.points} points', text)


async def test_a_deprecated_dependency_costs_points_on_the_tab(own_shelf: World) -> None:
    words_package = Package.parse("acme", "words")
    await own_shelf.registry.packages.deprecation.deprecate_package(
        words_package, "Use greet.", by=OPERATOR
    )
    text = await words(own_shelf, f"{GREET}/quality")
    assert "Quality score: 70 of 100 points" in text
    assert "Deprecated direct dependencies: acme/words." in text
    page = await opened(own_shelf, f"{GREET}/quality")
    link = f'<a href="{GREET}/1.2.0/dependencies">View dependencies</a>'
    assert link in page.text


async def test_a_package_without_recent_releases_is_not_maintained(own_shelf: World) -> None:
    own_shelf.clock.advance(timedelta(days=731))
    assert "had no release in the last two years" in await words(own_shelf, f"{GREET}/quality")


async def test_a_private_dependency_is_like_one_that_is_not_in_the_registry(
    own_shelf: World,
) -> None:
    await publish(own_shelf, "acme/outward:1.0.0", dependencies=["acme/secret:1.0.0"])
    await publish(own_shelf, "acme/missing:1.0.0", dependencies=["acme/none:1.0.0"])
    secret = Package.parse("acme", "secret")
    await own_shelf.registry.packages.deprecation.deprecate_package(secret, "Gone.", by=OPERATOR)
    hidden = await words(own_shelf, "/packages/acme/outward/quality")
    missing = await words(own_shelf, "/packages/acme/missing/quality")
    assert "Its direct dependencies are not in this registry." in hidden
    assert (
        hidden.replace("outward", "missing").partition("Quality score")[2]
        == (missing.partition("Quality score")[2])
    )
    member = await words(own_shelf, "/packages/acme/outward/quality", by=own_shelf.people.mia)
    assert DEPRECATED in member


async def test_the_score_of_a_private_package_is_for_its_members(shelf: World) -> None:
    path = "/packages/acme/secret/1.0.0/quality"
    hidden = await opened(shelf, path)
    missing = await opened(shelf, "/packages/acme/secreg/1.0.0/quality")
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert "Quality score" not in hidden.text
    assert "Quality score" in await words(shelf, path, by=shelf.people.mia)
