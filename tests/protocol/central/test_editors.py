"""Connectors and triggers, as the language server and editors read them: lists are always 200,
since these clients crash on an error status.
"""

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.services.api_docs import editor_items
from tests.protocol.bal.java import JavaBal
from tests.protocol.central.answers import answered, refused
from tests.support.archives import bala
from tests.support.documented_packages import TYPES, documented_bala, published
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

QUERIES = ["", "?q=http", "/?package=http", "?limit=abc&offset=-1", "?user-packages=true", "/"]


@pytest.mark.parametrize("query", QUERIES)
async def test_connectors_and_triggers_are_always_a_list(anyone: JavaBal, query: str) -> None:
    for key, answer in (
        ("connectors", await anyone.connectors(query)),
        ("triggers", await anyone.triggers(query)),
    ):
        assert set(answer) == {key, "count", "offset", "limit"}
        assert answer[key] == []
        assert answer["count"] == 0


@pytest.fixture(scope="module")
async def plain(shared_worlds: OpenWorld) -> World:
    """Return a registry with a package that has neither, which no test changes."""
    world = await shared_worlds()
    await world.push(bala("acme/plain:1.0.0"))
    return world


@pytest.mark.parametrize(
    "path",
    [
        "/connectors/42",
        "/connectors/99999999999",
        "/connectors/x",
        "/triggers/42",
        "/connectors/acme/greet/1.0.0/greet/Client",
        "/triggers/acme/greet/1.0.0/greet/Service",
        "/connectors/acme/plain/1.0.0/plain/Client",
        "/triggers/acme/plain/1.0.0/plain/Service",
    ],
)
async def test_a_connector_or_trigger_that_does_not_exist_is_404_with_a_reason(
    plain: World, path: str
) -> None:
    refused(await plain.get(path), 404)


async def test_more_packages_than_a_page_of_the_index_are_listed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editor_items, "MAX_LIMIT", 1)
    await published(world, documented_bala("acme/one:1.0.0"), documented_bala("acme/two:1.0.0"))
    assert len(await listed(world, "/connectors")) == 2


async def listed(world: World, path: str, **options: Any) -> list[dict[str, Any]]:
    answer = (await world.get(path, **options)).json()
    return answer[path.removeprefix("/").partition("?")[0]]


@pytest.mark.parametrize("path", ["/connectors", "/triggers"])
async def test_platforms_list_what_is_built_for_them(world: World, path: str) -> None:
    await published(world, documented_bala("acme/greet:1.0.0", platform="java21"))
    for platforms, count in (("any", 1), ("java17", 0), ("java21,any", 1), ("any,java17", 0)):
        headers = {"Ballerina-Platform": platforms}
        assert len(await listed(world, path, headers=headers)) == count
    for flag in ("1", "true", "", "java", "%20"):  # These are no platforms.
        assert len(await listed(world, f"{path}?platform={flag}")) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/connectors",
        "/connectors/acme/greet/1.0.0/greet/Client",
        "/triggers",
        "/triggers/acme/greet/1.0.0/greet/Service",
    ],
    ids=["connectors", "connector", "triggers", "trigger"],
)
async def test_an_answer_looks_like_this(
    world: World, golden: SnapshotAssertion, path: str
) -> None:
    """Public client classes are connectors, and listeners with service types are triggers. Lists
    have no functions, and a record inside of itself is its name."""
    await published(world)
    assert answered(await world.get(path)) == golden


@pytest.mark.parametrize(("kind", "name"), [("connectors", "Client"), ("triggers", "Service")])
async def test_a_connector_or_trigger_is_found_by_its_number_and_by_its_path_in_any_case(
    world: World, kind: str, name: str
) -> None:
    await published(world)
    [row] = await listed(world, f"/{kind}")
    path = f"/{kind}/acme/greet/1.0.0/greet/{name}"
    found = [(await world.get(each)).json() for each in (f"/{kind}/{row['id']}", path)]
    assert found[0] == found[1]
    assert (await world.get(path.replace("C", "c"))).json() == found[0]


