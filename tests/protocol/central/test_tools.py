"""`bal tool`: searching, pulling and updating tools."""

from base64 import b64encode

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.java import JavaBal
from tests.protocol.central.answers import answered, refused
from tests.support.archives import bala
from tests.support.world import MAVEN, URL, OpenWorld, World

pytestmark = pytest.mark.measured


async def publish(world: World) -> World:
    """Publish two versions of a package with a tool, one without, and one with two tools."""
    await world.push(bala("acme/greet_tool:1.0.0", tools=["greeter"]))
    await world.push(bala("acme/greet_tool:1.2.0", tools=["greeter"]))
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/quality:1.0.0", tools=["scan", "scan.deep"], readme="# Checks"))
    return world


@pytest.fixture(scope="module")
async def world(shared_worlds: OpenWorld) -> World:
    """Return a registry with these packages, which no test changes."""
    return await publish(await shared_worlds())


@pytest.fixture
async def own_world(worlds: OpenWorld) -> World:
    """Return a registry with these packages for one test."""
    return await publish(await worlds())


@pytest.mark.parametrize("path", ["/tools?q=greet", "/tools/?q=greet"])
async def test_tools_are_found_with_their_ids(world: World, path: str) -> None:
    answer = answered(await world.get(path))
    assert set(answer) == {"tools", "count", "offset", "limit"}
    [tool] = answer["tools"]
    assert (tool["name"], tool["balToolId"], answer["count"]) == ("greet_tool", "greeter", 1)
    assert (await world.java().search_tools("greet"))["count"] == 1


@pytest.mark.parametrize("words", ["scan", "Scan", "sca", "scan.deep", "deep"])
@pytest.mark.parametrize("face", ["tools", "packages", "search-packages", "maven", "site"])
async def test_a_tool_is_found_by_its_id(world: World, face: str, words: str) -> None:
    if face == "maven":
        encoded = b64encode(words.encode()).decode()
        path = f"{MAVEN}/v2201-12-0/__toolsearch__/{encoded}/maven-metadata.xml"
        assert "<name>quality</name>" in (await world.get(path)).text
    elif face == "site":
        assert '/quality"' in (await world.get(f"{URL}/search?q={words}")).text
    else:
        found = answered(await world.get(f"/{face}?q={words}"))
        [each] = found.get("tools", found.get("packages"))
        assert each["name"] == "quality"


@pytest.mark.parametrize(
    ("words", "shown"),
    [("scan.deep", "scan.deep"), ("deep", "scan.deep"), ("sca", "scan"), ("checks", "scan")],
)
async def test_the_tool_whose_id_was_typed_is_the_one_that_is_shown(
    world: World, words: str, shown: str
) -> None:
    [tool] = answered(await world.get(f"/tools?q={words}"))["tools"]
    assert tool["balToolId"] == shown
    path = f"v2201-12-0/__toolsearch__/{b64encode(words.encode()).decode()}/maven-metadata.xml"
    document = await world.get(f"{MAVEN}/{path}")
    assert f"<balToolId>{shown}</balToolId>" in document.text


async def test_a_tool_of_that_id_comes_before_packages_that_mention_it(own_world: World) -> None:
    await own_world.push(bala("acme/scan_reports:1.0.0", summary="Reports of a scan."))
    found = answered(await own_world.get("/packages?q=scan"))["packages"]
    assert [each["name"] for each in found] == ["quality", "scan_reports"]


@pytest.mark.parametrize("wanted", ["9.9.9", "9.*"])
async def test_a_version_that_a_tool_does_not_have_names_those_that_it_has(
    world: World, wanted: str
) -> None:
    reported = refused(await world.get(f"/tools/greeter/{wanted}"), 404)
    assert reported == f"tool not found: greeter:{wanted}. Its versions are 1.2.0, 1.0.0."


async def test_only_the_newest_of_many_versions_of_a_tool_are_named(own_world: World) -> None:
    for patch in range(1, 12):
        await own_world.push(bala(f"acme/greet_tool:2.0.{patch}", tools=["greeter"]))
    reported = refused(await own_world.get("/tools/greeter/9.9.9"), 404)
    assert reported.endswith("2.0.3, 2.0.2 and 3 more.")


async def test_versions_of_a_private_tool_are_named_to_members(own_world: World) -> None:
    await own_world.push(bala("acme/secret_tool:1.0.0", tools=["secret"], visibility="private"))
    for by, named in ((own_world.people.mia, True), (own_world.people.bob, False)):
        reported = refused(await own_world.get("/tools/secret/9.9.9", by=by), 404)
        assert ("1.0.0" in reported) is named


async def test_a_tool_is_pulled_in_its_newest_or_an_exact_version(anyone: JavaBal) -> None:
    pulled = await anyone.pull_tool("greeter")
    assert (pulled.name, pulled.version, pulled.platform) == ("greet_tool", "1.2.0", "any")
    assert pulled.content == bala("acme/greet_tool:1.2.0", tools=["greeter"])
    assert (await anyone.pull_tool("greeter", "1.0.0")).version == "1.0.0"


async def test_a_tool_that_a_later_version_dropped_is_pulled_where_it_was_last(
    own_world: World,
) -> None:
    await own_world.push(bala("acme/greet_tool:2.0.0"))
    assert (await own_world.java().pull_tool("greeter")).version == "1.2.0"
    refused(await own_world.get("/tools/greeter/2.0.0"), 404)


async def test_a_native_tool_is_pulled_with_its_platform(own_world: World) -> None:
    await own_world.push(bala("acme/native_tool:1.0.0", platform="java21", tools=["native"]))
    assert (await own_world.java().pull_tool("native")).platform == "java21"


async def test_the_answer_to_a_tool_pull_has_nothing_null(world: World) -> None:
    headers = {"Content-Type": "application/json"}
    model = answered(await world.get("/tools/greeter", headers=headers))
    for key in ("organization", "name", "version", "balaURL", "platform"):
        assert isinstance(model[key], str)
        assert model[key]


async def test_a_tool_that_is_not_there_is_shown(anyone: JavaBal) -> None:
    with pytest.raises(ClientFailure, match="tool not found: nothing"):
        await anyone.pull_tool("nothing")


async def test_a_tool_id_belongs_to_the_package_that_published_it_first(own_world: World) -> None:
    ann = own_world.java(own_world.people.ann)
    with pytest.raises(ClientFailure) as reported:
        await ann.push("acme/thief:1.0.0", bala("acme/thief:1.0.0", tools=["greeter"]))
    assert "acme/greet_tool" in str(reported.value)
    assert (await ann.pull_tool("greeter")).name == "greet_tool"


async def test_a_tool_id_that_is_taken_does_not_name_a_private_package(own_world: World) -> None:
    await own_world.push(bala("acme/secret:1.0.0", visibility="private", tools=["secret"]))
    with pytest.raises(ClientFailure) as shown:
        await own_world.push(bala("other/thief:1.0.0", tools=["secret"]), by=own_world.people.bob)
    assert "acme" not in str(shown.value)


async def test_tools_are_resolved(anyone: JavaBal, golden: SnapshotAssertion) -> None:
    answer = await anyone.resolve_tools(
        [
            {"id": "greeter", "version": "1.0.0", "mode": "soft"},
            {"id": "greeter", "version": "1.0.0", "mode": "hard"},
            {"id": "greeter", "version": "1%2E0.0", "mode": "locked"},
            {"id": "greeter"},
            {"id": "nothing", "version": "1.0.0"},
            {"id": "greeter", "version": "2.0.0", "mode": "soft"},
        ]
    )
    assert answer == golden
