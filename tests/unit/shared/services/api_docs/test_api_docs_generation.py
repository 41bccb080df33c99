"""Making the documentation of a release: what the confined process gets, and what it may answer."""

import asyncio
import errno
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from shared.confined.jobs import SET_ASIDE, ConfinedEnded, ConfinedUnavailable, Json, PartResult
from shared.confined.release_files import ReleaseRequest
from shared.domain.api_docs.pieces import PieceKind, piece_name
from shared.domain.api_docs.records import GENERATOR_VERSION, ApiDocsRecord, DocsState
from shared.domain.coordinates import Coordinate
from shared.domain.errors.requests import Busy
from shared.domain.packages import Release
from shared.services.api_docs import api_docs_generation
from shared.services.api_docs.api_docs_generation import MAX_RECORD_BYTES
from tests.contract.sample_records import coordinate
from tests.fakes.confined import InProcess
from tests.support.documented_packages import documented_bala
from tests.support.logs import capture_logs
from tests.support.port_doubles import PortOutage
from tests.support.world import OpenWorld, World

GREET = coordinate("acme/greet:1.0.0")
OLD = "public function kept() {} public function gone() {}"
NEW = "public function kept() {} public function added() {}"
BROKEN = "public function kept() {}\npublic function broken( {\n"


@dataclass
class Watched(InProcess):
    """A confined process whose inputs are noted, and whose answers may be spoiled."""

    requests: list[ReleaseRequest] = field(default_factory=list[ReleaseRequest])
    spoil: Callable[[Path, list[PartResult]], None] = lambda _folder, _parts: None

    async def run(self, task: str, folder: Path, request: Json) -> list[PartResult]:
        """Run the task."""
        content = (folder / "request.json").read_bytes()
        self.requests.append(ReleaseRequest.model_validate_json(content))
        parts = await super().run(task, folder, request)
        self.spoil(folder / "output", parts)
        return parts


class Ending(InProcess):
    """A confined process that is ended by each task."""

    async def run(self, task: str, folder: Path, request: Json) -> list[PartResult]:
        """Note the task, and end."""
        self.ran.append(task)
        raise ConfinedEnded


@pytest.fixture
def confined() -> Watched:
    return Watched()


@pytest.fixture
async def watched(worlds: OpenWorld, confined: Watched) -> World:
    """Return a registry with this confined process."""
    return await worlds(wrap=lambda stores: replace(stores, confined=confined))


async def release_of(world: World, wanted: Coordinate = GREET) -> Release:
    release = (await world.stores.metadata.find(wanted)).release
    assert release
    return release


async def push(world: World, text: str = "acme/greet:1.0.0", source: str = OLD) -> Release:
    pushed = coordinate(text)
    await world.push(documented_bala(text, {f"{pushed.package.name}.bal": source}))
    return await release_of(world, pushed)


async def made(world: World, release: Release) -> ApiDocsRecord:
    record = await world.registry.api_docs.generation.make(release)
    stored = await world.stores.documents.api_docs_record(release.archive_digest)
    assert stored == record
    return record


async def read(world: World, release: Release, kind: PieceKind, *of: str) -> str | None:
    found = await world.registry.api_docs.pieces.read(release.archive_digest, piece_name(kind, *of))
    return found and found.unpack().decode()


async def test_folders_of_jobs_of_killed_processes_are_deleted_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    jobs = tmp_path / f"ballroom-jobs-{os.getuid()}"
    for name, hours in {"of-a-killed-one": 2, "of-another-process": 0}.items():
        (jobs / name).mkdir(parents=True)
        os.utime(jobs / name, times=(0, time.time() - hours * 3600))
    async with api_docs_generation.job_folder() as folder:
        api_docs_generation.delete_abandoned_jobs()
        assert {each.name for each in jobs.iterdir()} == {"of-another-process", folder.name}
    assert [each.name for each in jobs.iterdir()] == ["of-another-process"]


