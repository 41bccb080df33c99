"""The verdicts on releases: stored with the documentation, and deleted with the archive."""

from datetime import timedelta
from functools import partial

from msgspec.structs import replace

from shared.domain.coordinates import Coordinate
from shared.domain.packages import Release
from shared.domain.principals import OPERATOR
from tests.support.documented_packages import documented_bala
from tests.support.port_doubles import OtherWriter
from tests.support.world import World

PACKAGE = Coordinate.parse("acme", "moving", "1.0.0").package
OLD = "public function kept() {} public function gone() {}"
NEW = "public function kept() {} public function added() {}"


async def compared(world: World) -> Release:
    """Publish two versions, document them, and return the later release."""
    for version, source in (("1.0.0", OLD), ("1.0.1", NEW)):
        await world.push(documented_bala(f"acme/moving:{version}", {"moving.bal": source}))
    await world.document()
    latest = Coordinate.parse("acme", "moving", "1.0.1")
    release = (await world.stores.metadata.find(latest)).release
    assert release
    return release


async def verdicts(world: World) -> dict[str, tuple[str, int]]:
    found = await world.registry.api_docs.history.verdicts(PACKAGE)
    return {version: (each.compared_with, each.breaking) for version, each in found.items()}


async def test_a_verdict_is_deleted_with_the_archive(world: World) -> None:
    latest = await compared(world)
    await world.registry.publishing.moderation.remove(latest.coordinate, "court order", by=OPERATOR)
    world.clock.advance(timedelta(days=7))
    await world.registry.maintenance.task_runner.run("delete-orphaned-archives")
    assert await verdicts(world) == {}


async def test_a_verdict_may_be_removed_by_two_processes(world: World) -> None:
    latest = await compared(world)
    assert latest.version in await verdicts(world)
    history = world.registry.api_docs.history
    other = OtherWriter("remove", partial(history.put, latest.coordinate, None))
    raced = replace(history, directory=other.over(world.stores.directory))
    await raced.put(latest.coordinate, None)
    assert other.has_acted
    assert await verdicts(world) == {}
