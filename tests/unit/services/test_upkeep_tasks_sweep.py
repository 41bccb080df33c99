"""The sweep moves archives that are in the wrong container."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from shared.composition import Adapters as Stores
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate
from shared.domain.packages import Visibility
from shared.ports import StoredArchive
from tests.fakes.archive_placement import PlacedArchives
from tests.support.archives import bala
from tests.support.world import OpenWorld, World

PUBLIC, PRIVATE = Visibility.PUBLIC, Visibility.PRIVATE
FIRST = Coordinate.parse("acme", "greet", "1.0.0")


@dataclass
class OnSides(PlacedArchives):
    """Archives that all lie on some sides, whatever was asked for when they were stored."""

    sides: tuple[Visibility, ...] = (PUBLIC,)

    async def list(self, stored_before_ms: int) -> AsyncIterator[StoredArchive]:
        async for archive in self.archives.list(stored_before_ms):
            for side in self.sides:
                yield replace(archive, side=side)


async def swept(worlds: OpenWorld, archive: bytes, *sides: Visibility) -> tuple[World, OnSides]:
    """Return a registry with one archive on these sides, a moment later."""
    stores: list[OnSides] = []

    def wrap(opened: Stores) -> Stores:
        stores.append(OnSides(opened.archives, sides=sides))
        archives: object = stores[0]
        return replace(opened, archives=archives)

    world = await worlds(wrap=wrap)
    await world.push(archive)
    world.clock.at_ms += 1
    return world, stores[0]


@pytest.mark.parametrize(
    ("visibility", "sides", "moves"),
    [
        ("public", (PUBLIC,), []),
        ("public", (PRIVATE,), [PUBLIC]),
        ("public", (PUBLIC, PRIVATE), [PUBLIC]),
        ("private", (PRIVATE,), []),
        ("private", (PUBLIC,), [PRIVATE]),
        ("private", (PUBLIC, PRIVATE), [PRIVATE]),
    ],
)
async def test_an_archive_is_put_where_its_records_want_it(
    worlds: OpenWorld, visibility: str, sides: tuple[Visibility, ...], moves: list[Visibility]
) -> None:
    world, stores = await swept(worlds, bala(str(FIRST), visibility=visibility), *sides)
    report = await world.registry.upkeep.run("sweep")
    assert report
    assert (report.seen, report.changed) == (len(sides), len(moves))
    assert stores.moves == [(str(FIRST), side) for side in moves]


async def test_what_is_quarantined_is_no_longer_on_the_public_side(worlds: OpenWorld) -> None:
    world, stores = await swept(worlds, bala(str(FIRST)), PUBLIC)
    await world.registry.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    await world.registry.upkeep.run("sweep")
    assert stores.moves == [(str(FIRST), PRIVATE)]
