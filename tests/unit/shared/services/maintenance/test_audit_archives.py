"""The audit finds differences between archives and records."""

from pathlib import Path

from msgspec.structs import replace

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from tests.contract.sample_records import NAME
from tests.support.archives import bala
from tests.support.world import World

GREET = Coordinate.parse("acme", "greet", "1.0.0")
CONTENT = bala("acme/greet:1.0.0", keywords=["hello"])


async def audit(world: World) -> tuple[str, ...]:
    await world.push(CONTENT)
    report = await world.registry.maintenance.task_runner.run("audit-archives")
    assert report is not None
    assert report.seen == 1
    return report.problems


def archive(world: World) -> Path:
    assert world.registry.adapters.archive_path is not None
    return world.registry.adapters.archive_path(replace(NAME, digest=Digest.of(CONTENT)))


async def again(world: World) -> tuple[str, ...]:
    report = await world.registry.maintenance.task_runner.run("audit-archives")
    assert report is not None
    return report.problems


async def test_an_archive_with_a_flipped_bit_is_a_problem(world: World) -> None:
    await audit(world)
    content = bytearray(CONTENT)
    content[100] ^= 1
    path = archive(world)
    path.chmod(0o600)
    path.write_bytes(bytes(content))
    [problem] = await again(world)
    assert problem == (
        "acme/greet:1.0.0: the stored archive has another digest. Bring it back: ballroom restore "
        "--release acme/greet:1.0.0 --from BACKUP."
    )


async def test_a_record_that_says_other_than_its_archive_is_a_problem(world: World) -> None:
    await audit(world)
    release = (await world.stores.metadata.find(GREET)).release
    assert release is not None
    await world.stores.metadata.replace_release(release.model_copy(update={"keywords": ("bye",)}))
    [problem] = await again(world)
    assert problem.startswith("acme/greet:1.0.0: keywords is recorded as ('bye',)")


async def test_an_archive_that_newer_rules_refuse_is_a_problem_and_not_a_crash(
    world: World,
) -> None:
    await audit(world)
    reader = world.registry.publishing.releases.archive_reader
    reader.limits = replace(reader.limits, archive_bytes=10)
    [problem] = await again(world)
    assert problem.startswith("acme/greet:1.0.0: its archive cannot be read: The archive has")


async def test_what_a_record_of_an_earlier_version_does_not_know_is_no_problem(
    world: World,
) -> None:
    await audit(world)
    release = (await world.stores.metadata.find(GREET)).release
    assert release is not None
    unknown = release.model_copy(update={"internal_modules": None})
    await world.stores.metadata.replace_release(unknown)
    assert await again(world) == ()
