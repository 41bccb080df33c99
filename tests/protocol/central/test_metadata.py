"""`GET /packages/{org}/{name}/{version}`: the Package of a version or a range."""

import json
from typing import Any, NoReturn

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.protocol.bal.failures import NoPackage
from tests.protocol.bal.go import GoBal
from tests.protocol.bal.java import JavaBal
from tests.protocol.central.answers import answered, refused
from tests.support.archives import bala
from tests.support.world import OpenWorld, World

RICH: dict[str, Any] = {
    "dependencies": ["ballerina/io:1.6.0"],
    "modules": ["sub"],
    "module_readmes": {"greet.sub": "# Sub\n\nSays more.\n"},
    "keywords": ["greeting", "IT Operations/Cloud"],
    "licenses": ["Apache-2.0"],
    "authors": ["Ann <ann@acme.test>"],
    "source_repository": "https://github.com/acme/greet",
    "summary": "Greets people.",
    "readme": "# Greet\n\nGreets people politely.\n",
    "icon": b"\x89PNG\r\n\x1a\n",
    "graalvm": True,
    "tools": ["greeter"],
}
KEYS = (
    "id organization name version platform languageSpecificationVersion isDeprecated "
    "deprecateMessage URL balaVersion balaURL digest summary readme template licenses authors "
    "sourceCodeLocation keywords ballerinaVersion icon ownerUUID createdDate pullCount visibility "
    "modules balToolId graalvmCompatible signatures sbomURL"
)


def no_float(text: str) -> NoReturn:
    """Stand where a float would be read: clients read integers, and die of `1.0`."""
    pytest.fail(f"{text} is no integer")


async def test_a_package_with_everything_looks_like_this(
    world: World, golden: SnapshotAssertion
) -> None:
    await world.push(bala("acme/greet:1.0.0", **RICH))
    assert answered(await world.get("/packages/acme/greet/1.0.0")) == golden


async def test_a_package_with_next_to_nothing_looks_like_this(
    world: World, golden: SnapshotAssertion
) -> None:
    bare = bala("acme/bare:0.1.0", layout=4, ballerina_version="", readme="")
    await world.push(bare)
    assert answered(await world.get("/packages/acme/bare/0.1.0")) == golden


@pytest.mark.parametrize("layout", [2, 3, 4])
@pytest.mark.parametrize("spec", [RICH, {}], ids=["rich", "plain"])
async def test_every_key_is_there_and_nothing_is_null_or_a_float(
    world: World, layout: int, spec: dict[str, Any]
) -> None:
    await world.push(bala("acme/greet:1.0.0", layout=layout, **spec))
    answer = await world.get("/packages/acme/greet/1.0.0")
    model = json.loads(answer.content, parse_float=no_float)
    assert set(model) == set(KEYS.split())
    assert b"null" not in answer.content
    assert model["createdDate"] == world.clock.now_ms()
    assert 0 < model["id"] < 2**31
    assert 0 <= model["pullCount"] < 2**31


async def test_a_summary_is_one_line(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0", summary="Greets\nin two lines."))
    model = answered(await world.get("/packages/acme/greet/1.0.0"))
    assert "\n" not in model["summary"]


async def test_ids_of_releases_differ_and_stay(world: World, ann: JavaBal) -> None:
    coordinates = [f"acme/greet:1.{minor}.0" for minor in range(5)]
    for coordinate in coordinates:
        await world.push(bala(coordinate))
    ids = [(await ann.metadata(coordinate))["id"] for coordinate in coordinates]
    assert len(set(ids)) == 5
    assert ids == [(await ann.metadata(coordinate))["id"] for coordinate in coordinates]


# --- which version -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def versions(shared_worlds: OpenWorld) -> World:
    """Return a registry with several versions of a package, which no test changes."""
    world = await shared_worlds()
    for version in ("1.2.0", "1.2.9", "1.10.0", "2.0.0-rc.1", "2.0.0", "3.0.0-beta.1"):
        await world.push(bala(f"acme/greet:{version}"))
    return world


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("1.2.0", "1.2.0"),
        ("*", "2.0.0"),
        ("1.*", "1.10.0"),
        ("1.2.*", "1.2.9"),
        ("%2A", "2.0.0"),
        ("2.*", "2.0.0"),
        ("3.*", "3.0.0-beta.1"),
    ],
)
async def test_a_range_is_its_newest_version(versions: World, wanted: str, found: str) -> None:
    assert answered(await versions.get(f"/packages/acme/greet/{wanted}"))["version"] == found


async def test_a_deprecated_version_is_passed_over_unless_all_are(
    world: World, ann: JavaBal
) -> None:
    for version in ("1.0.0", "1.1.0"):
        await world.push(bala(f"acme/greet:{version}"))
    for deprecated, newest in (("1.1.0", "1.0.0"), ("1.0.0", "1.1.0")):
        await ann.deprecate(f"acme/greet:{deprecated}", "Gone.")
        assert (await ann.metadata("acme/greet:*"))["version"] == newest


@pytest.mark.parametrize(
    "version",
    ["1", "1.2", "1.x", "abc", "01.0.0", "1.0.0+build", "1.2.3.*", "**", "1.0.2147483648"],
)
async def test_an_invalid_version_is_400(versions: World, version: str) -> None:
    assert version in refused(await versions.get(f"/packages/acme/greet/{version}"), 400)


@pytest.mark.parametrize("coordinate", ["acme/greet:2.0.0", "acme/greet:*", "nobody/none:1.0.0"])
async def test_a_missing_package_is_404_in_exactly_these_words(
    world: World, anyone: JavaBal, gopher: GoBal, coordinate: str
) -> None:
    if not coordinate.endswith("*"):
        await world.push(bala("acme/greet:1.0.0"))
    with pytest.raises(NoPackage) as shown:
        await anyone.metadata(coordinate)
    assert shown.value.reason == f"package not found for: {coordinate}"
    with pytest.raises(NoPackage):
        await gopher.metadata(coordinate)
