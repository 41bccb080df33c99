"""`POST /packages/resolve-modules`: which package holds a module."""

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.protocol.bal.go import GoBal
from tests.protocol.bal.java import JavaBal
from tests.support.archives import bala
from tests.support.world import World


def asked(module: str, **more: Any) -> dict[str, Any]:
    """Return a request for a module of acme."""
    return {"organization": "acme", "moduleName": module, **more}


async def found(client: JavaBal | GoBal, **request: Any) -> str:
    """Return the package and version that one module is found in."""
    answer = await client.resolve_modules([request])
    [each] = answer["resolvedModules"]
    assert answer["unresolvedModules"] == []
    assert each["reason"] == ""
    return f"{each['packageName']}:{each['version']}"


async def test_an_answer_looks_like_this(
    world: World, anyone: JavaBal, golden: SnapshotAssertion
) -> None:
    await world.push(bala("acme/a:1.0.0", modules=["b"]))
    assert await anyone.resolve_modules([asked("a.b"), asked("a.x")]) == golden


@pytest.mark.parametrize(
    ("module", "expected"),
    [("a", "a:1.0.0"), ("a.b", "a:1.0.0"), ("a.b.c", "a.b:1.0.0"), ("a.d.e", "a.d.e:1.0.0")],
)
async def test_the_longest_name_that_holds_the_module_wins(
    world: World, anyone: JavaBal, module: str, expected: str
) -> None:
    await world.push(bala("acme/a:1.0.0", modules=["b", "b.c", "d.e"]))
    await world.push(bala("acme/a.b:1.0.0", modules=["c"], exported=["a.b.c"]))
    await world.push(bala("acme/a.d.e:1.0.0"))
    if module == "a.b":
        await world.push(bala("acme/a.b:2.0.0"))
        expected = "a.b:2.0.0"
    assert await found(anyone, **asked(module)) == expected


async def test_a_module_that_is_not_exported_hides_no_package_of_its_name(
    world: World, anyone: JavaBal
) -> None:
    await world.push(bala("acme/a:1.0.0", modules=["b", "c"], exported=["a", "a.c"]))
    answer = await anyone.resolve_modules([asked("a.b")])
    assert answer["resolvedModules"] == []
    await world.push(bala("acme/a.b:0.1.0"))
    assert await found(anyone, **asked("a.b")) == "a.b:0.1.0"
    assert await found(anyone, **asked("a.c")) == "a:1.0.0"


@pytest.mark.parametrize("later", [{"modules": ["b"], "exported": ["a"]}, {}])
async def test_a_module_that_is_exported_or_there_no_longer_is_found_where_it_was_last(
    world: World, anyone: JavaBal, later: dict[str, list[str]]
) -> None:
    await world.push(bala("acme/a:1.0.0", modules=["b"]))
    await world.push(bala("acme/a:1.1.0", **later))
    assert await found(anyone, **asked("a.b")) == "a:1.0.0"


async def test_the_newest_version_wins(world: World, gopher: GoBal) -> None:
    for version in ("1.0.0", "1.10.0", "1.9.0", "2.0.0-rc.1"):
        await world.push(bala(f"acme/a:{version}", modules=["b"]))
    assert await found(gopher, **asked("a.b")) == "a:1.10.0"


async def test_possible_packages_are_tried_first_with_their_version(
    world: World, anyone: JavaBal
) -> None:
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        await world.push(bala(f"acme/a:{version}", modules=["b"]))
    await world.push(bala("acme/a.b:3.0.0"))
    possible = [{"org": "acme", "name": "a", "version": "1.0.0"}]
    request = asked("a.b", possiblePackages=possible)
    assert await found(anyone, **request) == "a:1.1.0"
    assert await found(anyone, **request, mode="hard") == "a:1.0.0"


async def test_a_possible_package_without_the_module_is_passed_over(
    world: World, anyone: JavaBal
) -> None:
    await world.push(bala("acme/a:1.0.0"))
    await world.push(bala("acme/a.b:1.0.0"))
    possible = [{"org": "acme", "name": "a", "version": "1.0.0"}]
    assert await found(anyone, **asked("a.b", possiblePackages=possible)) == "a.b:1.0.0"


async def test_a_module_that_no_package_has_is_unresolved_with_the_reason(anyone: JavaBal) -> None:
    answer = await anyone.resolve_modules([asked("a.b"), asked("not a name"), asked("")])
    assert answer["resolvedModules"] == []
    for each in answer["unresolvedModules"]:
        assert set(each) == {"organization", "moduleName", "version", "packageName", "reason"}
        assert each["reason"]
    assert [each["moduleName"] for each in answer["unresolvedModules"]] == ["a.b", "not a name", ""]


async def test_names_are_echoed_in_the_order_asked(world: World, anyone: JavaBal) -> None:
    await world.push(bala("acme/a:1.0.0", modules=["b"]))
    requests = [asked("a.b"), {"organization": "ACME", "moduleName": "a"}, asked("a.b")]
    answer = await anyone.resolve_modules(requests)
    echoed = [(each["organization"], each["moduleName"]) for each in answer["resolvedModules"]]
    assert echoed == [("acme", "a.b"), ("ACME", "a"), ("acme", "a.b")]
