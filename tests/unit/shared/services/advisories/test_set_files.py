"""The files of imported sets are there as long as a record names them, and no longer."""

from datetime import timedelta
from typing import Any

from msgspec import structs

from shared.domain.principals import OPERATOR
from shared.services.advisories.advisory_import import AdvisoryImport
from tests.support.advisory_files import dump, record
from tests.support.port_doubles import Proceed, intercepted
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

    async def again(_: str, proceed: Proceed) -> Any:
        """Import the first content again, after the record named the second one."""
        await replaced(world, FIRST)
        return await proceed()

    ours = importing(world)
    index = intercepted(ours.index, again, {"say_changed"})
    interrupted = structs.replace(ours, index=index)
    await interrupted.replace_set("maven", SECOND, source="x", tag="", by=OPERATOR)
    assert await is_whole(world)


async def test_a_file_that_is_named_again_while_it_is_deleted_is_kept(world: World) -> None:
    await replaced(world, FIRST)
    [stored] = await importing(world).sets()
    await replaced(world, SECOND)
    await world.stores.advisory_files.put(stored.file, b"whole")
    files = importing(world).set_files

    async def named_meanwhile(_: str, proceed: Proceed) -> Any:
        await world.stores.directory.put(stored)
        return await proceed()

    deleting = intercepted(world.stores.advisory_files, named_meanwhile, {"delete"})
    assert not await structs.replace(files, files=deleting).delete(stored.file)
    assert await is_whole(world)


async def test_a_file_that_is_deleted_until_the_record_names_it_is_stored_again(
    world: World,
) -> None:
    await replaced(world, FIRST)
    ours = importing(world)

    async def swept(_: str, proceed: Proceed) -> Any:
        stored = await proceed()
        for name in await world.stores.advisory_files.names():
            await world.stores.advisory_files.delete(name)
        return stored

    writer = intercepted(ours.audited_writer, swept, {"replace"})
    interrupted = structs.replace(ours, audited_writer=writer)
    await interrupted.replace_set("maven", SECOND, source="x", tag="", by=OPERATOR)
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