async def test_connectors_are_those_of_the_latest_release(world: World) -> None:
    await published(world)
    [before] = await listed(world, "/connectors")
    await published(world, documented_bala("acme/greet:1.1.0"))
    [now] = await listed(world, "/connectors")
    assert (now["id"], now["version"]) == (before["id"], "1.1.0")
    await published(world, bala("acme/greet:2.0.0"))
    assert await listed(world, "/connectors") == []
    refused(await world.get(f"/connectors/{now['id']}"), 404)


async def test_a_repeated_push_keeps_its_connectors(world: World) -> None:
    await published(world)
    before = await listed(world, "/connectors")
    assert before
    await world.push(documented_bala())
    assert await listed(world, "/connectors") == before


async def test_lists_are_filtered_and_paged(world: World) -> None:
    await published(
        world,
        documented_bala("acme/one:1.0.0", keywords=["mail"]),
        documented_bala("acme/two:1.0.0", platform="java21"),
        documented_bala("acme/three:1.0.0"),
        bala("acme/none:1.0.0"),
    )

    async def names(query: str) -> list[str]:
        return sorted(each["packageName"] for each in await listed(world, f"/connectors{query}"))

    assert await names("") == ["one", "three", "two"]
    assert await names("?q=one") == ["one"]
    assert await names("?package=two&org=acme") == ["two"]
    assert await names("?org=other") == []
    assert await names("?q=one&org=other,acme") == ["one"]  # As editors ask for two organizations.
    assert await names("?keyword=mail") == ["one"]
    assert await names("?platform=java21") == ["two"]
    assert await names("?platform=go1.26") == []
    assert await names("?user-packages=1") == []
    answer = (await world.get("/connectors?limit=2&offset=2")).json()
    assert (len(answer["connectors"]), answer["count"], answer["offset"]) == (1, 3, 2)


async def test_connectors_of_a_private_package_are_for_those_who_may_see_it(world: World) -> None:
    await published(world, documented_bala(visibility="private"))
    mia = world.people.mia
    bob = world.people.bob
    for kind, name in (("connectors", "Client"), ("triggers", "Service")):
        [seen] = await listed(world, f"/{kind}", by=mia)
        path = f"/{kind}/acme/greet/1.0.0/greet/{name}"
        for other in (None, bob):
            assert await listed(world, f"/{kind}", by=other) == []
            assert (await world.get(f"/{kind}", by=other)).json()["count"] == 0
            refused(await world.get(f"/{kind}/{seen['id']}", by=other), 404)
            refused(await world.get(path, by=other), 404)
        assert (await world.get(f"/{kind}/{seen['id']}", by=mia)).status_code == 200
        assert (await world.get(path, by=mia)).status_code == 200


@pytest.mark.parametrize(("visibility", "is_described"), [("public", True), ("private", False)])
async def test_records_of_other_packages_are_described_if_they_are_public(
    world: World, visibility: str, is_described: bool
) -> None:
    client = (
        "import acme/people;\n"
        "public client class Client {\n"
        "    remote function greet(people:Person person) {}\n"
        "}\n"
    )
    await published(
        world,
        documented_bala("acme/people:1.0.0", {"types.bal": TYPES}, visibility=visibility),
        documented_bala(
            "acme/greet:1.0.0", {"client.bal": client}, dependencies=["acme/people:1.0.0"]
        ),
    )
    path = "/connectors/acme/greet/1.0.0/greet/Client"
    for person in (None, world.people.bob, world.people.mia):
        connector = (await world.get(path, by=person)).json()
        assert ("fields" in connector["functions"][0]["parameters"][0]) is is_described
    if is_described:
        people = Coordinate.parse("acme", "people", "1.0.0")
        await world.registry.publishing.moderation.quarantine(people, "malware", by=OPERATOR)
        connector = (await world.get(path)).json()
        assert "fields" not in connector["functions"][0]["parameters"][0]


async def test_connectors_of_a_withheld_release_are_not_listed(world: World) -> None:
    await published(world)
    [seen] = await listed(world, "/connectors")
    greet = Coordinate.parse("acme", "greet", "1.0.0")
    await world.registry.publishing.moderation.quarantine(greet, "malware", by=OPERATOR)
    assert await listed(world, "/connectors") == []
    refused(await world.get(f"/connectors/{seen['id']}"), 404)
