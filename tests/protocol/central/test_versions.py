"""`GET /packages/{org}/{name}`: the versions of a package, newest first."""

import pytest

from tests.protocol.central.answers import answered, refused
from tests.support.archives import bala
from tests.support.world import World


@pytest.mark.parametrize(
    "ordered",
    [
        ["10.0.0", "2.0.0", "2.0.0-rc.10", "2.0.0-rc.9", "2.0.0-alpha", "1.10.0", "1.9.0"],
        ["1.1.0", "2.0.0-rc.1", "1.2.0-beta", "1.0.0"],  # The newest release comes first.
    ],
)
async def test_versions_are_ordered_by_number_and_not_by_character(
    world: World, ordered: list[str]
) -> None:
    for version in sorted(ordered):
        await world.push(bala(f"acme/greet:{version}"))
    assert answered(await world.get("/packages/acme/greet")) == ordered


async def test_a_package_with_nothing_for_the_client_is_an_empty_list(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0", ballerina_version="2201.12.0"))
    old = world.java(version="2201.8.0")
    assert await old.versions("acme/greet") == []
    assert old.wire.exchanges[-1].status == 200


async def test_names_are_found_in_any_case(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    assert answered(await world.get("/packages/ACME/Greet")) == ["1.0.0"]


MISSING = ["acme/greet", "nobody/greet"]
INVALID = ["1acme/greet", "acme/gr eet", "acme/_greet", "ac-me/greet", "acme/nosuch-heldout"]


@pytest.mark.parametrize("path", [*MISSING, *INVALID])
async def test_a_missing_package_is_404_in_words_with_which_clients_continue(
    world: World, path: str
) -> None:
    assert refused(await world.get(f"/packages/{path}"), 404) == f"package not found: {path}"
    shown = refused(await world.get(f"/packages/{path}/1.0.0"), 404)
    assert shown == f"package not found for: {path}:1.0.0"
