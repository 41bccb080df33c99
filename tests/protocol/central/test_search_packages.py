"""`GET /search-packages` and search suggestions, which editors call while somebody types."""

from urllib.parse import quote

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.protocol.central.answers import answered, refused
from tests.support.archives import bala
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured


@pytest.fixture(scope="module")
async def world(shared_worlds: OpenWorld) -> World:
    """Return a registry with a package, which no test changes."""
    world = await shared_worlds()
    spec = {"modules": ["sub"], "keywords": ["greeting"], "summary": "Greets people."}
    await world.push(bala("acme/greet:1.0.0", **spec))
    return world


async def test_the_language_server_asks_without_any_header_and_with_a_slash_too_many(
    world: World, golden: SnapshotAssertion
) -> None:
    editor = world.editor()
    assert await editor.search_packages(q="greet") == golden
    assert "//search-packages" in editor.wire.exchanges[0].url


async def test_slashes_behind_the_base_are_one_without_a_redirect(world: World) -> None:
    for path in ("//search-packages?q=greet", "///packages//acme///greet", "//packages//?q=greet"):
        answered(await world.get(path))
    missing = await world.get("//packages/acme/greet/1.0.0/nothing")
    assert "/2.0/registry//packages/acme/greet" in refused(missing, 404)


@pytest.mark.parametrize("query", ["q=gre&mode=all", "q=grete"])
async def test_suggestions_complete_what_was_typed(world: World, query: str) -> None:
    answer = answered(await world.get(f"/search-suggestions?{query}"))
    assert set(answer) == {"suggestions"}
    assert "acme/greet" in str(answer["suggestions"])


@pytest.mark.parametrize("query", ["q=", ""])
async def test_packages_are_suggested_before_anything_is_typed(world: World, query: str) -> None:
    answer = answered(await world.get(f"/search-suggestions?{query}"))
    assert answer == {"suggestions": ["acme/greet"]}


@pytest.mark.parametrize("query", ["🚀", ".", "*", "**", "AND", '"!?"', " - "])
async def test_a_query_without_words_finds_nothing_and_says_why(world: World, query: str) -> None:
    for face in ("packages", "search-packages", "tools"):
        found = answered(await world.get(f"/{face}?q={quote(query)}"))
        assert (found.pop(face.removeprefix("search-")), found["count"]) == ([], 0)
        assert "holds no words" in found["message"]
    assert answered(await world.get(f"/search-suggestions?q={quote(query)}"))["suggestions"] == []
    page = await world.get(f"{URL}/search?q={quote(query)}", headers={"Accept": "text/html"})
    assert "holds no words" in page.text


@pytest.mark.parametrize("query", ["", " ", "greet 🚀"])
async def test_no_query_and_one_with_a_word_are_answered_as_ever(world: World, query: str) -> None:
    found = answered(await world.get(f"/packages?q={quote(query)}"))
    assert ("message" in found, found["packages"] != []) == (False, True)


@pytest.mark.parametrize("operation", ["resolve-dependencies", "resolve-modules"])
async def test_a_get_of_a_resolution_is_405_and_names_post(world: World, operation: str) -> None:
    shown = refused(await world.get(f"/packages/{operation}"), 400)
    assert shown.startswith(f"{operation} is an operation, not an organization: send it a POST")


async def test_a_search_tells_what_ranked_a_package_if_it_is_asked(worlds: OpenWorld) -> None:
    world = await worlds()
    for spec in ("acme/greet:1.0.0", "acme/echo_greet:1.0.0"):
        await world.push(bala(spec))
    path = f"{URL}/2.0/registry/search-packages?q=greet"
    assert "score" not in (await world.get(path)).json()["packages"][0]
    found = (await world.get(f"{path}&explain=true")).json()["packages"]
    scores = [each["score"] for each in found]
    assert scores[0]["name"] == 50
    assert "words" in scores[1]
    assert "name" not in scores[1]
    assert sum(scores[0].values()) > sum(scores[1].values())
