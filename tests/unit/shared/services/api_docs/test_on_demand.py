"""What readers ask for: files in colors, and comparisons of any two versions, each made once."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace

from shared.confined.budget import ConfinedEnded, ConfinedUnavailable, Json, PartResult
from shared.domain.archives.names import Digest
from shared.domain.errors.packages import ApiDocsFailed
from shared.domain.errors.requests import ApiDocsPending, Busy
from shared.domain.packages import ReleaseEntry
from shared.ports import DocumentStore
from shared.services.api_docs.on_demand import (
    MAX_WAITING,
    SET_ASIDE_SECONDS,
    FileHighlighting,
    OnDemandJobs,
)
from tests.contract.sample_records import coordinate
from tests.fakes.confined import InProcess
from tests.support.documented_packages import documented_bala
from tests.support.world import OpenWorld, World

ARCHIVE = Digest.of(b"archive")
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
    jobs, confined, ran = OnDemandJobs(), asyncio.Lock(), list[str]()

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
    jobs, may_end = OnDemandJobs(), asyncio.Event()

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
    jobs, ended = OnDemandJobs(), list[str]()

    async def job() -> None:
        await asyncio.Event().wait()
        ended.append("job")

    jobs.start("one", job)
    await jobs.close()
    assert ended == []


# --- Files


class Documents:
    """Renderings in memory."""

    def __init__(self) -> None:
        """Begin with none."""
        self.stored = dict[tuple[str, str], bytes]()

    async def rendering(self, digest: Digest, name: str) -> bytes | None:
        return self.stored.get((digest.hex, name))

    async def put_rendering(self, digest: Digest, name: str, content: bytes) -> None:
        """Store one."""
        self.stored[digest.hex, name] = content


@dataclass
class Files:
    """The highlighting of files over doubles."""

    documents: Documents
    confined: Answering
    highlighting: FileHighlighting

    async def asked(self, path: str, text: str) -> str | None:
        """Ask for a file as a reader does, and let the jobs end."""
        found = await self.highlighting.highlighted(ARCHIVE, path, text)
        await self.highlighting.jobs.drain()
        return found


@pytest.fixture
async def files() -> AsyncIterator[Files]:
    documents, confined, jobs = Documents(), Answering(), OnDemandJobs()
    highlighting = FileHighlighting(cast("DocumentStore", documents), confined, jobs)
    yield Files(documents, confined, highlighting)
    await jobs.close()


CODE = "public function f() {} // ü\n"


async def test_each_file_has_its_own_rendering(files: Files) -> None:
    for path in ("a.bal", "b.bal"):
        await files.asked(path, CODE)
    assert len(files.documents.stored) == 2
    assert await files.highlighting.highlighted(Digest.of(b"other"), "a.bal", CODE) is None


async def test_a_file_is_plain_while_too_many_wait(files: Files) -> None:
    for number in range(MAX_WAITING + 1):
        assert await files.highlighting.highlighted(ARCHIVE, f"{number}.bal", CODE) is None
    await files.highlighting.jobs.drain()
    assert len(files.documents.stored) == MAX_WAITING


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


async def pending(world: World, before: str, after: str) -> None:
    """Ask for a comparison that is not made yet, and let it be made."""
    with pytest.raises(ApiDocsPending):
        await compare(world, before, after)
    await world.document()


async def test_another_comparison_is_made_once(moving: World, confined: Answering) -> None:
    await pending(moving, "1.0.0", "1.2.0")
    found = await compare(moving, "1.0.0", "1.2.0")
    assert "in100" in found
    assert "in120" in found
    assert await compare(moving, "1.0.0", "1.2.0") == found
    assert confined.ran == ["compare"]


async def test_a_refused_comparison_is_stored_with_its_reason(
    moving: World, confined: Answering
) -> None:
    confined.refusal = "it takes too long"
    await pending(moving, "1.0.0", "1.2.0")
    for _ in range(2):
        with pytest.raises(ApiDocsFailed, match="it takes too long"):
            await compare(moving, "1.0.0", "1.2.0")
    assert confined.ran == ["compare"]


async def test_a_job_whose_process_ends_three_times_is_set_aside_for_a_day() -> None:
    now, ran = 0.0, list[str]()
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


@pytest.mark.parametrize("version", ["1.0.0", "1.2.0"])
async def test_documentation_that_is_not_made_is_made_first(moving: World, version: str) -> None:
    digest = Digest((await entries(moving))[version].digest)
    await moving.stores.documents.delete(digest)
    moving.registry.api_docs.pieces.forget(digest)
    await pending(moving, "1.0.0", "1.2.0")
    await pending(moving, "1.0.0", "1.2.0")
    assert "in100" in (await compare(moving, "1.0.0", "1.2.0"))


@pytest.mark.parametrize("version", ["1.0.0", "1.2.0"])
async def test_pieces_that_are_gone_are_made_again_first(moving: World, version: str) -> None:
    digest = Digest((await entries(moving))[version].digest)
    record = await moving.stores.documents.api_docs_record(digest)
    assert record
    await moving.stores.documents.delete(digest)
    await moving.stores.documents.put_api_docs(digest, record)
    for _ in range(2):  # Found gone and made again; compared.
        with suppress(ApiDocsPending):
            await compare(moving, "1.0.0", "1.2.0")
        await moving.registry.api_docs.comparisons.jobs.drain()
        await moving.registry.api_docs.queue.drain()
    assert "in100" in (await compare(moving, "1.0.0", "1.2.0"))
