"""A deprecation that is there already is not made again."""

from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate
from tests.balas import bala
from tests.world import World

GREET = Coordinate.parse("acme", "greet", "1.0.0")


async def test_deprecating_a_version_twice_alike_changes_it_once(world: World) -> None:
    await world.push(bala(str(GREET)))
    deprecating = world.registry.deprecating
    first = await deprecating.deprecate(GREET, "Use 2.0.0.", by=OPERATOR)
    again = await deprecating.deprecate(GREET, "Use 2.0.0.", by=OPERATOR)
    assert again.revision == first.revision


async def test_deprecating_a_package_twice_alike_changes_it_once(world: World) -> None:
    await world.push(bala(str(GREET)))
    deprecating = world.registry.deprecating
    first = await deprecating.deprecate_package(GREET.package, "Use acme/other.", by=OPERATOR)
    again = await deprecating.deprecate_package(GREET.package, "Use acme/other.", by=OPERATOR)
    assert again.revision == first.revision
