"""What is derived is true to the releases, whoever derives at the same time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from shared.bootstrap import World as Stores
from shared.domain.identity import ANONYMOUS, OPERATOR
from shared.domain.names import Coordinate, Package
from shared.domain.package import Entry, Listing, Visibility
from shared.domain.query import Page, Query
from shared.ports import MetadataStore, SearchIndex
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


@dataclass
class Hidden:
    """A store in which a package becomes private just before its release is listed."""

    metadata: MetadataStore
    world: World | None = None

    async def put_entries(self, package: Package, entries: Sequence[Entry]) -> None:
        """Let the operator make the package private, once, and then list the release."""
        world, self.world = self.world, None
        if world:
            await world.registry.visibility.change(package, Visibility.PRIVATE, by=OPERATOR)
        await self.metadata.put_entries(package, entries)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.metadata, name)


@pytest.mark.parametrize("shown", [True, False], ids=["shown", "shown no more"])
async def test_a_push_that_knew_a_package_as_public_does_not_show_what_is_private_by_now(
    worlds: OpenWorld, shown: bool
) -> None:
    hidden: list[Hidden] = []

    def wrap(stores: Stores) -> Stores:
        hidden.append(Hidden(stores.metadata))
        return replace(stores, metadata=cast("MetadataStore", hidden[0]))

    world = await worlds(wrap=wrap)
    await world.push(bala("acme/greet:1.0.0"))
    if not shown:
        first = Coordinate.parse("acme", "greet", "1.0.0")
        await world.registry.moderation.hold(first, "A test.", by=OPERATOR)
    world.clock.advance(timedelta(minutes=1))
    hidden[0].world = world
    await world.push(bala("acme/greet:1.1.0"))
    for by, count in ((ANONYMOUS, 0), (OPERATOR, 1)):
        assert (await world.registry.searching.search(Query(), Page(), by=by)).count == count


async def test_what_is_no_package_is_shown_nowhere(world: World) -> None:
    deriving = world.registry.moderation.deriving
    await deriving.rebuild(Package.parse("acme", "nothing"))
    found = await world.registry.searching.search(Query(), Page(), by=OPERATOR)
    assert found.count == 0
