"""The page of symbols, and the API."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.protocol.web.page_reader import counted, listed, main_of, opened
from tests.support.documented_packages import documented_bala, published
from tests.support.world import URL, World

pytestmark = pytest.mark.measured


MANY = "".join(f"public function parse{number:02}() {{}}\n" for number in range(45))


async def symbols(world: World, path: str, **options: Any) -> list[str]:
    """Return the addresses of the symbols on a page."""
    text = (await opened(world, path, **options)).text
    return re.findall(r'<a class="mono" href="([^"]+)"', text)


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
    [address, *_] = await symbols(documented, f"/symbols?q={quote(text)}")
    assert (await opened(documented, address)).status_code == 200


@pytest.mark.parametrize("text", ["greet world", "greet:get", "how to say hello in greet"])
async def test_words_of_a_package_find_its_symbols_on_every_face(
    documented: World, text: str
) -> None:
    page = await symbols(documented, f"/symbols?q={quote(text)}")
    answer = await documented.get(f"{URL}/api/v1/symbols?q={quote(text)}&limit=20")
    assert [URL + each for each in page] == [each["url"] for each in answer.json()["symbols"]] != []


async def test_symbols_have_pages_and_the_last_one_answers_for_those_beyond(world: World) -> None:
    await published(world, documented_bala("acme/csv:1.0.0", {"main.bal": MANY}))
    assert counted(await opened(world, "/symbols?q=parse&page=2")) == 45
    assert len(await symbols(world, "/symbols?q=parse&page=2")) == 20
    assert len(await symbols(world, "/symbols?q=parse&page=99")) == 5


async def test_the_api_finds_symbols(documented: World, golden: SnapshotAssertion) -> None:
    answer = await documented.get(f"{URL}/api/v1/symbols?q=greetWorld&limit=5")
    assert answer.json() == golden
    assert (await documented.get(f"{URL}/api/v1/symbols?q=greet&limit=1&offset=x")).json()[
        "symbols"
    ]


async def test_symbols_of_private_packages_are_marked_for_members(world: World) -> None:
    await published(world, documented_bala("acme/secret:1.0.0", visibility="private"))
    for person in (None, world.people.bob):
        assert await symbols(world, "/symbols?q=Client", by=person) == []
        assert await symbols(world, "/search?q=greetWorld", by=person) == []
        answer = await world.get(f"{URL}/api/v1/symbols?q=Client", by=person)
        assert answer.json() == {"symbols": [], "count": 0}
    for member in (world.people.ann, world.people.mia):
        assert len(await symbols(world, "/search?q=greetWorld", by=member)) == 1
        page = await opened(world, "/symbols?q=greetWorld", by=member)
        assert "Private" in page.text
        answer = await world.get(f"{URL}/api/v1/symbols?q=greetWorld", by=member)
        assert answer.json()["count"] == 1


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("greetWorld", "greet<wbr>World"),
        ("greetWrold", "greet<wbr>World"),
        ("greet:Client->greet", "Client.<wbr>greet"),
        ("greet:", "Client"),
        ("import acme/greet;", "Client"),
    ],
)
async def test_one_field_finds_packages_and_symbols(
    documented: World, text: str, symbol: str
) -> None:
    path = quote(text)
    count = counted(await opened(documented, f"/symbols?q={path}"))
    page = await opened(documented, f"/search?q={path}")
    assert count > 0
    assert f'Symbols <span class="count">{count}</span>' in page.text
    assert f"{symbol}</a>" in (await opened(documented, f"/symbols?q={path}")).text
    # Beside packages for what reads as the name of a symbol; an import is about a package.
    assert (f"{symbol}</a>" in page.text) is not text.startswith("import")
    assert listed(page)[:1] == ["acme/greet"]


async def test_the_page_of_symbols_has_the_number_of_packages(documented: World) -> None:
    page = await opened(documented, "/symbols?q=greet")
    assert 'Packages <span class="count">1</span>' in page.text
    assert "Search help" in page.text
    assert 'action="/symbols"' in page.text  # The field of the site searches symbols from here.
