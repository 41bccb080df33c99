"""What readers ask for: files in colors, and comparisons of any two versions, each made once."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.confined.jobs import ConfinedEnded, ConfinedUnavailable, Json, PartResult
from shared.domain.archives.digests import Digest
from shared.domain.errors.packages import ApiDocsFailed
from shared.domain.errors.requests import ApiDocsPending, Busy
from shared.domain.packages import Release, ReleaseEntry
from shared.services.api_docs.on_demand import (
    MAX_WAITING,
    SET_ASIDE_SECONDS,
    FileHighlighting,
    OnDemandJobs,
)
from shared.services.packages.removed_documents import RemovedDocuments
from tests.contract.sample_records import coordinate
from tests.contract.sample_records import release as sample_release
from tests.fakes.confined import InProcess
from tests.support.documented_packages import documented_bala
from tests.support.world import OpenWorld, World

PACKAGE = coordinate("acme/moving:1.0.0").package


@dataclass
class Answering(InProcess):
    """A confined process that may be unavailable, or refuse every task but `release`."""

    refusal: str = ""
    is_available: bool = True

    async def run(self, task: str, folder: Path, request: Json) -> list[PartResult]:
        """Run the task, refuse it, or raise."""
        if not self.is_available:
            raise ConfinedUnavailable
        parts = await super().run(task, folder, request)
        if self.refusal and task != "release":
            return [PartResult(each.name, self.refusal, None) for each in parts]
        return parts


# --- Jobs


async def test_a_release_waits_for_one_job_however_many_were_asked_for() -> None:
    jobs = OnDemandJobs()
    confined = asyncio.Lock()
    ran = list[str]()

    async def run(name: str) -> None:
        async with confined:  # Takes turns, as the confined process does.
            ran.append(name)
            await asyncio.sleep(0)

    for number in range(MAX_WAITING):
        assert jobs.start(str(number), partial(run, f"file {number}"))
    await asyncio.sleep(0)
    await run("release")
    assert ran == ["file 0", "release"]
    await jobs.drain()
    assert len(ran) == MAX_WAITING + 1


async def test_no_more_jobs_wait_than_a_limit_until_one_is_done() -> None:
    jobs = OnDemandJobs()
    may_end = asyncio.Event()

    async def job() -> None:
        await may_end.wait()

    assert all(jobs.start(str(number), job) for number in range(MAX_WAITING))
    assert not jobs.start("one more", job)
    assert jobs.start("0", job)
    may_end.set()
    await jobs.drain()
    assert jobs.start("one more", job)
    await jobs.drain()


async def test_closing_ends_the_jobs() -> None:
    jobs = OnDemandJobs()
    ended = list[str]()

    async def job() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("job")

    jobs.start("one", job)
    await asyncio.sleep(0)
    await jobs.close()
    assert ended == ["job"]


# --- Files


async def test_each_file_has_its_own_rendering_and_is_plain_while_too_many_wait(
    world: World,
) -> None:
    jobs = OnDemandJobs()
    documents = world.stores.documents
    removed = RemovedDocuments(world.stores.metadata, documents)
    highlighting = FileHighlighting(documents, removed, Answering(), jobs)
    archive = sample_release()
    other = sample_release("acme/greet:1.1.0", digest=Digest.of(b"other").hex)

    async def shown(number: int, of: Release = archive) -> bool:
        text = f"public function f{number}() {{}} // ü\n"
        found = await highlighting.highlighted(of, f"{number}.bal", text)
        assert found is None or f"f{number}" in found
        return found is not None

    assert not any([await shown(number) for number in range(MAX_WAITING + 1)])
    await jobs.drain()
    assert [await shown(number) for number in range(MAX_WAITING + 1)] == [
        *[True] * MAX_WAITING,
        False,
    ]
    assert not await shown(0, other)
    await jobs.close()


# --- Comparisons


VERSIONS = ("1.0.0", "1.1.0", "1.2.0")


@pytest.fixture
def confined() -> Answering:
    return Answering()


@pytest.fixture
async def moving(worlds: OpenWorld, confined: Answering) -> World:
    """Return a registry with versions of which each has another function."""
    world = await worlds(wrap=lambda stores: replace(stores, confined=confined))
    for version in VERSIONS:
        source = f"public function in{version.replace('.', '')}() {{}}"
        await world.push(documented_bala(f"acme/moving:{version}", {"moving.bal": source}))
    await world.document()
    confined.ran.clear()
    return world


async def entries(world: World) -> Mapping[str, ReleaseEntry]:
    [survey] = await world.stores.metadata.survey([PACKAGE])
    assert survey
    return {each.version: each for each in survey.entries}


async def compare(world: World, before: str, after: str) -> str:
    found = await entries(world)
    return await world.registry.api_docs.comparisons.compare(PACKAGE, found[before], found[after])


async def test_a_comparison_that_takes_longer_than_a_moment_is_pending(moving: World) -> None:
    may_go_on = asyncio.Event()
    found = await entries(moving)

    async def job() -> None:
        await may_go_on.wait()

    comparisons = moving.registry.api_docs.comparisons
    comparisons.jobs.start("another", job)
    hasty = replace(comparisons, patience=timedelta(0))
    with pytest.raises(ApiDocsPending):
        await hasty.compare(PACKAGE, found["1.0.0"], found["1.2.0"])
    may_go_on.set()
    assert "in100" in await compare(moving, "1.0.0", "1.2.0")


async def test_another_comparison_is_made_once(moving: World, confined: Answering) -> None:
    found = await compare(moving, "1.0.0", "1.2.0")
    assert "in100" in found
    assert "in120" in found
    assert await compare(moving, "1.0.0", "1.2.0") == found
    assert confined.ran == ["compare"]


async def test_a_refused_comparison_is_stored_with_its_reason(
    moving: World, confined: Answering
) -> None:
    confined.refusal = "it takes too long"
    for _ in range(2):
        with pytest.raises(ApiDocsFailed, match="it takes too long"):
            await compare(moving, "1.0.0", "1.2.0")
    assert confined.ran == ["compare"]


async def test_a_job_whose_process_ends_three_times_is_set_aside_for_a_day() -> None:
    now = 0.0
    ran = list[str]()
    jobs = OnDemandJobs(lambda: now)

    async def ends() -> None:
        ran.append("it")
        raise ConfinedEnded

    for _ in range(5):
        assert jobs.start("it", ends)
        await jobs.drain()
    assert (len(ran), jobs.is_set_aside("it")) == (3, True)
    now = SET_ASIDE_SECONDS
    for _ in range(2):
        jobs.start("it", ends)
        await jobs.drain()
    assert len(ran) == 4


async def test_too_many_waiting_comparisons_are_refused(moving: World) -> None:
    may_end = asyncio.Event()

    async def job() -> None:
        await may_end.wait()

    jobs = moving.registry.api_docs.comparisons.jobs
    for number in range(MAX_WAITING):
        assert jobs.start(str(number), job)
    with pytest.raises(Busy):
        await compare(moving, "1.0.0", "1.2.0")
    may_end.set()
    await jobs.drain()


@pytest.mark.parametrize("has_record", [True, False])
@pytest.mark.parametrize("version", ["1.0.0", "1.2.0"])
async def test_documentation_that_is_not_there_is_made_first(
    moving: World, version: str, has_record: bool
) -> None:
    digest = Digest((await entries(moving))[version].digest)
    record = await moving.stores.documents.api_docs_record(digest)
    assert record
    await moving.stores.documents.delete(digest)
    if has_record:
        await moving.stores.documents.put_api_docs(digest, record)
    else:
        moving.registry.api_docs.pieces.forget(digest)
    for _ in range(2):  # Found gone and made again; compared.
        with suppress(ApiDocsPending):
            await compare(moving, "1.0.0", "1.2.0")
        await moving.registry.api_docs.comparisons.jobs.drain()
        await moving.registry.api_docs.queue.drain()
    assert "in100" in (await compare(moving, "1.0.0", "1.2.0"))
