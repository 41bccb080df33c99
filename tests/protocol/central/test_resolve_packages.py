"""`POST /packages/resolve-dependencies`: which versions a build gets."""

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.protocol.bal.failures import Swallowed
from tests.protocol.bal.go import GoBal
from tests.protocol.bal.java import JavaBal
from tests.protocol.central.answers import answered, refused
from tests.support.archives import bala
from tests.support.world import OpenWorld, World

PATH = "/packages/resolve-dependencies"


async def publish(world: World, *versions: str, name: str = "greet") -> None:
    """Publish versions of a package of acme."""
    for version in versions:
        await world.push(bala(f"acme/{name}:{version}"))


def asked(version: str | None = None, mode: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a request for the package, without the keys that are None."""
    fields = {"org": "acme", "name": "greet", "version": version, "mode": mode, **more}
    return {key: value for key, value in fields.items() if value is not None}


async def chosen(client: JavaBal | GoBal, *requests: dict[str, Any]) -> list[str]:
    """Return the versions that the requests get."""
    answer = await client.resolve_dependencies(requests)
    assert answer["unresolved"] == []
    return [each["version"] for each in answer["resolved"]]


async def not_found(client: JavaBal, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what cannot be resolved."""
    answer = await client.resolve_dependencies(requests)
    assert answer["resolved"] == []
    return answer["unresolved"]


# --- the table of modes ------------------------------------------------------------------------

VERSIONS = ("0.1.2", "0.1.9", "0.2.0", "1.4.9", "1.5.0", "1.5.3", "1.9.0", "2.0.0", "3.0.0-rc.1")


@pytest.fixture(scope="module")
async def versions(shared_worlds: OpenWorld) -> World:
    """Return a registry with these versions, which no test changes."""
    world = await shared_worlds()
    await publish(world, *VERSIONS)
    return world


@pytest.mark.parametrize(
    ("version", "mode", "found"),
    [
        (None, None, "2.0.0"),
        (None, "hard", "2.0.0"),
        ("1.4.0", "soft", "1.9.0"),
        ("1.4.0", None, "1.9.0"),
        ("1.5.0", "medium", "1.5.3"),
        ("1.4.9", "LOCKED", "1.4.9"),
        ("3.0.0-rc.1", "soft", "3.0.0-rc.1"),
    ],
)
async def test_the_mode_decides_how_far_a_build_moves(
    versions: World, version: str | None, mode: str | None, found: str
) -> None:
    assert await chosen(versions.java(), asked(version, mode)) == [found]


async def test_without_a_version_a_pre_release_is_better_than_nothing(
    world: World, anyone: JavaBal
) -> None:
    await publish(world, "1.0.0-alpha", "1.0.0-beta")
    assert await chosen(anyone, asked()) == ["1.0.0-beta"]


async def test_a_deprecated_version_is_passed_over_unless_nothing_else_fits(
    world: World, ann: JavaBal
) -> None:
    await publish(world, "1.0.0", "1.1.0")
    await ann.deprecate("acme/greet:1.1.0", "Broken.")
    assert await chosen(ann, asked("1.0.0", "soft")) == ["1.0.0"]
    for mode in ("soft", "hard"):
        [found] = (await ann.resolve_dependencies([asked("1.1.0", mode)]))["resolved"]
        assert (found["version"], found["isDeprecated"]) == ("1.1.0", True)
        assert found["deprecateMessage"] == "Broken."


# --- what clients send -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("package", "found"),
    [
        ('"org":"acme","name":"greet"', "2.0.0"),
        ('"org":"acme","name":"greet","version":""', "2.0.0"),
        ('"org":"acme","name":"greet","version":null', "2.0.0"),
        ('"org":"acme","name":"greet","version":"","mode":"so\tft"', "2.0.0"),
        ('"org":"acme","name":"greet","version":"3.0.0-rc%2E1","mode":"hard"', "3.0.0-rc.1"),
        ('"orgName":"acme","name":"greet","version":"1.5.0","mode":"hard"', "1.5.0"),
    ],
)
async def test_a_request_is_read_as_clients_send_it(
    versions: World, package: str, found: str
) -> None:
    body = f'{{"packages":[{{{package}}}]}}'.encode()
    [resolved] = answered(await versions.send("POST", PATH, content=body))["resolved"]
    assert resolved["version"] == found


OPERATIONS = {
    PATH: ("packages", "resolved", "unresolved"),
    "/packages/resolve-modules": ("modules", "resolvedModules", "unresolvedModules"),
    "/tools/resolve-dependencies": ("tools", "resolved", "unresolved"),
}


