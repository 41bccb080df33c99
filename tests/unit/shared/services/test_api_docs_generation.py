"""Making documentation: after a push, on request, by the task, and what stands in its way."""

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest

from shared.domain.api_docs.records import GENERATOR_VERSION, ApiDocsRecord, DocsState
from shared.domain.errors.packages import ReleaseNotFound
from shared.domain.errors.requests import ApiDocsPending, Busy
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate
from shared.domain.packages import FoundRelease, Release
from shared.domain.records import Event
from shared.ports import DocumentStore, MetadataStore
from shared.services import api_docs_generation, upkeep
from shared.services.api_docs import ModuleName
from shared.services.api_docs_generation import ApiDocsQueue
from tests.support.archives import bala
from tests.support.documented_packages import documented_bala
from tests.support.world import OpenWorld, World

GREET = Coordinate.parse("acme", "greet", "1.0.0")


async def release_of(world: World, coordinate: Coordinate = GREET) -> Release:
    release = (await world.stores.metadata.find(coordinate)).release
    assert release
    return release


async def state_of(world: World, coordinate: Coordinate = GREET) -> ApiDocsRecord | None:
    release = await release_of(world, coordinate)
    return await world.stores.documents.api_docs_record(release.content)


async def test_the_queue_documents_what_was_pushed(world: World) -> None:
    await world.push(documented_bala())
    assert await state_of(world) is None
    await world.registry.api_docs_queue.drain()
    record = await state_of(world)
    assert record
    assert (record.state, record.modules) == (DocsState.DONE, ("greet",))


async def test_an_enabled_queue_works_by_itself(world: World) -> None:
    queue = world.registry.api_docs_queue
    queue.enable()
    await world.push(documented_bala())
    await world.push(documented_bala("acme/greet:1.1.0"))
    while await state_of(world, Coordinate.parse("acme", "greet", "1.1.0")) is None:
        await asyncio.sleep(0.01)
    await queue.close()


async def test_a_queue_that_is_closed_at_work_leaves_the_rest_to_the_task(world: World) -> None:
    queue = world.registry.api_docs_queue
    queue.enable()
    await world.push(documented_bala())
    await queue.close()
    await world.registry.upkeep.run("document")
    assert await state_of(world)


async def test_the_task_documents_what_a_crash_left_and_each_release_once(world: World) -> None:
    await world.push(documented_bala())
    await world.push(bala("acme/other:1.0.0"))
    report = await world.registry.upkeep.run("document")
    assert report
    assert (report.changed, report.problems, report.unfinished) == (2, (), False)
    await world.push(documented_bala("acme/greet:1.1.0"))
    again = await world.registry.upkeep.run("document")
    assert again
    assert (again.seen, again.changed) == (1, 1)


async def test_documentation_of_an_older_generator_is_made_again(world: World) -> None:
    await world.push(documented_bala())
    old = ApiDocsRecord(state=DocsState.FAILED, generator=GENERATOR_VERSION - 1, reason="old")
    await world.stores.documents.put_api_docs((await release_of(world)).content, old, {})
    await world.registry.upkeep.run("document")
    record = await state_of(world)
    assert record
    assert record.generator == GENERATOR_VERSION


async def test_the_task_goes_on_where_its_time_was_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("1.0.0", "1.1.0"):
        await world.push(documented_bala(f"acme/greet:{version}"))
    monkeypatch.setattr(api_docs_generation, "DOCUMENTING_TIME", api_docs_generation._MS * 0)
    first = await world.registry.upkeep.run("document")
    assert first
    assert first.unfinished
    monkeypatch.undo()
    second = await world.registry.upkeep.run("document")
    assert second
    assert not second.unfinished
    assert first.changed + second.changed == 2


async def test_visiting_all_packages_goes_on_where_its_time_was_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        await world.push(documented_bala(f"acme/{name}:1.0.0"))
    monkeypatch.setattr(upkeep, "RUN_TIME", upkeep.RUN_TIME * 0)
    first = await world.registry.upkeep.run("document")
    assert first
    assert first.unfinished
    monkeypatch.undo()
    second = await world.registry.upkeep.run("document")
    assert second
    assert not second.unfinished


