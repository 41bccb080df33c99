"""Archives that real clients packed: push, search, resolve, pull, deprecate."""

import pytest

from tests.paths import BALAS
from tests.protocol.bal.failures import ClientFailure
from tests.support.world import OpenWorld, World

REAL = {
    "bctestorg/disttestmultiples:1.1.0": "bctestorg-disttestmultiples-any-1.1.0.bala",
    "bctestorg/disttestpackbeta6:1.1.0": "bctestorg-disttestpackbeta6-any-1.1.0.bala",
    "bctestorg/forwardpack1:1.1.0": "bctestorg-forwardpack1-any-1.1.0.bala",
    "testorg/multimoduleproject:0.1.0": "testorg-multimoduleproject-any-0.1.0.bala",
    "testorg/myproject:0.1.0": "testorg-myproject-any-0.1.0.bala",
}


@pytest.mark.parametrize("coordinate", REAL)
async def test_a_real_archive_is_pushed_and_pulled(world: World, coordinate: str) -> None:
    archive = (BALAS / REAL[coordinate]).read_bytes()
    admin = world.java(world.people.admin)
    await admin.push(coordinate, archive, REAL[coordinate])
    package, version = coordinate.split(":")
    org, name = package.split("/")

    reader = world.java(version="unknown")
    assert await reader.versions(package) == [version]
    assert (await reader.search(name))["packages"][0]["name"] == name
    assert (await reader.pull(coordinate)).content == archive
    assert (await world.go(version="unknown").pull(package)).content == archive
    request = {"org": org, "name": name, "version": version, "mode": "soft"}
    [resolved] = (await reader.resolve_dependencies([request]))["resolved"]
    assert resolved["version"] == version
    assert resolved["dependencyGraph"][0]["name"] == name
    module = {"organization": org, "moduleName": name}
    [found] = (await reader.resolve_modules([module]))["resolvedModules"]
    assert found["packageName"] == name

    await admin.deprecate(coordinate, "Only a test.")
    assert (await reader.metadata(coordinate))["isDeprecated"]
    await admin.undeprecate(coordinate)
    assert not (await reader.metadata(coordinate))["isDeprecated"]


async def test_only_exported_modules_of_a_real_archive_are_found(world: World) -> None:
    admin = world.java(world.people.admin)
    coordinate = "testorg/multimoduleproject:0.1.0"
    await admin.push(coordinate, (BALAS / REAL[coordinate]).read_bytes())
    modules = (await admin.metadata(coordinate))["modules"]
    assert [module["name"] for module in modules] == ["multimoduleproject"]
    asked = [
        {"organization": "testorg", "moduleName": name}
        for name in ("multimoduleproject", "multimoduleproject.storage")
    ]
    answer = await admin.resolve_modules(asked)
    assert [each["moduleName"] for each in answer["resolvedModules"]] == ["multimoduleproject"]
    assert [each["moduleName"] for each in answer["unresolvedModules"]] == [
        "multimoduleproject.storage"
    ]


async def test_a_package_from_the_future_is_offered_to_its_own_clients(world: World) -> None:
    admin = world.java(world.people.admin)
    coordinate = "bctestorg/forwardpack1:1.1.0"
    await admin.push(coordinate, (BALAS / REAL[coordinate]).read_bytes())
    assert await world.java().versions("bctestorg/forwardpack1") == []
    assert await world.java(version="9999.0.0").versions("bctestorg/forwardpack1") == ["1.1.0"]


@pytest.mark.parametrize("is_required", [True, False])
async def test_an_archive_without_documentation_is_refused_unless_the_operator_takes_it(
    worlds: OpenWorld, is_required: bool
) -> None:
    world = await worlds(require_documentation=is_required)
    archive = (BALAS / "sf-any.bala").read_bytes()
    admin = world.java(world.people.admin)
    if is_required:
        with pytest.raises(ClientFailure, match=r"Package\.md is missing in bala file"):
            await admin.push("foo/winery:0.1.0", archive, "sf-any.bala")
        return
    await admin.push("foo/winery:0.1.0", archive, "sf-any.bala")
    assert (await admin.pull("foo/winery:0.1.0")).content == archive
