"""Symbols of all packages, as the language server reads them."""

from typing import Any
from urllib.parse import quote

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from tests.support.archives import bala
from tests.support.documented_packages import documented_bala, published
from tests.support.world import OpenWorld, Person, World

pytestmark = pytest.mark.measured


FUNCTION = "# Says hello.\npublic function sayHello(string name) returns string => name;\n"


def sources(text: str = FUNCTION) -> dict[str, str]:
    return {"main.bal": text}


async def found(world: World, text: str, **query: str) -> list[str]:
    """Return the symbols that the language server finds."""
    answer = await world.editor().search_symbols(q=text, **query)
    return [_path(each) for each in answer["symbols"]]


def _path(symbol: dict[str, Any]) -> str:
    parent = f"{symbol['symbolParent']}." if symbol["symbolParent"] else ""
    return f"{symbol['organization']}/{symbol['name']}:{parent}{symbol['symbolName']}"


async def test_a_symbol_has_every_key_of_central(world: World, golden: SnapshotAssertion) -> None:
    await published(world)
    answer = await world.editor().search_symbols(q="Client.greet", limit="5", offset="0")
    package = (await world.get("/packages/acme/greet/1.0.0")).json()["id"]
    assert answer["symbols"][0]["packageID"] == str(package)
    assert answer == golden


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("greet:Client", "client"),
        ("greet:Listener", "listener"),
        ("greet:Service", "service"),
        ("greet:Person", "record"),
        ("greet:Mood", "enum"),
        ("Mood.HAPPY", "constant"),
        ("greet:Error", "error"),
        ("greetWorld", "function"),
        ("Client.init", "function"),
    ],
)
async def test_a_symbol_has_the_kind_that_central_calls_it(
    documented: World, text: str, kind: str
) -> None:
    answer = await documented.editor().search_symbols(q=text)
    assert answer["symbols"][0]["symbolType"] == kind


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("client", ["acme/greet:Client"]),
        ("Function", ["acme/greet:Client.greet", "acme/greet:greetWorld"]),
        ("service", ["acme/greet:Service"]),
        ("nothing", []),
    ],
)
async def test_symbols_of_a_kind_are_found(documented: World, kind: str, wanted: list[str]) -> None:
    answer = await documented.editor().search_symbols(q="org:acme", symbolType=kind, limit="100")
    shown = [_path(each) for each in answer["symbols"]]
    assert {each["symbolType"] for each in answer["symbols"]} <= {kind.lower()}
    assert answer["count"] == len(shown)
    assert {*wanted} <= {*shown}
    assert bool(shown) is bool(wanted)


async def test_symbols_have_pages(documented: World) -> None:
    every = await found(documented, "greet", limit="50")
    assert len(every) > 2
    assert await found(documented, "greet", limit="1", offset="1") == every[1:2]


@pytest.mark.parametrize(
    ("text", "org", "wanted"),
    [
        ("org:acme", "", "one:greet one:sayHello two:greet two:sayHello two:sayMore"),
        ("sayHello org:ACME", "", "one:sayHello two:sayHello"),
        ("more org:(other OR acme)", "", "two:sayMore"),
        ("org:other AND say", "", "other/one:sayHello"),
        ("say", "other", "other/one:sayHello"),
        ("sayMore", "other,acme", "two:sayMore"),
        *((text, "", "") for text in ("org:nobody", "say org:nobody", "org:acme org:other")),
        ("org:acme", "other", ""),
    ],
)
async def test_symbols_of_an_organization_are_found_with_words_and_without(
    of_organizations: World, text: str, org: str, wanted: str
) -> None:
    shown = sorted(await found(of_organizations, text, org=org))
    assert [each.removeprefix("acme/") for each in shown] == wanted.split()


@pytest.fixture(scope="module")
async def of_organizations(shared_worlds: OpenWorld) -> World:
    """Return a registry with symbols of two organizations, which no test changes."""
    world = await shared_worlds()
    more = FUNCTION.replace("sayHello", "sayMore")
    await published(
        world,
        documented_bala("acme/one:1.0.0", sources()),
        documented_bala("acme/two:1.0.0", sources(FUNCTION + more)),
        documented_bala("other/one:1.0.0", sources()),
        by=world.people.admin,
    )
    return world


