"""Checksums of stored archives: computed part by part, once, and compared with those that come."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from shared.composition import Adapters as Stores
from shared.domain.archives.names import Digest
from shared.domain.errors.packages import ChecksumDiffers
from shared.domain.errors.requests import NotListedYet
from shared.domain.identity import OPERATOR
from shared.domain.maven import Checksum, ChecksumAlgorithm
from shared.domain.names import Coordinate, Package
from shared.domain.packages import FoundRelease, Release, Visibility
from shared.ports import ArchiveStore, MetadataStore
from shared.services.archives import CHECKSUM_CHUNK_BYTES, ArchiveChecksums, ArchiveRelocation
from tests.fakes.archive_placement import FakeEdge, FakeLinks, PlacedArchives
from tests.support.archives import bala
from tests.support.world import OpenWorld, World

CONTENT = b"0123456789abcdef" * (CHECKSUM_CHUNK_BYTES // 16) + b"the rest"


class Archives:
    """An archive store that notes which parts are read."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.parts: list[tuple[int, int | None]] = []

    async def read(self, _name: object, start: int = 0, count: int | None = None) -> bytes:
        """Return a part of the archive."""
        self.parts.append((start, count))
        return CONTENT[start:] if count is None else CONTENT[start : start + count]


@pytest.fixture
def archives() -> Archives:
    return Archives()


@pytest.fixture
def checking(archives: Archives) -> ArchiveChecksums:
    return ArchiveChecksums(cast("ArchiveStore", archives))


def release() -> Release:
    """Return the release of the archive, with what is asked about it alone."""
    at = Coordinate.parse("acme", "greet", "1.0.0")
    fields = {
        "org": at.package.org,
        "name": at.package.name,
        "version": "1.0.0",
        "platform": "any",
        "digest": Digest.of(CONTENT).hex,
        "size_bytes": len(CONTENT),
    }
    return Release.model_construct(None, **fields)


@pytest.mark.parametrize(
    "algorithm", [ChecksumAlgorithm.SHA1, ChecksumAlgorithm.MD5, ChecksumAlgorithm.SHA512]
)
async def test_a_checksum_is_computed_part_by_part_and_once(
    checking: ArchiveChecksums, archives: Archives, algorithm: ChecksumAlgorithm
) -> None:
    expected = hashlib.new(algorithm.value, CONTENT, usedforsecurity=False).hexdigest()
    for _ in range(3):
        assert await checking.checksum(release(), algorithm) == expected
    assert archives.parts == [
        (0, CHECKSUM_CHUNK_BYTES),
        (CHECKSUM_CHUNK_BYTES, CHECKSUM_CHUNK_BYTES),
    ]


async def test_the_digest_of_a_release_is_read_from_no_store(
    checking: ArchiveChecksums, archives: Archives
) -> None:
    expected = hashlib.sha256(CONTENT).hexdigest()
    assert await checking.checksum(release(), ChecksumAlgorithm.SHA256) == expected
    assert archives.parts == []


async def test_each_algorithm_is_remembered_for_itself(checking: ArchiveChecksums) -> None:
    found = [await checking.checksum(release(), each) for each in ChecksumAlgorithm]
    assert found == [each.of(CONTENT) for each in ChecksumAlgorithm]


async def test_a_checksum_that_differs_is_told_with_the_right_one(
    checking: ArchiveChecksums,
) -> None:
    right = ChecksumAlgorithm.MD5.of(CONTENT)
    await checking.require(release(), Checksum(ChecksumAlgorithm.MD5, right))
    wrong = "0" * 32
    with pytest.raises(ChecksumDiffers) as refused:
        await checking.require(release(), Checksum(ChecksumAlgorithm.MD5, wrong))
    told = f"The MD5 checksum of the archive here is {right}, but {wrong} was sent. "
    assert str(refused.value).startswith(told)


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
