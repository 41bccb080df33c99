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
class InContainers(PlacedArchives):
    """Archives that all lie on some containers, whatever was asked for when they were stored."""

    containers: tuple[Visibility, ...] = (PUBLIC,)

    async def list(self, stored_before_ms: int) -> AsyncIterator[StoredArchive]:
        async for archive in self.archives.list(stored_before_ms):
            for container in self.containers:
                yield replace(archive, container=container)


async def swept(
    worlds: OpenWorld, archive: bytes, *containers: Visibility
) -> tuple[World, InContainers]:
    """Return a registry with one archive on these containers, a moment later."""
    stores: list[InContainers] = []

    def wrap(opened: Stores) -> Stores:
        stores.append(InContainers(opened.archives, containers=containers))
        archives: object = stores[0]
        return replace(opened, archives=archives)

    world = await worlds(wrap=wrap)
    await world.push(archive)
    world.clock.at_ms += 1
    return world, stores[0]


@pytest.mark.parametrize(
    ("visibility", "containers", "moves"),
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
    worlds: OpenWorld, visibility: str, containers: tuple[Visibility, ...], moves: list[Visibility]
) -> None:
    world, stores = await swept(worlds, bala(str(FIRST), visibility=visibility), *containers)
    report = await world.registry.upkeep.run("sweep")
    assert report
    assert (report.seen, report.changed) == (len(containers), len(moves))
    assert stores.moves == [(str(FIRST), container) for container in moves]


async def test_what_is_quarantined_is_no_longer_on_the_public_side(worlds: OpenWorld) -> None:
    world, stores = await swept(worlds, bala(str(FIRST)), PUBLIC)
    await world.registry.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    await world.registry.upkeep.run("sweep")
    assert stores.moves == [(str(FIRST), PRIVATE)]
