"""Lists and documents that differ from the releases are repaired."""

from datetime import timedelta

from shared.domain.coordinates import Coordinate
from shared.domain.packages import Release
from tests.contract.sample_records import named
from tests.support.archives import bala
from tests.support.world import World

GREET = Coordinate.parse("acme", "greet", "1.0.0")
CONTENT = bala("acme/greet:1.0.0", keywords=["hello"])
A_DAY = timedelta(days=1, hours=1)


async def repair(world: World) -> tuple[int, tuple[str, ...]]:
    report = await world.registry.maintenance.task_runner.run("repair-derived-data")
    assert report is not None
    return report.changed, report.problems


async def published(world: World) -> Release:
    await world.push(CONTENT)
    release = (await world.stores.metadata.find(GREET)).release
    assert release is not None
    return release


async def test_a_release_that_cannot_be_read_does_not_delay_others(world: World) -> None:
    release = await published(world)
    await world.push(bala("acme/other:1.0.0"))
    other = named(bala("acme/other:1.0.0"))
    await world.stores.documents.delete(release.archive_digest)
    await world.stores.documents.delete(other.digest)
    world.clock.advance(A_DAY)
    await world.stores.archives.delete(release.archive_digest, world.clock.now_ms())
    changed, [problem] = await repair(world)
    assert changed == 1
    assert problem.startswith("acme/greet: ")
