"""Version lists, `*`, ranges and resolve calls return only versions that the client can use."""

import pytest

from tests.protocol.central.answers import answered, refused
from tests.support.archives import bala
from tests.support.world import OpenWorld, World

BUILT_WITH = {
    "1.0.0": "2201.8.9",
    "1.1.0": "2201.9.0",
    "1.2.0": "2301.1.0",
    "1.3.0": "slalpha5",
    "1.4.0": "slbeta6",
    "1.5.0": "",
    "1.6.0": "9999.0.0",
    "1.7.0": "2201.8.0",
    "1.8.0": "Ballerina 2.0.0",
    "1.9.0": "2201.8.0-20230726-145300-b2bdf796",
    "1.10.0": "2101.1.0",
}
USABLE = ["1.9.0", "1.7.0", "1.5.0", "1.4.0", "1.0.0"]
ALL = ["1.10.0", "1.9.0", "1.8.0", "1.7.0", "1.6.0", "1.5.0", "1.4.0", "1.3.0", "1.2.0", "1.1.0"]


PULL = {"Accept": "application/octet-stream"}
NATIVE = {"1.0.0": "any", "2.0.0": "java21", "3.0.0": "go1.26"}


@pytest.fixture(scope="module")
async def world(shared_worlds: OpenWorld) -> World:
    """Return a registry with a package that was built with one distribution after the other, and
    one for several platforms."""
    world = await shared_worlds()
    for version, built_with in BUILT_WITH.items():
        await world.push(bala(f"acme/greet:{version}", ballerina_version=built_with))
    for version, platform in NATIVE.items():
        await world.push(bala(f"acme/native:{version}", platform=platform))
    return world


@pytest.mark.parametrize(
    "agent", ["2201.8.3", "2201.8.0", "2201.8.3-SNAPSHOT", "2201.8.0-20230726-145300-b2bdf796"]
)
async def test_a_client_is_offered_what_its_distribution_understands(
    world: World, agent: str
) -> None:
    client = world.java(version=agent)
    assert await client.versions("acme/greet") == USABLE
    assert await world.go(version=agent).versions("acme/greet") == USABLE
    assert (await client.metadata("acme/greet:*"))["version"] == "1.9.0"
    assert (await client.metadata("acme/greet:1.*"))["version"] == "1.9.0"
    assert (await client.pull("acme/greet")).version == "1.9.0"


@pytest.mark.parametrize("mode", ["soft", "medium"])
async def test_resolve_calls_offer_the_same(world: World, mode: str) -> None:
    request = {"org": "acme", "name": "greet", "version": "1.0.0", "mode": mode}
    answer = await world.java(version="2201.8.3").resolve_dependencies([request])
    expected = {"soft": "1.9.0", "medium": "1.0.0"}[mode]
    assert [each["version"] for each in answer["resolved"]] == [expected]
    module = {"organization": "acme", "moduleName": "greet"}
    answer = await world.java(version="2201.8.3").resolve_modules([module])
    assert [each["version"] for each in answer["resolvedModules"]] == ["1.9.0"]


@pytest.mark.parametrize(
    "agent", ["", "unknown", "okhttp/4.12.0", "Java/21.0.4", "2201", "curl/8", "0.6.0"]
)
async def test_a_client_that_says_no_version_is_offered_everything(
    world: World, agent: str
) -> None:
    headers = {"User-Agent": agent} if agent else {}
    offered = answered(await world.get("/packages/acme/greet", headers=headers))
    assert offered == [*ALL, "1.0.0"]


async def test_the_version_may_be_a_query_parameter(world: World) -> None:
    path = "/packages/acme/greet?ballerina_version=2201.8.3"
    assert answered(await world.get(path, headers={"User-Agent": "okhttp/4.12.0"})) == USABLE


@pytest.mark.parametrize(
    "coordinate", [*map("acme/greet:{}".format, BUILT_WITH), "acme/native:2.0.0"]
)
async def test_an_exact_version_is_always_served(world: World, coordinate: str) -> None:
    client = world.java(version="2201.8.3", platform="java11")
    version = coordinate.split(":")[1]
    assert (await client.metadata(coordinate))["version"] == version
    assert (await client.pull(coordinate)).version == version


@pytest.mark.parametrize(
    ("platforms", "offered"),
    [
        ("", ["3.0.0", "2.0.0", "1.0.0"]),
        ("any", ["1.0.0"]),
        ("java21", ["2.0.0", "1.0.0"]),
        ("java17", ["1.0.0"]),
        ("go1.26", ["3.0.0", "1.0.0"]),
        ("go1.27", ["3.0.0", "1.0.0"]),
        ("any, java21,go1.26", ["3.0.0", "2.0.0", "1.0.0"]),
        ("java11,java17", ["1.0.0"]),
    ],
)
async def test_a_platform_is_offered_to_those_who_name_it(
    world: World, platforms: str, offered: list[str]
) -> None:
    headers = {"Ballerina-Platform": platforms}
    assert answered(await world.get("/packages/acme/native", headers=headers)) == offered
    pulled = await world.get("/packages/acme/native/*", headers={**headers, **PULL})
    assert pulled.headers["location"].split("/")[-2] == offered[0]


@pytest.mark.parametrize("version", ["*", "latest"])
@pytest.mark.parametrize("platforms", ["", "any", "java17", "go1.26"])
async def test_the_newest_release_is_described_whatever_the_platform(
    world: World, platforms: str, version: str
) -> None:
    headers = {"Ballerina-Platform": platforms}
    newest = answered(await world.get(f"/packages/acme/native/{version}", headers=headers))
    assert newest["version"] == "3.0.0"
    refused(await world.get(f"/packages/acme/none/{version}"), 404)


async def test_a_package_for_another_java_is_deprecated_as_a_whole(world: World) -> None:
    await world.push(bala("acme/old:1.0.0", platform="java11"))
    ann = world.java(world.people.ann, platform="java25", version="2201.14.0")
    await ann.deprecate("acme/old:*", "Gone.")
    assert (await ann.metadata("acme/old:1.0.0"))["isDeprecated"] is True
    await ann.undeprecate("acme/old:*")
    assert (await ann.metadata("acme/old:1.0.0"))["isDeprecated"] is False
