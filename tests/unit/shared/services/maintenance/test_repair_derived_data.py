"""Lists and documents that differ from the releases are repaired."""

from datetime import timedelta

from shared.domain.names import Coordinate
from shared.domain.packages import Release
from tests.contract.sample_records import named
from tests.support.archives import bala
from tests.support.world import World

GREET = Coordinate.parse("acme", "greet", "1.0.0")
CONTENT = bala("acme/greet:1.0.0", keywords=["hello"])
A_DAY = timedelta(days=1, hours=1)


async def repair(world: World) -> tuple[int, tuple[str, ...]]:
    report = await world.registry.maintenance.upkeep.run("repair-derived-data")
    assert report is not None
    return report.changed, report.problems


async def published(world: World) -> Release:
    await world.push(CONTENT)
    release = (await world.stores.metadata.find(GREET)).release
    assert release is not None
    return release


SUBS = bala("acme/greet:1.0.0", modules=["a", "b"], exported=["greet", "greet.b"])
EVERY = {"modules": ("greet", "greet.a", "greet.b"), "internal_modules": None}


async def published_before_modules_were_told_apart(world: World) -> Release:
    """Store a release as it was recorded then, with whatever is derived from it."""
    await world.push(SUBS)
    release = (await world.stores.metadata.find(GREET)).release
    assert release is not None
    old = await world.stores.metadata.replace_release(release.model_copy(update=EVERY))
    await world.registry.packages.derived_data.rebuild(GREET.package)
    return old


async def test_modules_that_are_not_exported_are_distinguished_in_older_records(
    world: World,
) -> None:
    await published_before_modules_were_told_apart(world)
    audited = await world.registry.maintenance.upkeep.run("audit-archives")
    assert audited is not None
    assert audited.problems == ()
    assert await repair(world) == (1, ())
    release = (await world.stores.metadata.find(GREET)).release
    assert release is not None
    assert (release.modules, release.internal_modules) == (("greet", "greet.b"), ("greet.a",))
    [survey] = await world.stores.metadata.survey([GREET.package])
    assert survey is not None
    assert [each.modules for each in survey.entries] == [("greet", "greet.b")]
    assert await repair(world) == (0, ())


async def test_an_older_record_whose_archive_is_lost_stays_as_it_is(world: World) -> None:
    old = await published_before_modules_were_told_apart(world)
    world.clock.advance(A_DAY)
    await world.stores.archives.delete(old.content, world.clock.now_ms())
    assert await repair(world) == (0, ())
    assert (await world.stores.metadata.find(GREET)).release == old


async def test_a_release_that_cannot_be_read_does_not_delay_others(world: World) -> None:
    release = await published(world)
    await world.push(bala("acme/other:1.0.0"))
    other = named(bala("acme/other:1.0.0"))
    await world.stores.documents.delete(release.content)
    await world.stores.documents.delete(other.digest)
    world.clock.advance(A_DAY)
    await world.stores.archives.delete(release.content, world.clock.now_ms())
    changed, [problem] = await repair(world)
    assert changed == 1
    assert problem.startswith("acme/greet: ")