async def test_a_release_whose_process_ends_three_times_is_set_aside_and_tried_again_the_next_day(
    world: World,
) -> None:
    await world.push(documented_bala())
    found = await world.stores.metadata.find(GREET)
    assert found.release
    ending = Ending()
    generation = replace(world.registry.api_docs.generation, confined=ending)
    for _ in range(2):
        with pytest.raises(ConfinedEnded):
            await generation.update(found.release)
    record = await generation.update(found.release)
    assert record is not None
    assert (record.state, record.reason) == (DocsState.FAILED, SET_ASIDE)
    assert await generation.update(found.release) is None
    for _ in range(2):
        world.clock.advance(timedelta(days=1))
        record = await generation.update(found.release)
        assert record is not None
        assert record.set_aside_ms == world.clock.now_ms()
        assert await generation.update(found.release) is None
    assert len(ending.ran) == 5


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
async def test_a_job_whose_files_the_machine_cannot_write_is_repeated(number: int) -> None:
    with capture_logs() as events, pytest.raises(ConfinedUnavailable):
        async with api_docs_generation.job_folder():
            raise OSError(number, "No space left on device")
    assert [each["event"] for each in events] == ["confined.folder_failed"]
    for other in (TimeoutError(), FileNotFoundError(errno.ENOENT, "missing")):
        with pytest.raises(type(other)):
            async with api_docs_generation.job_folder():
                raise other


async def test_a_job_that_is_cancelled_as_it_begins_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async def work() -> None:
        async with api_docs_generation.job_folder():
            await asyncio.sleep(0)
            pytest.fail("It was cancelled before.")

    job = asyncio.create_task(work())
    await asyncio.sleep(0)
    job.cancel()
    await asyncio.wait({job})
    assert job.cancelled()
    assert [each for each in tmp_path.rglob("*") if each.parent != tmp_path] == []


async def test_an_archive_that_is_gone_is_failed_with_the_reason(watched: World) -> None:
    release = await push(watched)
    await watched.stores.archives.delete(release.archive_digest, 2**62)
    record = await made(watched, release)
    assert record.state is DocsState.FAILED
    assert record.reason
    assert await watched.registry.api_docs.generation.update(release) is None


# --- What a job reads


async def history(world: World, **sources: str) -> dict[str, Any]:
    """Make version after version; return since which each symbol of the last one exists."""
    for version, source in sources.items():
        release = await push(world, f"acme/greet:1.0.{version.removeprefix('v')}", source)
        await made(world, release)
    last = await release_of(world, coordinate(f"acme/greet:1.0.{len(sources) - 1}"))
    return json.loads(await read(world, last, PieceKind.SINCE) or "")


async def test_after_a_version_that_is_not_complete_there_is_no_verdict(watched: World) -> None:
    since = await history(watched, v0=BROKEN, v1=NEW, v2=BROKEN)
    assert since == {"greet": {"kept": "1.0.0"}}
    assert await watched.registry.api_docs.history.verdicts(GREET.package) == {}


@pytest.mark.parametrize("is_gone", [True, False])
async def test_nothing_is_said_after_a_version_without_documentation(
    watched: World, confined: Watched, is_gone: bool
) -> None:
    first = await push(watched)
    if is_gone:
        record = await made(watched, first)
        await watched.stores.documents.delete(first.archive_digest)
        await watched.stores.documents.put_api_docs(first.archive_digest, record)
    second = await push(watched, "acme/greet:1.0.1", NEW)
    await made(watched, second)
    request = confined.requests[-1]
    assert (request.before, request.has_unknown_history) == ("", True)
    assert await watched.registry.api_docs.history.verdicts(GREET.package) == {}


async def test_a_module_without_a_document_is_left_out_of_the_comparison(
    watched: World, confined: Watched
) -> None:
    first = await push(watched)
    record = await made(watched, first)
    changed = record.model_copy(update={"modules": (*record.modules, "refused")})
    await watched.stores.documents.put_api_docs(first.archive_digest, changed)
    watched.registry.api_docs.pieces.forget(first.archive_digest)
    await made(watched, await push(watched, "acme/greet:1.0.1", NEW))
    assert confined.requests[-1].before == "1.0.0"


