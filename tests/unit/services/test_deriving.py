"""What is derived is true to the releases, whoever derives at the same time."""

from dataclasses import dataclass, replace
from typing import Any

from shared.bootstrap import World as Stores
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate, Package
from shared.domain.package import Listing
from shared.domain.query import Page, Query
from shared.ports import SearchIndex
from tests.balas import bala
from tests.world import OpenWorld, World


@dataclass
class Overtaken:
    """A search index in which something happens just before a release is shown."""

    index: SearchIndex
    world: World | None = None

    async def replace(self, listing: Listing) -> None:
        """Let a push come in between, once, and then show the release that was chosen before."""
        world, self.world = self.world, None
        if world:
            await world.push(bala("acme/greet:2.0.0"))
        await self.index.replace(listing)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.index, name)


async def test_a_push_between_choosing_and_showing_is_not_lost_to_the_search(
    worlds: OpenWorld,
) -> None:
    overtaken: list[Overtaken] = []

    def wrap(stores: Stores) -> Stores:
        overtaken.append(Overtaken(stores.search))
        return replace(stores, search=overtaken[0])

    world = await worlds(wrap=wrap)
    await world.push(bala("acme/greet:1.0.0"))
    overtaken[0].world = world
    first = Coordinate.parse("acme", "greet", "1.0.0")
    await world.registry.deprecating.deprecate(first, "Use 2.0.0.", by=OPERATOR)
    found = await world.registry.searching.search(Query(), Page(), by=OPERATOR)
    assert [hit.listing.release.version for hit in found.hits] == ["2.0.0"]


async def test_what_is_no_package_is_shown_nowhere(world: World) -> None:
    deriving = world.registry.moderation.deriving
    await deriving.rebuild(Package.parse("acme", "nothing"))
    found = await world.registry.searching.search(Query(), Page(), by=OPERATOR)
    assert found.count == 0
