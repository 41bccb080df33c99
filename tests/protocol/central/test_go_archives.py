"""Archives that the real Go toolchain packed: push, describe, resolve, pull."""

from pathlib import Path

import pytest

from tests.paths import BALAS
from tests.protocol.bal.archive_name import parts_of
from tests.support.archives import bala
from tests.support.world import URL, World

FOLDER = BALAS / "go"
ARCHIVES = sorted(FOLDER.glob("*.bala"))
VERSION_OF_GO = "0.6.0"  # What the toolchain calls itself.


def _coordinate(path: Path) -> str:
    package, _, version = path.stem.partition("-any-")
    return f"{package.replace('-', '/', 1)}:{version}"


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.stem)
async def test_an_archive_of_the_go_toolchain_is_pushed_described_resolved_and_pulled(
    world: World, path: Path
) -> None:
    coordinate = _coordinate(path)
    archive = path.read_bytes()
    org, name, version = parts_of(coordinate)
    await world.java(world.people.admin).push(coordinate, archive, path.name)

    reader = world.go(world.people.admin, version=VERSION_OF_GO)
    assert await reader.versions(f"{org}/{name}") == [version]
    described = await reader.metadata(coordinate)
    assert (described["platform"], described["modules"][0]["name"]) == ("any", name)
    request = {"org": org, "name": name, "version": version, "mode": "soft"}
    [resolved] = (await reader.resolve_dependencies([request]))["resolved"]
    assert (resolved["name"], resolved["version"]) == (name, version)
    modules = [{"organization": org, "moduleName": each["name"]} for each in described["modules"]]
    found = (await reader.resolve_modules(modules))["resolvedModules"]
    assert {each["packageName"] for each in found} == {name}
    assert (await reader.pull(f"{org}/{name}")).content == archive


async def test_an_exported_module_of_either_list_is_resolved_and_documented(world: World) -> None:
    for at, table in enumerate(("package.modules", "modules")):
        package = f'[package]\norg = "acme"\nname = "greet"\nversion = "1.{at}.0"\n'
        text = f'{package}[[{table}]]\nname = "greet.extra"\nexport = true\n'
        await world.push(bala(layout=4, modules=["extra"], entries={"Ballerina.toml": text}))
        await world.document()
        asked = [{"organization": "acme", "moduleName": "greet.extra"}]
        [found] = (await world.go().resolve_modules(asked))["resolvedModules"]
        assert found["packageName"] == "greet"
        document = await world.get(f"{URL}/2.0/docs/acme/greet.extra/1.{at}.0")
        assert document.status_code == 200
