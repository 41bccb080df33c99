"""Archives are moved to the container where their records say they belong."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from shared.composition import Adapters as Stores
from shared.domain.archives.names import Digest
from shared.domain.errors.requests import NotListedYet
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate, Package
from shared.domain.packages import FoundRelease, Visibility
from shared.ports import MetadataStore
from shared.services.archives import ArchiveRelocation
from tests.fakes.archive_placement import FakeEdge, FakeLinks, PlacedArchives
from tests.support.archives import bala
from tests.support.world import OpenWorld, World

PUBLIC, PRIVATE = Visibility.PUBLIC, Visibility.PRIVATE
GREET = Package.parse("acme", "greet")
FIRST = Coordinate.parse("acme", "greet", "1.0.0")
ARCHIVE = bala("acme/greet:1.0.0")
COPIES = f"/archives/public/{Digest.of(ARCHIVE)}/"


@dataclass
class Cloud:
    """What a registry was opened over."""

    links: FakeLinks = field(default_factory=FakeLinks)
    edge: FakeEdge | None = field(default_factory=FakeEdge)
    sided: list[PlacedArchives] = field(default_factory=list[PlacedArchives])

    def wrap(self, stores: Stores) -> Stores:
        """Put it around the stores."""
        self.sided.append(PlacedArchives(stores.archives))
        archives: object = self.sided[0]
        return replace(stores, links=self.links, edge=self.edge, archives=archives)

    @property
    def moves(self) -> list[tuple[str, Visibility]]:
        """Return the moves so far."""
        return self.sided[0].moves

    @property
    def forgotten(self) -> list[str]:
        """Return what the caches forgot so far."""
        return self.edge.forgotten if self.edge else []


@pytest.fixture
def cloud() -> Cloud:
    """Return a cloud with caches before it."""
    return Cloud()


@pytest.fixture
async def world(worlds: OpenWorld, cloud: Cloud) -> World:
    """Return a registry in the cloud with two releases."""
    world = await worlds(wrap=cloud.wrap)
    for archive in (ARCHIVE, bala("acme/greet:1.1.0")):
        await world.push(archive)
    return world


async def test_a_push_moves_nothing(world: World, cloud: Cloud) -> None:
    await world.push(bala("acme/greet:1.2.0"))
    assert (cloud.moves, cloud.forgotten) == ([], [])


async def test_a_deprecation_moves_nothing(world: World, cloud: Cloud) -> None:
    await world.registry.deprecation.deprecate(FIRST, "Gone.", by=OPERATOR)
    assert (cloud.moves, cloud.forgotten) == ([], [])


@pytest.mark.parametrize("act", ["hold", "quarantine", "remove"])
async def test_what_is_withheld_leaves_the_public_side_and_the_caches(
    world: World, cloud: Cloud, act: str
) -> None:
    await getattr(world.registry.moderation, act)(FIRST, "reported", by=OPERATOR)
    assert cloud.moves == [(str(FIRST), PRIVATE)]
    assert cloud.forgotten == [COPIES]


async def test_what_is_restored_comes_back_and_no_cache_is_asked(
    world: World, cloud: Cloud
) -> None:
    await world.registry.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    await world.registry.moderation.restore(FIRST, by=OPERATOR)
    assert cloud.moves == [(str(FIRST), PRIVATE), (str(FIRST), PUBLIC)]
    assert cloud.forgotten == [COPIES]


async def test_a_package_takes_all_its_archives_with_it(world: World, cloud: Cloud) -> None:
    await world.registry.package_visibility.change(GREET, PRIVATE, by=OPERATOR)
    both = {"acme/greet:1.0.0", "acme/greet:1.1.0"}
    assert set(cloud.moves) == {(each, PRIVATE) for each in both}
    assert len(cloud.forgotten) == 2
    cloud.moves.clear()
    await world.registry.package_visibility.change(GREET, PUBLIC, by=OPERATOR)
    assert set(cloud.moves) == {(each, PUBLIC) for each in both}
    assert len(cloud.forgotten) == 2


async def test_what_is_withheld_stays_private_when_its_package_becomes_public(
    world: World, cloud: Cloud
) -> None:
    await world.registry.package_visibility.change(GREET, PRIVATE, by=OPERATOR)
    await world.registry.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    cloud.moves.clear()
    await world.registry.package_visibility.change(GREET, PUBLIC, by=OPERATOR)
    assert set(cloud.moves) == {(str(FIRST), PRIVATE), ("acme/greet:1.1.0", PUBLIC)}


def refuse_moves(cloud: Cloud) -> None:
    """Let the next move come to nothing."""
    cloud.sided[0].failures = 1


def refuse_purges(cloud: Cloud) -> None:
    """Let the caches take no orders for now."""
    assert cloud.edge
    cloud.edge.is_silent = True


@pytest.mark.parametrize("break_", [refuse_moves, refuse_purges])
async def test_upkeep_finishes_what_was_broken_off(
    world: World, cloud: Cloud, break_: Callable[[Cloud], None]
) -> None:
    break_(cloud)
    with pytest.raises(NotListedYet):
        await world.registry.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    found = await world.stores.metadata.find(FIRST)
    assert found.release
    assert found.release.outbox
    assert cloud.edge
    cloud.edge.is_silent = False
    report = await world.registry.upkeep.run("settle")
    assert report
    assert report.problems == ()
    assert cloud.moves[-1] == (str(FIRST), PRIVATE)
    assert cloud.forgotten == [COPIES]
    found = await world.stores.metadata.find(FIRST)
    assert found.release
    assert not found.release.outbox


async def test_without_caches_that_take_orders_archives_are_moved_all_the_same(
    worlds: OpenWorld,
) -> None:
    cloud = Cloud(edge=None)
    world = await worlds(wrap=cloud.wrap)
    await world.push(ARCHIVE)
    await world.registry.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    assert cloud.moves == [(str(FIRST), PRIVATE)]


@dataclass
class Overtaken:
    """Records in which a release is restored while its quarantine is still being followed."""

    metadata: MetadataStore
    world: World
    reads: int = 0

    async def find(self, coordinate: Coordinate) -> FoundRelease:
        """Read, and let the operator restore the release behind the back of the first reader."""
        found = await self.metadata.find(coordinate)
        self.reads += 1
        if self.reads == 1:
            await self.world.registry.moderation.restore(coordinate, by=OPERATOR)
        return found


async def test_who_is_overtaken_follows_again(world: World, cloud: Cloud) -> None:
    quarantined = await world.registry.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    cloud.moves.clear()
    overtaken = Overtaken(world.stores.metadata, world)
    archives: object = cloud.sided[0]
    placing = ArchiveRelocation(overtaken, archives, None)  # pyright: ignore[reportArgumentType] - the parts that are called.
    await placing.apply(quarantined)
    assert cloud.moves == [(str(FIRST), PUBLIC), (str(FIRST), PRIVATE), (str(FIRST), PUBLIC)]


async def test_a_package_or_release_that_is_gone_moves_nothing(world: World, cloud: Cloud) -> None:
    quarantined = await world.registry.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    private = await world.registry.package_visibility.change(GREET, PRIVATE, by=OPERATOR)
    cloud.moves.clear()
    archives: object = cloud.sided[0]
    placing = ArchiveRelocation(world.stores.metadata, archives, None)  # pyright: ignore[reportArgumentType] - the same.
    await placing.apply(quarantined.model_copy(update={"version": "9.9.9"}))
    await placing.apply(private.model_copy(update={"name": "gone"}))
    assert cloud.moves == []


async def test_one_machine_moves_nothing(worlds: OpenWorld) -> None:
    sided: list[PlacedArchives] = []

    def wrap(stores: Stores) -> Stores:
        sided.append(PlacedArchives(stores.archives))
        archives: object = sided[0]
        return replace(stores, archives=archives, links=None, edge=None)

    world = await worlds(wrap=wrap)
    await world.push(ARCHIVE)
    await world.registry.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    assert sided[0].moves == []
