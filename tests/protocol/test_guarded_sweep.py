"""The sweep deletes nothing on the word of a database that may have taken the place of another."""

from datetime import timedelta

import pytest

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.errors.base import InvalidRequest
from shared.domain.tasks import TaskReport
from tests.contract.sample_records import named
from tests.support.archives import bala
from tests.support.world import World

TASK = "delete-orphaned-archives"
A_DAY = timedelta(days=1, hours=1)


async def orphans(world: World, count: int) -> None:
    """Store archives that no release names."""
    for number in range(count):
        content = b"orphan %d" % number
        await world.stores.archives.put(named(content), content, ArchiveContainer.PUBLIC)


async def archives(world: World) -> int:
    return len([each async for each in world.stores.archives.list(2**60)])


async def sweep(world: World) -> TaskReport:
    report = await world.registry.maintenance.task_runner.run(TASK)
    assert report is not None
    return report


async def test_a_few_orphans_are_deleted_whatever_their_share(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await orphans(world, 5)
    world.clock.advance(A_DAY)
    report = await sweep(world)
    assert (report.seen, report.changed, report.problems) == (6, 5, ())
    assert await archives(world) == 1


async def test_more_than_a_twentieth_of_the_archives_stays_until_an_operator_forces_it(
    world: World,
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await orphans(world, 6)
    world.clock.advance(A_DAY)
    for _ in range(2):
        report = await sweep(world)
        assert (report.seen, report.changed) == (7, 0)
        [problem] = report.problems
        assert problem == (
            "6 of 7 archives have no release, which is more than a twentieth, so none was deleted. "
            "If the database was lost, restore a backup or a snapshot. If they may go, run: "
            f"ballroom upkeep run {TASK} --force"
        )
    assert await archives(world) == 7
    forced = await world.registry.maintenance.task_runner.run_forced(TASK)
    assert forced is not None
    assert (forced.changed, forced.problems) == (6, ())
    assert await archives(world) == 1
    assert (await world.java().pull("acme/greet:1.0.0")).content == bala("acme/greet:1.0.0")


async def test_no_archive_goes_that_is_older_than_the_database(world: World) -> None:
    now_ms = world.clock.at_ms
    world.clock.advance(-timedelta(days=400))
    await orphans(world, 1)
    world.clock.at_ms = now_ms
    report = await sweep(world)
    assert (report.seen, report.changed) == (1, 0)
    assert "the oldest record of the database is younger than the archives" in report.problems[0]
    assert await archives(world) == 1
    await world.registry.maintenance.task_runner.run_forced(TASK)
    assert await archives(world) == 0


async def test_only_a_task_with_a_guard_is_forced(world: World) -> None:
    with pytest.raises(InvalidRequest, match=rf"--force is for: {TASK}"):
        await world.registry.maintenance.task_runner.run_forced("audit-archives")
