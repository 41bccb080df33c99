"""The files of imported sets are there as long as a record names them, and no longer."""

from datetime import timedelta
from functools import partial

from msgspec import structs

from shared.domain.principals import OPERATOR
from shared.services.advisories.advisory_import import AdvisoryImport
from tests.support.advisory_files import dump, record
from tests.support.port_doubles import Moment, OtherWriter
from tests.support.world import World

FIRST = dump([record("GHSA-1", "g:1")])
SECOND = dump([record("GHSA-2", "g:2")])


def importing(world: World) -> AdvisoryImport:
    return world.registry.advisories.importing


async def replaced(world: World, content: bytes) -> None:
    await importing(world).replace_set("maven", content, source="x", tag="", by=OPERATOR)


async def is_whole(world: World) -> bool:
    [stored] = await importing(world).sets()
    return await world.stores.advisory_files.get(stored.file) is not None


async def sweep(world: World) -> None:
    await world.registry.maintenance.task_runner.run("delete-orphaned-archives")


async def test_a_set_that_another_process_imports_again_meanwhile_keeps_its_file(
    world: World,
) -> None:
    await replaced(world, FIRST)
    # After the record names the second content.
    other = OtherWriter("say_changed", partial(replaced, world, FIRST))
    ours = importing(world)
    interrupted = structs.replace(ours, index=other.over(ours.index))
    await interrupted.replace_set("maven", SECOND, source="x", tag="", by=OPERATOR)
    assert other.has_acted
    assert await is_whole(world)


async def test_a_file_that_is_named_again_while_it_is_deleted_is_kept(world: World) -> None:
    await replaced(world, FIRST)
    [stored] = await importing(world).sets()
    await replaced(world, SECOND)
    await world.stores.advisory_files.put(stored.file, b"whole")
    files = importing(world).set_files
    other = OtherWriter("delete", partial(world.stores.directory.put, stored))
    deleting = structs.replace(files, files=other.over(world.stores.advisory_files))
    assert not await deleting.delete(stored.file)
    assert other.has_acted
    assert await is_whole(world)


async def test_a_file_that_is_deleted_until_the_record_names_it_is_stored_again(
    world: World,
) -> None:
    await replaced(world, FIRST)
    ours = importing(world)

    async def delete_all() -> None:
        for name in await world.stores.advisory_files.names():
            await world.stores.advisory_files.delete(name)

    other = OtherWriter("replace", delete_all, Moment.AFTER)
    interrupted = structs.replace(ours, audited_writer=other.over(ours.audited_writer))
    await interrupted.replace_set("maven", SECOND, source="x", tag="", by=OPERATOR)
    assert other.has_acted
    assert await is_whole(world)


async def test_a_file_of_an_import_that_ended_early_is_deleted_a_night_later(
    world: World,
) -> None:
    await replaced(world, FIRST)
    [stored] = await importing(world).sets()
    await world.stores.advisory_files.put("maven.0", b"of an import that was killed")
    await world.stores.advisory_files.put("gone.0", b"of a set that was removed")
    await sweep(world)
    world.clock.advance(timedelta(hours=1))
    await sweep(world)
    assert await world.stores.advisory_files.names() == ["gone.0", "maven.0", stored.file]
    world.clock.advance(timedelta(days=1))
    await sweep(world)
    assert await world.stores.advisory_files.names() == [stored.file]
