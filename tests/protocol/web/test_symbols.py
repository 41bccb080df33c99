"""The page of symbols, its JSON twin, and the API."""

from typing import Any
from urllib.parse import quote

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.protocol.web.page_reader import main_of, opened
from tests.support.documented_packages import documented_bala, published
from tests.support.world import URL, OpenWorld, World

MANY = "".join(f"public function parse{number:02}() {{}}\n" for number in range(45))


async def twin(world: World, path: str, **options: Any) -> dict[str, Any]:
    answer = await opened(world, path, accept="application/json", **options)
    assert answer.status_code == 200
    return answer.json()


@pytest.fixture(scope="module")
async def documented(shared_worlds: OpenWorld) -> World:
    """Return a registry with a package and its documentation, which no test changes."""
    world = await shared_worlds()
    await published(world)
    return world


@pytest.mark.parametrize(
    "path",
    ["/symbols?q=Client", "/symbols?q=zzzzzz", "/symbols", "/symbols?q=%3Cscript%3E"],
    ids=["found", "nothing", "unasked", "hostile"],
)
async def test_a_page_of_symbols(documented: World, path: str, page: SnapshotAssertion) -> None:
    assert main_of(await opened(documented, path)) == page


@pytest.mark.parametrize(
    "text", ["Client.greet", "Client.get", "greet:Mood", "Mood.HAPPY", "greetWorld"]
)
async def test_every_symbol_leads_to_its_documentation(documented: World, text: str) -> None:
    [symbol, *_] = (await twin(documented, f"/symbols?q={quote(text)}"))["symbols"]
    page = await opened(documented, symbol["address"])
    assert page.status_code == 200
    assert symbol["name"] in page.text


async def test_symbols_have_pages_and_the_last_one_answers_for_those_beyond(world: World) -> None:
    await published(world, documented_bala("acme/csv:1.0.0", {"main.bal": MANY}))
    second = await twin(world, "/symbols?q=parse&page=2")
    assert (second["count"], second["page"], second["pages"]) == (45, 2, 3)
    assert len(second["symbols"]) == 20
    last = await twin(world, "/symbols?q=parse&page=99")
    assert (last["page"], len(last["symbols"])) == (3, 5)


async def test_the_api_finds_symbols(documented: World) -> None:
    answer = await documented.get(f"{URL}/api/v1/symbols?q=greetWorld&limit=5")
    assert answer.json() == {
        "symbols": [
            {
                "org": "acme",
                "package": "greet",
                "version": "1.0.0",
                "module": "greet",
                "kind": "function",
                "parent": "",
                "name": "greetWorld",
                "signature": "public isolated function greetWorld() returns string",
                "summary": "Greets the world.",
                "deprecated": False,
                "url": f"{URL}/packages/acme/greet/1.0.0/docs/greet/greetWorld",
            }
        ],
        "count": 1,
    }
    assert (await documented.get(f"{URL}/api/v1/symbols?q=greet&limit=1&offset=x")).json()[
        "symbols"
    ]


async def test_symbols_of_private_packages_are_on_no_page_and_in_no_answer(world: World) -> None:
    await published(world, documented_bala("acme/secret:1.0.0", visibility="private"))
    for person in (None, world.people.ann):
        assert (await twin(world, "/symbols?q=Client", by=person))["count"] == 0
        answer = await world.get(f"{URL}/api/v1/symbols?q=Client", by=person)
        assert answer.json() == {"symbols": [], "count": 0}