async def test_all_symbols_of_ones_own_organizations_are_listed_page_by_page(
    of_organizations: World,
) -> None:
    world = of_organizations
    own = "/search-symbols?user-packages="

    async def listed(query: str, by: Person | None) -> list[str]:
        answer = (await world.get(query, by=by)).json()
        assert answer["count"] >= len(answer["symbols"])
        return [_path(each) for each in answer["symbols"]]

    every = await listed(f"{own}true&limit=50", world.people.ann)
    assert [each.removeprefix("acme/") for each in sorted(every)] == (
        ["one:greet", "one:sayHello", "two:greet", "two:sayHello", "two:sayMore"]
    )
    pages = [await listed(f"{own}1&limit=2&offset={at}", world.people.ann) for at in range(0, 8, 2)]
    assert [len(each) for each in pages] == [2, 2, 1, 0]
    assert [each for page in pages for each in page] == every
    assert await listed(f"{own}true&q=more", world.people.ann) == ["acme/two:sayMore"]
    assert await listed(f"{own}true&org=other", world.people.ann) == []
    bobs = await listed(f"{own}true", world.people.bob)
    assert sorted(bobs) == ["other/one:greet", "other/one:sayHello"]
    assert await listed(f"{own}true", world.people.mia) == every
    assert await listed(f"{own}true", None) == []


async def test_the_symbols_are_those_of_the_latest_release(world: World) -> None:
    old = "public function oldName() {}"
    await published(world, documented_bala("acme/greet:1.0.0", sources(old)))
    assert await found(world, "oldName") == ["acme/greet:oldName"]
    await published(world, documented_bala("acme/greet:1.1.0", sources()))
    assert await found(world, "oldName") == []
    assert await found(world, "sayHello") == ["acme/greet:sayHello"]
    await published(world, documented_bala("acme/greet:1.0.1", sources(old)))
    assert await found(world, "oldName") == []
    assert await found(world, "sayHello") == ["acme/greet:sayHello"]


async def test_symbols_of_a_private_package_are_found_by_members_alone(world: World) -> None:
    private = documented_bala("acme/secret:1.0.0", sources(), visibility="private")
    await published(world, private)
    nothing = {"symbols": [], "count": 0, "offset": 0, "limit": 10}
    for text in ("sayHello", "sayHelo", "secret:", "org:acme", "import acme/secret;"):
        path = f"/search-symbols?q={quote(text)}"
        for person in (None, world.people.bob):
            assert (await world.get(path, by=person)).json() == nothing
        found = (await world.get(path, by=world.people.ann)).json()
        assert (found["count"] > 0) is (text != "sayHelo")  # Private names mend no typo.
        assert {each["organization"] for each in found["symbols"]} <= {"acme"}


async def test_symbols_come_and_go_with_the_visibility_of_their_package(world: World) -> None:
    greet = Coordinate.parse("acme", "greet", "1.0.0").package
    await published(world, documented_bala("acme/greet:1.0.0", sources()))
    for visibility, wanted in (
        (Visibility.PRIVATE, []),
        (Visibility.PUBLIC, ["acme/greet:sayHello"]),
    ):
        await world.registry.packages.visibility.change(
            greet, visibility, by=OPERATOR, reason="It was decided."
        )
        assert await found(world, "sayHello") == wanted


async def test_symbols_of_a_withheld_release_are_not_found(world: World) -> None:
    greet = Coordinate.parse("acme", "greet", "1.0.0")
    await published(world, documented_bala("acme/greet:1.0.0", sources()))
    moderation = world.registry.publishing.moderation
    await moderation.quarantine(greet, "looked at", by=OPERATOR)
    assert await found(world, "sayHello") == []
    await moderation.restore(greet, by=OPERATOR)
    assert await found(world, "sayHello") == ["acme/greet:sayHello"]
    await moderation.remove(greet, "malware", by=OPERATOR)
    assert await found(world, "sayHello") == []


