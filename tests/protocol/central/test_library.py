"""The library browser of Visual Studio Code: the modules of a distribution and declarations."""

from typing import Any

from tests.support.documented_packages import documented_bala, published
from tests.support.world import URL, World

LIBRARY = f"{URL}/2.0/docs/stdlib"
OLD = "# Asks.\npublic function old() {}\n"
NEW = "# Asks.\npublic function ask() {}\npublic client class Client { remote function get() {} }\n"


async def publish(world: World) -> None:
    """Publish modules of the library for two distributions, and one of somebody else."""
    await world.create_organization("ballerina")
    await published(
        world,
        documented_bala("ballerina/http:1.0.0", {"a.bal": OLD}, ballerina_version="2201.8.0"),
        documented_bala("ballerina/http:2.0.0", {"a.bal": NEW}, ballerina_version="2201.12.0"),
        documented_bala("ballerina/io:1.0.0", {"a.bal": OLD}, ballerina_version="2201.8.0"),
        documented_bala("ballerina/new:1.0.0", {"a.bal": NEW}, ballerina_version="2201.12.0"),
        documented_bala("ballerina/lang.array:0.0.0", {"a.bal": OLD}, ballerina_version="2201.8.0"),
        documented_bala("acme/greet:1.0.0", {"a.bal": OLD}),
        by=world.people.admin,
    )


async def asked(world: World, path: str) -> dict[str, Any]:
    answer = await world.get(f"{LIBRARY}/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def coordinates(modules: list[dict[str, Any]]) -> list[str]:
    return [f"{each['orgName']}/{each['id']}:{each['version']}" for each in modules]


async def test_the_library_has_the_modules_that_the_distribution_can_use(world: World) -> None:
    await publish(world)
    for distribution, wanted in {
        "2201.12.3": ["ballerina/http:2.0.0", "ballerina/io:1.0.0", "ballerina/new:1.0.0"],
        "2201.8.0": ["ballerina/http:1.0.0", "ballerina/io:1.0.0"],
        "slbeta5": ["ballerina/http:2.0.0", "ballerina/io:1.0.0", "ballerina/new:1.0.0"],
    }.items():
        library = await asked(world, distribution)
        assert coordinates(library["libraryModules"]) == wanted
        assert coordinates(library["langLibs"]) == ["ballerina/lang.array:0.0.0"]
    library = await asked(world, "2201.12.3")
    [http, *_] = library["libraryModules"]
    assert http["isDefaultModule"] is True
    assert {"summary", "description"} <= http.keys()
    for each in library["libraryModules"]:  # The browser opens each with these three.
        document = f"{URL}/2.0/docs/{each['orgName']}/{each['id']}/{each['version']}"
        assert (await world.get(document)).status_code == 200


async def test_a_search_of_the_library_has_its_modules_and_declarations(world: World) -> None:
    await publish(world)
    found = await asked(world, "2201.12.3/search")
    module = {"moduleId": "http", "moduleOrgName": "ballerina", "moduleVersion": "2.0.0"}
    assert {"id": "ask", "description": "Asks.", **module} in found["functions"]
    assert [each["id"] for each in found["clients"]] == ["Client", "Client"]
    assert "get" not in {each["id"] for each in found["functions"]}  # Methods belong to clients.
    assert len(found["modules"]) == 4
    lists = ("classes", "records", "constants", "errors", "types", "listeners")
    assert all(found[each] == [] for each in (*lists, "annotations", "objectTypes", "enums"))