CONFIG = "public type Config record {| string url; |};"
USER = "import other/config;\npublic client class Client { function init(config:Config c) {} }"


@pytest.fixture
async def user(watched: World) -> Release:
    """Return a release whose client takes a record of `other/config:1.0.0`, which is documented."""
    archive = documented_bala("other/config:1.0.0", {"main.bal": CONFIG})
    await watched.push(archive, by=watched.people.bob)
    await made(watched, await release_of(watched, coordinate("other/config:1.0.0")))
    depends = ["other/config:1.0.0", "other/unknown:1.0.0"]
    await watched.push(documented_bala("acme/user:1.0.0", {"user.bal": USER}, dependencies=depends))
    return await release_of(watched, coordinate("acme/user:1.0.0"))


async def others(world: World, confined: Watched, release: Release) -> dict[str, str]:
    """Make the release, and return which modules of other packages it read, by their packages."""
    await made(world, release)
    return {each.name: each.file for each in confined.requests[-1].others}


@pytest.mark.parametrize("has_record", [True, False])
async def test_documents_that_are_not_there_are_not_read(
    watched: World, confined: Watched, user: Release, has_record: bool
) -> None:
    digest = (await release_of(watched, coordinate("other/config:1.0.0"))).archive_digest
    record = await watched.stores.documents.api_docs_record(digest)
    await watched.stores.documents.delete(digest)
    if record and has_record:
        await watched.stores.documents.put_api_docs(digest, record)
    assert await others(watched, confined, user) == {"config": "", "unknown": ""}


# --- What a job answers


def without(*names: str) -> Callable[[Path, list[PartResult]], None]:
    """Return what leaves parts out of an answer."""

    def spoil(_folder: Path, parts: list[PartResult]) -> None:
        parts[:] = [each for each in parts if each.name not in names]

    return spoil


def refusing(*names: str) -> Callable[[Path, list[PartResult]], None]:
    """Return what refuses parts of an answer, for a reason that names each."""

    def spoil(_folder: Path, parts: list[PartResult]) -> None:
        parts[:] = [
            PartResult(each.name, f"{each.name} is large", None) if each.name in names else each
            for each in parts
        ]

    return spoil


def recording(changes: Mapping[str, object]) -> Callable[[Path, list[PartResult]], None]:
    """Return what changes the record of an answer."""

    def spoil(folder: Path, _parts: list[PartResult]) -> None:
        record = json.loads((folder / "record.json").read_bytes())
        (folder / "record.json").write_text(json.dumps(record | changes))

    return spoil


def pointing(changes: Mapping[str, int]) -> Callable[[Path, list[PartResult]], None]:
    """Return what changes the places to which the record points."""

    def spoil(folder: Path, parts: list[PartResult]) -> None:
        record = json.loads((folder / "record.json").read_bytes())
        recording({"pieces": record["pieces"] | changes})(folder, parts)

    return spoil


def writing(name: str, content: bytes | None) -> Callable[[Path, list[PartResult]], None]:
    """Return what replaces a file of an answer, or deletes it."""

    def spoil(folder: Path, _parts: list[PartResult]) -> None:
        if content is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(content)

    return spoil


async def test_a_refused_part_is_stored_with_its_reason_and_the_others_stay(
    watched: World, confined: Watched
) -> None:
    release = await push(watched)
    confined.spoil = refusing("readme", "outline greet")
    record = await made(watched, release)
    assert record.state is DocsState.PARTIAL
    assert record.refused == {
        "readme": "readme is large",
        "outline greet": "outline greet is large",
    }
    assert await read(watched, release, PieceKind.DOCUMENT, "greet")


