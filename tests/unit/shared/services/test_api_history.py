"""The history of an API: made with the documentation, and deleted with it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from shared.domain.api_docs.records import GENERATOR_VERSION, ApiDocsRecord, DocsState
from shared.domain.errors.requests import Busy
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate
from shared.domain.packages import Release
from shared.ports import DirectoryStore, Stale
from shared.services import api_history
from shared.services.api_history import ApiHistory
from tests.support.archives import bala
from tests.support.world import World

PACKAGE = Coordinate.parse("acme", "moving", "1.0.0").package
OLD = "public function kept() {} public function gone() {}"
NEW = "public function kept() {} public function added() {}"


async def push(world: World, version: str, source: str) -> Release:
    entries = {"modules/moving/moving.bal": source}
    await world.push(bala(f"acme/moving:{version}", entries=entries))
    coordinate = Coordinate.parse("acme", "moving", version)
    release = (await world.stores.metadata.find(coordinate)).release
    assert release
    return release


async def verdicts(world: World) -> dict[str, tuple[str, int]]:
    found = await world.registry.api_history.verdicts(PACKAGE)
    return {version: (each.compared_with, each.breaking) for version, each in found.items()}


async def test_a_push_is_compared_with_the_version_before(world: World) -> None:
    for version, source in (("1.0.0", OLD), ("1.0.1", NEW), ("1.0.2", NEW)):
        latest = await push(world, version, source)
        await world.registry.api_docs_queue.drain()
    assert await verdicts(world) == {"1.0.1": ("1.0.0", 1), "1.0.2": ("1.0.1", 0)}
    history = world.registry.api_history
    assert await history.since(latest, "moving") == {"kept": "1.0.0", "added": "1.0.1"}
    assert await history.since(latest, "other") == {}


async def test_the_task_documents_the_oldest_version_first(world: World) -> None:
    releases = [
        await push(world, version, source)
        for version, source in (("1.1.0", NEW), ("1.0.0", OLD), ("1.10.0", NEW))
    ]
    world.registry.api_docs_queue._waiting.clear()
    made = await world.registry.api_docs_task.document_missing()
    assert [each.release.version for each in made] == ["1.0.0", "1.1.0", "1.10.0"]
    assert await verdicts(world) == {"1.1.0": ("1.0.0", 1), "1.10.0": ("1.1.0", 0)}
    again = await world.registry.api_docs_task.document_package(PACKAGE)
    assert [each.release.version for each in again] == ["1.0.0", "1.1.0", "1.10.0"]
    since = await world.registry.api_history.since(releases[2], "moving")
    assert since == {"kept": "1.0.0", "added": "1.1.0"}


@pytest.mark.parametrize("generator", [None, GENERATOR_VERSION - 1])
async def test_nothing_is_said_after_a_version_without_documentation(
    world: World, generator: int | None
) -> None:
    first, second = await push(world, "1.0.0", OLD), await push(world, "1.0.1", NEW)
    if generator:
        record = ApiDocsRecord(state=DocsState.DONE, generator=generator)
        await world.stores.documents.put_api_docs(first.content, record, {})
    await world.registry.api_docs_generation.make(second)
    assert await verdicts(world) == {}
    assert await world.registry.api_history.since(second, "moving") == {}


async def test_after_partial_documentation_only_what_it_had_is_known(world: World) -> None:
    await push(world, "1.0.0", "public function kept() {}\npublic function broken( {\n")
    await push(world, "1.0.1", NEW)
    latest = await push(world, "1.0.2", NEW)
    await world.registry.api_docs_queue.drain()
    assert await verdicts(world) == {"1.0.2": ("1.0.1", 0)}
    assert await world.registry.api_history.since(latest, "moving") == {"kept": "1.0.0"}


async def test_an_error_of_the_comparison_leaves_the_documentation(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Any:
        raise RecursionError

    monkeypatch.setattr(api_history, "_compare", broken)
    release = await push(world, "1.0.0", OLD)
    await world.registry.api_docs_queue.drain()
    record = await world.stores.documents.api_docs_record(release.content)
    assert record
    assert record.state is DocsState.DONE


async def test_a_store_that_fails_leaves_the_release_to_the_task(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> Any:
        raise Busy

    monkeypatch.setattr(api_history, "_compare", failing)
    release = await push(world, "1.0.0", OLD)
    await world.registry.api_docs_queue.drain()
    assert await world.stores.documents.api_docs_record(release.content) is None


async def test_a_verdict_is_deleted_with_the_archive(world: World) -> None:
    await push(world, "1.0.0", OLD)
    latest = await push(world, "1.0.1", NEW)
    await world.registry.api_docs_queue.drain()
    await world.registry.moderation.remove(latest.coordinate, "court order", by=OPERATOR)
    world.clock.advance(timedelta(days=7))
    await world.registry.upkeep.run("sweep")
    assert await verdicts(world) == {}


class Raced:
    """A directory in which another process removes what this one does."""

    def __init__(self, directory: DirectoryStore) -> None:
        self.get = directory.get

    async def remove(self, _: object) -> None:
        raise Stale


async def test_a_verdict_may_be_removed_by_two_processes(world: World) -> None:
    await push(world, "1.0.0", OLD)
    latest = await push(world, "1.0.1", NEW)
    await world.registry.api_docs_queue.drain()
    stores = world.stores
    directory = cast("DirectoryStore", Raced(stores.directory))
    history = replace(world.registry.api_history, directory=directory)
    assert isinstance(history, ApiHistory)
    await history.remove(latest.coordinate)


async def test_a_package_that_is_gone_has_no_version_before(world: World) -> None:
    release = await push(world, "1.0.0", OLD)
    made = await world.registry.api_docs_generation._made(release)

    class Nothing:
        async def survey(self, _: object) -> list[None]:
            return [None]

    history = replace(world.registry.api_history, metadata=cast("Any", Nothing()))
    assert "@since" in (await history.add(release, made)).documents
