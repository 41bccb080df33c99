"""Archives are moved to the container where their records say they belong."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Readers, Visibility
from shared.services.adapters import Adapters
from shared.services.packages.archive_relocation import ArchiveRelocation
from tests.fakes.archive_placement import FakeEdge, FakeLinks, PlacedArchives
from tests.support.archives import bala
from tests.support.port_doubles import Moment, OtherWriter
from tests.support.refusals import raises_refusal
from tests.support.world import OpenWorld, World

PUBLIC = ArchiveContainer.PUBLIC
PRIVATE = ArchiveContainer.PRIVATE
PACKAGE = Package.parse("acme", "greet")
FIRST = Coordinate.parse("acme", "greet", "1.0.0")
ARCHIVE = bala("acme/greet:1.0.0")
COPIES = f"/archives/public/{Digest.of(ARCHIVE)}/"


@dataclass
class Cloud:
    """What a registry was opened over."""

    links: FakeLinks = field(default_factory=FakeLinks)
    edge: FakeEdge | None = field(default_factory=FakeEdge)
    sided: list[PlacedArchives] = field(default_factory=list[PlacedArchives])

    def wrap(self, stores: Adapters) -> Adapters:
        """Put it around the stores."""
        self.sided.append(PlacedArchives(stores.archives))
        archives: object = self.sided[0]
        return replace(stores, links=self.links, edge=self.edge, archives=archives)

    @property
    def moves(self) -> list[tuple[str, ArchiveContainer]]:
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


@pytest.mark.parametrize("act", ["hold", "quarantine", "remove"])
async def test_a_withheld_release_leaves_the_public_container_and_the_caches(
    world: World, cloud: Cloud, act: str
) -> None:
    await getattr(world.registry.publishing.moderation, act)(FIRST, "reported", by=OPERATOR)
    assert cloud.moves == [(str(FIRST), PRIVATE)]
    assert cloud.forgotten == [COPIES]


async def test_a_restored_release_returns_without_a_purge(world: World, cloud: Cloud) -> None:
    await world.registry.publishing.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    await world.registry.publishing.moderation.restore(FIRST, by=OPERATOR)
    assert cloud.moves == [(str(FIRST), PRIVATE), (str(FIRST), PUBLIC)]
    assert cloud.forgotten == [COPIES]


async def test_a_package_takes_all_its_archives_with_it(world: World, cloud: Cloud) -> None:
    await world.registry.packages.visibility.change(
        PACKAGE, Visibility.PRIVATE, by=OPERATOR, reason="It was decided."
    )
    both = {"acme/greet:1.0.0", "acme/greet:1.1.0"}
    assert set(cloud.moves) == {(each, PRIVATE) for each in both}
    assert len(cloud.forgotten) == 2
    cloud.moves.clear()
    await world.registry.packages.visibility.change(PACKAGE, Visibility.PUBLIC, by=OPERATOR)
    assert set(cloud.moves) == {(each, PUBLIC) for each in both}
    assert len(cloud.forgotten) == 2


async def test_a_withheld_release_stays_private_when_its_package_becomes_public(
    world: World, cloud: Cloud
) -> None:
    await world.registry.packages.visibility.change(
        PACKAGE, Visibility.PRIVATE, by=OPERATOR, reason="It was decided."
    )
    await world.registry.publishing.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    cloud.moves.clear()
    await world.registry.packages.visibility.change(PACKAGE, Visibility.PUBLIC, by=OPERATOR)
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
    with raises_refusal("not-listed-yet"):
        await world.registry.publishing.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    found = await world.stores.metadata.find(FIRST)
    assert found.release
    assert found.release.outbox
    assert cloud.edge
    cloud.edge.is_silent = False
    report = await world.registry.maintenance.task_runner.run("process-outboxes")
    assert report
    assert report.problems == ()
    assert cloud.moves[-1] == (str(FIRST), PRIVATE)
    assert cloud.forgotten == [COPIES]
    found = await world.stores.metadata.find(FIRST)
    assert found.release
    assert not found.release.outbox


async def test_a_move_that_was_overtaken_is_repeated(world: World, cloud: Cloud) -> None:
    moderation = world.registry.publishing.moderation
    quarantined = await moderation.quarantine(FIRST, "reported", by=OPERATOR)
    cloud.moves.clear()
    restoring = OtherWriter("find", lambda: moderation.restore(FIRST, by=OPERATOR), Moment.AFTER)
    metadata = restoring.over(world.stores.metadata)
    archives: object = cloud.sided[0]
    relocation = ArchiveRelocation(metadata, archives, None, Readers.EVERYBODY)  # pyright: ignore[reportArgumentType] - the parts that are called.
    await relocation.apply(quarantined)
    assert restoring.has_acted
    assert cloud.moves == [(str(FIRST), PUBLIC), (str(FIRST), PRIVATE), (str(FIRST), PUBLIC)]


async def test_a_missing_package_or_release_moves_nothing(world: World, cloud: Cloud) -> None:
    quarantined = await world.registry.publishing.moderation.quarantine(
        FIRST, "reported", by=OPERATOR
    )
    private = await world.registry.packages.visibility.change(
        PACKAGE, Visibility.PRIVATE, by=OPERATOR, reason="It was decided."
    )
    cloud.moves.clear()
    archives: object = cloud.sided[0]
    relocation = ArchiveRelocation(world.stores.metadata, archives, None, Readers.EVERYBODY)  # pyright: ignore[reportArgumentType] - the same.
    await relocation.apply(quarantined.model_copy(update={"version": "9.9.9"}))
    await relocation.apply(private.model_copy(update={"name": "gone"}))
    assert cloud.moves == []


async def test_a_failed_move_is_raised_when_the_others_of_the_package_have_ended(
    world: World, cloud: Cloud
) -> None:
    change = world.registry.packages.visibility.change
    cloud.sided[0].failures = 1
    cloud.sided[0].delay = 20
    with raises_refusal("not-listed-yet"):
        await change(PACKAGE, Visibility.PRIVATE, by=OPERATOR, reason="It was decided.")
    # Else it would end after a later change, such as that back to public.
    assert len(cloud.moves) == 1
