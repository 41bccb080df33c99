"""Archives without a release are deleted, and others lie where their records want them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Readers
from shared.ports.archive_store import ArchiveStore, StoredArchive
from shared.services.adapters import Adapters
from shared.services.maintenance.delete_orphaned_archives import DeleteOrphanedArchives
from shared.services.maintenance.tasks import Checkpoints
from shared.services.snapshots.database_age import DatabaseAge
from tests.contract.sample_records import named
from tests.fakes.archive_placement import PlacedArchives
from tests.support.archives import bala
from tests.support.world import OpenWorld, World

A_DAY = timedelta(days=1, hours=1)


@dataclass
class Renewing:
    """Archives of which one is stored again, by a push, while the sweep looks at it."""

    archives: ArchiveStore

    def list(self, stored_before_ms: int) -> AsyncIterator[StoredArchive]:
        """Yield what is old, and renew it."""
        return self._renewed(stored_before_ms)

    async def _renewed(self, stored_before_ms: int) -> AsyncIterator[StoredArchive]:
        async for archive in self.archives.list(stored_before_ms):
            await self.archives.put(named(b"orphan"), b"orphan", ArchiveContainer.PUBLIC)
            yield archive

    async def delete(self, digest: Digest, stored_before_ms: int) -> bool:
        """Remove the archive unless it was stored again."""
        return await self.archives.delete(digest, stored_before_ms)


async def test_the_sweep_spares_an_archive_that_is_stored_again_while_it_looks(
    world: World,
) -> None:
    orphan = named(b"orphan")
    stores = world.stores
    await stores.archives.put(orphan, b"orphan", ArchiveContainer.PUBLIC)
    world.clock.advance(A_DAY)
    renewing = Renewing(stores.archives)
    sweep_service = DeleteOrphanedArchives(
        metadata=stores.metadata,
        documents=stores.documents,
        archives=renewing,  # pyright: ignore[reportArgumentType] - the parts that are called.
        directory=stores.directory,
        erased_releases=world.registry.publishing.erasure.erased_releases,
        checkpoints=Checkpoints(stores.metadata, stores.work, world.clock),
        database_age=DatabaseAge(stores.events, stores.directory),
        work=stores.work,
        set_files=world.registry.advisories.importing.set_files,
        sweep_grace_hours=24,
        readers=Readers.EVERYBODY,
    )
    assert (await sweep_service.run()).changed == 0
    assert await stores.archives.stat(orphan) is not None


async def test_an_archive_without_a_release_is_deleted_and_counted(world: World) -> None:
    await world.stores.archives.put(named(b"orphan"), b"orphan", ArchiveContainer.PUBLIC)
    world.clock.advance(A_DAY + timedelta(hours=1))
    report = await world.registry.maintenance.task_runner.run("delete-orphaned-archives")
    assert report
    assert (report.seen, report.changed) == (1, 1)
    assert await world.stores.archives.stat(named(b"orphan")) is None


PUBLIC = ArchiveContainer.PUBLIC
PRIVATE = ArchiveContainer.PRIVATE
FIRST = Coordinate.parse("acme", "greet", "1.0.0")


@dataclass
class InContainers(PlacedArchives):
    """Archives that all lie on some containers, whatever was asked for when they were stored."""

    containers: tuple[ArchiveContainer, ...] = (PUBLIC,)

    async def list(self, stored_before_ms: int) -> AsyncIterator[StoredArchive]:
        async for archive in self.archives.list(stored_before_ms):
            for container in self.containers:
                yield replace(archive, container=container)


async def swept(
    worlds: OpenWorld, archive: bytes, *containers: ArchiveContainer
) -> tuple[World, InContainers]:
    """Return a registry with one archive on these containers, a moment later."""
    stores: list[InContainers] = []

    def wrap(opened: Adapters) -> Adapters:
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
    worlds: OpenWorld,
    visibility: str,
    containers: tuple[ArchiveContainer, ...],
    moves: list[ArchiveContainer],
) -> None:
    world, stores = await swept(worlds, bala(str(FIRST), visibility=visibility), *containers)
    report = await world.registry.maintenance.task_runner.run("delete-orphaned-archives")
    assert report
    assert (report.seen, report.changed) == (len(containers), len(moves))
    assert stores.moves == [(str(FIRST), container) for container in moves]


async def test_a_quarantined_archive_is_no_longer_in_the_public_container(
    worlds: OpenWorld,
) -> None:
    world, stores = await swept(worlds, bala(str(FIRST)), PUBLIC)
    await world.registry.publishing.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    await world.registry.maintenance.task_runner.run("delete-orphaned-archives")
    assert stores.moves == [(str(FIRST), PRIVATE)]