@pytest.mark.parametrize("path", OPERATIONS)
async def test_every_resolution_reads_what_is_a_request_and_refuses_what_is_none(
    versions: World, path: str
) -> None:
    asked, *lists = OPERATIONS[path]
    for body in ("", "{}", f'{{"{asked}":[]}}', f'{{"{asked}":null}}'):
        answer = answered(await versions.send("POST", path, content=body.encode()))
        assert answer == {each: [] for each in lists}, "both lists are there"
    for body in ("nonsense", "[]", f'{{"{asked}":1}}', f'"{asked}"', "\xff"):
        refused(await versions.send("POST", path, content=body.encode("latin-1")), 400)


async def test_the_same_package_twice_is_answered_twice(world: World, anyone: JavaBal) -> None:
    await publish(world, "1.0.0", "2.0.0")
    requests = [asked("1.0.0", "soft"), asked("2.0.0", "soft"), asked("1.0.0", "soft")]
    assert await chosen(anyone, *requests) == ["1.0.0", "2.0.0", "1.0.0"]


# --- what they get -----------------------------------------------------------------------------


async def test_a_resolution_looks_like_this(
    world: World, anyone: JavaBal, golden: SnapshotAssertion
) -> None:
    inner = {"acme/base:1.0.0": ["acme/core:1.0.0"]}
    app = bala("acme/app:1.0.0", dependencies=["acme/base:1.0.0"], transitive=inner)
    await world.push(app)
    answer = await anyone.resolve_dependencies(
        [
            {"org": "acme", "name": "app", "version": "1.0.0", "mode": "hard"},
            {"org": "acme", "name": "none", "version": "1.2.3", "mode": "soft"},
        ]
    )
    assert answer == golden


@pytest.mark.parametrize("layout", [2, 3, 4])
async def test_a_graph_has_a_node_for_the_package_and_each_transitive_one(
    world: World, anyone: JavaBal, layout: int
) -> None:
    inner = {"acme/base:1.0.0": ["acme/core:1.0.0"]}
    spec: dict[str, Any] = {"dependencies": ["acme/base:1.0.0"], "transitive": inner}
    await world.push(bala("acme/greet:1.0.0", layout=layout, **spec))
    [found] = (await anyone.resolve_dependencies([asked("1.0.0", "hard")]))["resolved"]
    graph = {node["name"]: node for node in found["dependencyGraph"]}
    assert set(graph) == {"greet", "base", "core"}
    for node in graph.values():
        assert set(node) == {"org", "name", "version", "dependencies"}
        assert node["dependencies"] is not None
    base = {"org": "acme", "name": "base", "version": "1.0.0"}
    assert graph["greet"]["dependencies"] == [base]
    assert graph["core"]["dependencies"] == []


async def test_a_package_without_a_recorded_graph_has_no_dependencies(
    world: World, anyone: JavaBal
) -> None:
    await world.push(bala("acme/greet:1.0.0", entries={"dependency-graph.json": '{"packages":[]}'}))
    [found] = (await anyone.resolve_dependencies([asked("1.0.0", "hard")]))["resolved"]
    alone = {"org": "acme", "name": "greet", "version": "1.0.0", "dependencies": []}
    assert found["dependencyGraph"] == [alone]


async def test_names_are_echoed_exactly_as_asked_and_in_the_order_asked(
    world: World, anyone: JavaBal
) -> None:
    await publish(world, "1.0.0")
    await publish(world, "1.0.0", name="other")
    requests = [
        {"org": "ACME", "name": "Other", "version": ""},
        {"org": "acme", "name": "none-at-all", "version": "x%20y"},
        {"org": "acme", "name": "greet", "version": "1.0.0"},
        {"org": "", "name": "", "version": ""},
    ]
    answer = await anyone.resolve_dependencies(requests)
    resolved = [(each["org"], each["name"]) for each in answer["resolved"]]
    assert resolved == [("ACME", "Other"), ("acme", "greet")]
    unresolved = [
        {"org": "acme", "name": "none-at-all", "version": "x%20y", "dependencyGraph": []},
        {"org": "", "name": "", "version": "", "dependencyGraph": []},
    ]
    assert answer["unresolved"] == unresolved


async def test_resolving_what_is_not_there_is_no_error(anyone: JavaBal) -> None:
    assert await not_found(anyone, asked("1.0.0", "soft"), asked("1.0", "hard"), asked("+"))
    assert anyone.wire.exchanges[-1].status == 200


async def test_more_packages_than_the_operator_allows_are_refused(world: World) -> None:
    requests = [asked()] * 2_001
    with pytest.raises(Swallowed) as shown:
        await world.java().resolve_dependencies(requests)
    assert "2,000" in (shown.value.reason or "")