async def test_an_event_of_a_release_that_is_gone_is_passed_over(world: World) -> None:
    gone = Event(
        id="e", kind="release.published", at_ms=0, actor="", subject="acme/gone:1.0.0", org="acme"
    )
    await world.stores.events.append([gone])
    report = await world.registry.upkeep.run("document")
    assert report
    assert report.seen == 0


async def test_no_files_are_read_of_a_release_without_sources(world: World) -> None:
    await world.push(documented_bala())
    assert await world.registry.archive_files.read_all(await release_of(world), []) == {}


async def test_a_removed_release_is_not_documented(world: World) -> None:
    await world.push(documented_bala())
    await world.registry.moderation.remove(GREET, "court order", by=OPERATOR)
    report = await world.registry.upkeep.run("document")
    assert report
    assert report.changed == 0
    with pytest.raises(ReleaseNotFound):
        await world.registry.api_docs_generation.require(GREET)


async def test_an_archive_that_is_gone_is_failed_with_the_reason(world: World) -> None:
    await world.push(documented_bala())
    release = await release_of(world)
    await world.stores.archives.delete(release.content, 2**62)
    await world.registry.api_docs_queue.drain()
    record = await state_of(world)
    assert record
    assert record.state is DocsState.FAILED
    assert record.reason


async def test_an_error_of_the_generator_is_reported_and_not_repeated(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_files: object) -> Any:
        raise RecursionError

    monkeypatch.setattr(api_docs_generation, "_document", broken)
    await world.push(documented_bala())
    await world.registry.api_docs_queue.drain()
    record = await state_of(world)
    assert record
    assert (record.state, record.reason) == (
        DocsState.FAILED,
        "the sources cannot be documented",
    )
    answer = await world.get("https://registry.test/2.0/docs/acme/greet/1.0.0")
    assert answer.status_code == 404
    assert "the sources cannot be documented" in answer.text


async def test_a_request_does_not_wait_without_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.push(documented_bala())
    monkeypatch.setattr(api_docs_generation, "REQUEST_WAITS", api_docs_generation._MS * 0)
    name = ModuleName("acme", "greet", "1.0.0")
    with pytest.raises(ApiDocsPending):
        await world.registry.api_docs.document(name, by=OPERATOR)
    answer = await world.get("https://registry.test/2.0/docs/acme/greet/1.0.0")
    if answer.status_code == 503:
        assert int(answer.headers["retry-after"]) >= 1
    await world.registry.upkeep.run("document")


class BusyDocuments:
    """Documents of which one method fails."""

    def __init__(self, documents: DocumentStore, failing: str) -> None:
        self.documents = documents
        self.failing = failing

    def __getattr__(self, name: str) -> object:
        return self.fail if name == self.failing else getattr(self.documents, name)

    async def fail(self, *_: object) -> None:
        raise Busy


@pytest.mark.parametrize("failing", ["put_api_docs", "graphs"])
async def test_a_store_that_fails_leaves_the_release_to_the_next_run(
    worlds: OpenWorld, failing: str
) -> None:
    world = await worlds(
        wrap=lambda stores: replace(
            stores, documents=cast("DocumentStore", BusyDocuments(stores.documents, failing))
        )
    )
    await world.push(documented_bala())
    await world.registry.api_docs_queue.drain()
    assert await state_of(world) is None
    with pytest.raises(Busy):
        await world.registry.upkeep.run("document")


class NoRelease:
    """Packages of which the release is gone."""

    async def find(self, coordinate: Coordinate) -> Any:
        return FoundRelease(None, None)


async def test_a_release_that_is_gone_is_passed_over(world: World) -> None:
    registry = world.registry
    queue = ApiDocsQueue(
        registry.api_docs_generation,
        cast("MetadataStore", NoRelease()),
        failed=lambda _coordinate, _error: None,
    )
    queue.add(GREET)
    await queue.drain()
    await queue.close()