async def test_documentation_without_any_module_is_failed(
    watched: World, confined: Watched
) -> None:
    release = await push(watched)

    def spoil(folder: Path, parts: list[PartResult]) -> None:
        refusing("module greet")(folder, parts)
        recording({"modules": []})(folder, parts)

    confined.spoil = spoil
    record = await made(watched, release)
    assert (record.state, record.reason) == (DocsState.FAILED, "module greet is large")
    assert await read(watched, release, PieceKind.README, "")


async def test_without_its_last_part_the_job_failed(watched: World, confined: Watched) -> None:
    release = await push(watched)
    confined.spoil = refusing("finish")
    record = await made(watched, release)
    assert (record.state, record.reason) == (DocsState.FAILED, "finish is large")
    assert record.pieces is None
    confined.spoil = without("finish")
    assert (await made(watched, release)).reason == "the sources cannot be documented"


HOSTILE = {
    "no record": writing("record.json", None),
    "no pieces": writing("all.pieces", None),
    "a record that is no JSON": writing("record.json", b"{"),
    "a record that is no text": writing("record.json", b"\xff"),
    "a record of something else": writing("record.json", b"[]"),
    "deep JSON": writing("record.json", b"[" * 100_000),
    "a huge record": writing("record.json", b" " * (MAX_RECORD_BYTES + 1)),
    "a newer generator": recording({"generator": GENERATOR_VERSION + 1}),
    "a record without pieces": recording({"pieces": None}),
    "places behind the end": pointing({"end": 2**40}),
    "places before the beginning": pointing({"index_start": -1}),
    "places in another order": pointing({"index_start": 10**9}),
}


@pytest.mark.parametrize("spoil", HOSTILE.values(), ids=HOSTILE)
async def test_what_is_no_answer_is_stored_as_a_failure(
    watched: World, confined: Watched, spoil: Callable[[Path, list[PartResult]], None]
) -> None:
    confined.spoil = spoil
    record = await made(watched, await push(watched))
    assert (record.state, record.reason) == (DocsState.FAILED, "the sources cannot be documented")
    assert (record.generator, record.pieces) == (GENERATOR_VERSION, None)


@pytest.mark.parametrize(
    "result",
    [
        {},
        "major",
        {"org": "other"},
        {"name": "other"},
        {"version": "9.9.9"},
        {"compared_with": "0.0.1"},
        {"changes": float("nan")},
    ],
    ids=str,
)
async def test_a_verdict_on_something_else_is_not_stored(
    watched: World, confined: Watched, result: Any
) -> None:
    await made(watched, await push(watched))
    release = await push(watched, "acme/greet:1.0.1", NEW)

    def spoil(_folder: Path, parts: list[PartResult]) -> None:
        for number, each in enumerate(parts):
            if each.name == "comparison":
                right = cast("dict[str, Any]", each.result)
                wrong = right | result if isinstance(result, dict) and result else result
                parts[number] = PartResult("comparison", None, wrong)

    confined.spoil = spoil
    assert (await made(watched, release)).state is DocsState.FAILED
    assert await watched.registry.api_docs.history.verdicts(GREET.package) == {}


# --- What becomes of it


@pytest.mark.parametrize("failing", ["put_api_docs", "graphs"])
async def test_a_store_that_fails_leaves_the_release_to_the_next_run(
    worlds: OpenWorld, failing: str
) -> None:
    outage = PortOutage({"documents": (failing,)}, lasts=True)
    world = await worlds(wrap=outage.wrap)
    release = await push(world)
    await world.registry.api_docs.queue.drain()
    assert await world.stores.documents.api_docs_record(release.archive_digest) is None
    with pytest.raises(Busy):
        await world.registry.maintenance.task_runner.run("generate-api-docs")
    outage.lasts = False
    await world.registry.maintenance.task_runner.run("generate-api-docs")
    record = await world.stores.documents.api_docs_record(release.archive_digest)
    assert record is not None
    assert record.state is DocsState.DONE