@pytest.mark.slow
async def test_the_functions_of_an_organization_are_listed_page_by_page_to_the_end(
    world: World,
) -> None:
    named = {f"schema{i}": [f"to{i}x{each}" for each in range(40)] for i in range(30)}
    entries = {
        f"modules/edi.{module}/main.bal": "\n".join(
            f"public type Type{name} record {{}};\npublic function {name}() {{}}" for name in names
        )
        for module, names in named.items()
    }
    edi = bala("acme/edi:1.0.0", modules=[*named], entries=entries)
    await published(world, edi, documented_bala("acme/other:1.0.0", sources()))
    functions = {(f"edi.{module}", name) for module, names in named.items() for name in names}
    for limit in (500, 1_000):
        rows = list[tuple[str, str]]()
        page: dict[str, Any] = {"symbols": [None] * limit}
        while len(page["symbols"]) == limit:
            query = {"symbolType": "function", "limit": str(limit), "offset": str(len(rows))}
            page = await world.editor().search_symbols(org="acme", **query)
            rows += ((each["moduleName"], each["symbolName"]) for each in page["symbols"])
        assert len(rows) == page["count"] > len(functions)
        assert functions <= set(rows)


@pytest.fixture(scope="module")
async def of_modules(shared_worlds: OpenWorld) -> World:
    """Return a registry with a package of several modules, which no test changes."""
    world = await shared_worlds()
    names = ["fromEdiString", "toEdiString", "getSchema", *(f"make{n}" for n in range(60))]
    source = "\n".join(f"public function {name}() {{}}" for name in names)
    modules = ["d03a.mORDERS", "d03a.mINVOIC", "d03a.mDESADV", "d04a.mORDERS"]
    entries = {f"modules/edifact.{each}/main.bal": source for each in modules}
    await published(world, bala("acme/edifact:1.0.0", modules=modules, entries=entries))
    return world


@pytest.mark.parametrize(
    ("text", "modules", "count"),
    [
        ("fromEdiString edifact.d03a.mINVOIC", {"edifact.d03a.mINVOIC"}, 1),
        ("edifact.d03a.mINVOIC", {"edifact.d03a.mINVOIC"}, 64),
        ("acme/edifact.d03a.mINVOIC make", {"edifact.d03a.mINVOIC"}, 60),
        ("make edifact.d03a.mORDERS", {"edifact.d03a.mORDERS"}, 60),
        ("edi edifact.d03a.mORDERS", {"edifact.d03a.mORDERS"}, 2),
    ],
)
async def test_the_functions_of_a_module_are_found_by_its_whole_name(
    of_modules: World, text: str, modules: set[str], count: int
) -> None:
    query = {"q": text, "org": "acme", "symbolType": "function", "limit": "500"}
    page = await of_modules.editor().search_symbols(**query)
    assert {each["moduleName"] for each in page["symbols"]} == modules
    assert (len(page["symbols"]), page["count"]) == (count, count)


async def test_a_page_of_symbols_has_as_many_as_it_is_asked_for(of_modules: World) -> None:
    query = {"q": "make", "org": "acme", "symbolType": "function"}
    rows = list[tuple[str, str]]()
    for offset in (0, 150):
        page = await of_modules.editor().search_symbols(**query, limit="150", offset=f"{offset}")
        rows += ((each["moduleName"], each["symbolName"]) for each in page["symbols"])
    assert len(rows) == len(set(rows)) == page["count"] == 240


@pytest.mark.parametrize("text", ["sayMore two", "two sayMore"])
async def test_a_word_and_the_name_of_a_package_find_symbols_of_the_package(
    of_organizations: World, text: str
) -> None:
    assert (await found(of_organizations, text))[0] == "acme/two:sayMore"
    assert await found(of_organizations, text.replace("More", "Hello")) == ["acme/two:sayHello"]


async def test_a_package_is_found_by_the_hosts_of_its_clients_and_the_errors_of_its_comments(
    world: World,
) -> None:
    text = """
# Calls shelves, some of which are sealed.
#
# The service answers `ShelfSealedFault` then.
public client class Client {
    public function init(string url = "https://shelf.acmecorp.com/v1") {
    }
}
"""
    await published(world, documented_bala("acme/storage:1.0.0", sources(text)))
    for asked in ("ShelfSealedFault", "https://eu.shelf.acmecorp.com"):
        answer = await world.editor().search_packages(q=asked)
        assert [each["name"] for each in answer["packages"]] == ["storage"], asked
