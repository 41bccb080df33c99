"""A release that has to go is deleted at once or by the next nights, and its page says which."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from anyio.to_thread import run_sync
from msgspec.structs import replace

from shared.confined.jobs import Json, PartResult
from shared.domain.api_docs.pieces import PieceKind, piece_name
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Refusal
from shared.domain.packages import Release, Texts
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from shared.ports.deleted_copies import CopyLeft
from shared.services.adapters import Adapters
from shared.services.publishing.erasure import Erasure
from tests.fakes.confined import InProcess
from tests.support.archives import bala
from tests.support.documented_packages import documented_bala, published
from tests.support.logs import capture_logs
from tests.support.port_doubles import CallRecorder, Proceed, intercepted
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

SECRET = "Kimberley"  # A name that only the first version has.
FIRST = Coordinate.parse("acme", "greet", "1.0.0")
SECOND = Coordinate.parse("acme", "greet", "1.1.0")
SOURCE = f"# Greets {SECRET}.\npublic function greet{SECRET}() {{\n}}\n"
LATER = "# Greets.\npublic function greet() {\n}\n"
REASON = "order 12/26 of the court"
_CHANGES = ("changes.html", "changes.json")
SWEEP = "delete-orphaned-archives"


def archive(version: str) -> bytes:
    if version != "1.0.0":
        return documented_bala(f"acme/greet:{version}", {"greet.bal": LATER})
    facts: dict[str, Any] = {"authors": [SECRET], "summary": SECRET, "readme": f"By {SECRET}"}
    return documented_bala("acme/greet:1.0.0", {"greet.bal": SOURCE}, **facts)


async def documented(world: World) -> None:
    """Publish three versions, and let somebody compare the last with the first."""
    await published(world, archive("1.0.0"))
    await published(world, archive("1.1.0"))
    await published(world, archive("1.2.0"))
    await world.get(f"{URL}/packages/acme/greet/1.2.0/changes?from=1.0.0")
    await world.document()


async def erase(world: World) -> Erasure:
    return await world.registry.publishing.erasure.erase(FIRST, REASON, by=OPERATOR)


async def remains(world: World) -> list[str]:
    """Return which documents of any release have the name."""
    found = list[str]()
    documents = world.stores.documents
    for release in await world.stores.metadata.releases(FIRST.package):
        digest = release.archive_digest
        record = await documents.api_docs_record(digest)
        parts: Sequence[tuple[str, bytes | None]] = (
            ("texts", (await documents.texts(digest)).model_dump_json().encode()),
            ("record", record.model_dump_json().encode() if record else b""),
            ("release", release.model_dump_json().encode()),
        )
        if record and record.pieces:
            pieces = world.registry.api_docs.pieces
            changes = (f"{kind}|1.0.0" for kind in _CHANGES)
            names = (*changes, piece_name(PieceKind.DOCUMENT, "greet"))
            for name in names:
                piece = await pieces.read(digest, name)
                parts = (*parts, (name, piece.unpack() if piece else b""))
        for kind in _CHANGES:
            first = (await world.stores.metadata.find(FIRST)).release
            assert first
            made = await documents.rendering(digest, f"{kind}-{first.digest}")
            parts = (*parts, (f"comparison {kind}", made))
        found += [f"{release.version} {name}" for name, text in parts if SECRET in str(text)]
    return found


async def test_nothing_is_left_of_an_erased_release(world: World) -> None:
    await documented(world)
    release = (await world.stores.metadata.find(FIRST)).release
    assert release
    assert await remains(world) == [
        "1.0.0 texts",
        "1.0.0 release",
        "1.0.0 document|greet",
        "1.1.0 changes.html|1.0.0",
        "1.1.0 changes.json|1.0.0",
        "1.2.0 comparison changes.html",
        "1.2.0 comparison changes.json",
    ]
    erasure = await erase(world)
    assert erasure.left == ()
    assert await remains(world) == []
    assert await world.stores.archives.stat(release.archive) is None
    assert await world.stores.documents.texts(release.archive_digest) == Texts()
    verdict = await world.registry.api_docs.history.verdict(
        Coordinate.parse("acme", "greet", "1.1.0")
    )
    assert verdict is None or verdict.compared_with != "1.0.0"


async def test_other_versions_are_served_as_before(world: World) -> None:
    await documented(world)
    await erase(world)
    assert (await world.java().pull("acme/greet:1.1.0")).content == archive("1.1.0")
    page = await world.get(f"{URL}/packages/acme/greet/1.2.0/changes?from=1.1.0")
    assert page.status_code == 200


async def test_the_record_and_the_feed_say_that_it_is_done(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    with capture_logs() as lines:
        erasure = await erase(world)
    kept = (await world.stores.metadata.find(FIRST)).release
    assert kept
    assert kept.erased
    assert kept.state is State.REMOVED
    page = await world.registry.administration.audit_log.of_release(kept, by=OPERATOR)
    [event] = [event for _, event in page.events if event.kind == "release.erased"]
    assert event.details["digest"] == erasure.release.digest
    assert [each["event"] for each in lines if each["event"] == "release.erased"]


async def test_an_erasure_may_be_repeated(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    first = await erase(world)
    again = await erase(world)
    assert again.left == ()
    assert again.release.erased == first.release.erased


async def test_an_archive_is_erased_after_the_clock_was_set_back(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    world.clock.advance(-timedelta(days=1))
    erasure = await erase(world)
    assert await world.stores.archives.stat(erasure.release.archive) is None
    assert erasure.release.erased


async def test_an_archive_that_is_stored_again_meanwhile_is_not_said_to_be_deleted(
    worlds: OpenWorld,
) -> None:
    async def stays(_method: str, _proceed: Proceed) -> bool:
        return False

    def wrap(stores: Adapters) -> Adapters:
        return replace(stores, archives=intercepted(stores.archives, stays, ("delete",)))

    world = await worlds(wrap=wrap)
    await world.push(bala("acme/greet:1.0.0"))
    erasure = await erase(world)
    assert erasure.left == ("Its archive, which was stored again meanwhile: erase it again.",)
    assert not any("its archive of" in each for each in erasure.deleted)
    assert not erasure.release.erased


# --- An erasure in the middle of a job ---------------------------------------------------------


@dataclass
class Meanwhile(InProcess):
    """A confined process; after the next task of a name, something else happens first."""

    task: str = ""
    happens: Callable[[], Awaitable[object]] | None = None

    async def run(self, task: str, folder: Path, request: Json) -> list[PartResult]:
        """Run the task."""
        parts = await super().run(task, folder, request)
        if self.happens is not None and task == self.task:
            happens = self.happens
            self.happens = None
            await happens()
        return parts


async def _renderings(world: World) -> list[str]:
    """Return which renderings of the jobs below any version has."""
    documents = world.stores.documents
    releases = await world.stores.metadata.releases(FIRST.package)
    names = ["sbom-differences", f"file-{sha256(FILE.encode()).hexdigest()}"]
    names += [f"{kind}-{each.digest}" for kind in _CHANGES for each in releases]
    return [
        f"{each.version} {name}"
        for each in releases
        for name in names
        if await documents.rendering(each.archive_digest, name) is not None
    ]


async def _highlight(world: World, release: Release) -> None:
    highlighting = world.registry.api_docs.file_highlighting
    assert await highlighting.highlighted(release, FILE, LATER) is None


async def _compare(world: World, _release: Release) -> None:
    # The highest version is compared with the lowest one.
    [survey] = await world.stores.metadata.survey([FIRST.package])
    assert survey
    *_, lowest = survey.entries
    comparisons = replace(world.registry.api_docs.comparisons, patience=timedelta(0))
    with pytest.raises(Refusal, match="is being made"):
        await comparisons.compare(FIRST.package, lowest, survey.entries[0])


async def _compare_bills(world: World, release: Release) -> None:
    await world.stores.documents.put_sbom(release.archive_digest, BILL)
    sboms = replace(world.registry.api_docs.sboms, patience=timedelta(0))
    with pytest.raises(Refusal, match="is being made"):
        await sboms.differences(release)


async def _document(world: World, release: Release) -> None:
    await world.registry.api_docs.generation.make(release)


BILL = b'{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}'
FILE = "greet.bal"
THIRD = Coordinate.parse("acme", "greet", "1.2.0")
Job = Callable[[World, Release], Awaitable[None]]
# The task of the confined process during which a version is erased, and what starts it.
JOBS: list[tuple[str, Coordinate, Job]] = [
    ("release", SECOND, _document),
    ("highlight", SECOND, _highlight),
    ("compare", THIRD, _compare),
    ("compare", FIRST, _compare),  # The comparison is stored with the other version.
    ("sboms", SECOND, _compare_bills),
]


@pytest.mark.each_row
@pytest.mark.parametrize("job", JOBS, ids=lambda job: f"{job[0]} {job[1].version}")
async def test_a_job_that_runs_during_an_erasure_stores_nothing_of_the_release(
    worlds: OpenWorld, job: tuple[str, Coordinate, Job]
) -> None:
    task, coordinate, start = job
    confined = Meanwhile()
    world = await worlds(wrap=lambda stores: replace(stores, confined=confined))
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        await published(world, archive(version))
    await world.document()
    release = (await world.stores.metadata.find(coordinate)).release
    assert release
    receipts = list[Erasure]()

    async def erased() -> None:
        erasure = world.registry.publishing.erasure
        receipts.append(await erasure.erase(coordinate, REASON, by=OPERATOR))

    confined.task = task
    confined.happens = erased
    await start(world, release)
    await world.document()
    await world.registry.api_docs.sboms.jobs.drain()
    [receipt] = receipts
    assert receipt.left == ()
    assert await _renderings(world) == []
    assert await world.stores.documents.api_docs_record(release.archive_digest) is None
    assert await world.registry.api_docs.history.verdict(coordinate) is None


async def test_what_is_deleted_of_a_release_is_found_without_reading_the_others(
    worlds: OpenWorld, store_calls: CallRecorder
) -> None:
    world = await worlds(wrap=store_calls.wrap)
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        await world.push(bala(f"acme/greet:{version}"))
    removed = await world.registry.publishing.moderation.remove(FIRST, REASON, by=OPERATOR)
    erased = world.registry.publishing.erasure.erased_releases
    store_calls.forget()
    assert await erased.needed_by(removed.archive_digest, removed) is None
    assert await erased.delete_documents(removed) == 2
    assert "metadata.releases" not in store_calls.counts()


async def test_the_sweep_says_when_it_is_done(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    moderation = world.registry.publishing.moderation
    removed = await moderation.remove(FIRST, REASON, by=OPERATOR)
    address = f"{URL}/packages/acme/greet/1.0.0"
    assert "The archive is deleted by <time" in (await world.get(address)).text
    world.clock.advance(timedelta(days=1, hours=1))
    await world.registry.maintenance.task_runner.run(SWEEP)
    kept = (await world.stores.metadata.find(FIRST)).release
    assert kept
    assert kept.erased
    assert kept.changed_ms == removed.changed_ms
    assert "The archive was deleted on <time" in (await world.get(address)).text
    [note] = (await moderation.withheld(by=OPERATOR)).releases
    assert note.by == OPERATOR.id


async def test_a_sweep_that_was_killed_is_finished_by_the_next_one(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    removed = await world.registry.publishing.moderation.remove(FIRST, REASON, by=OPERATOR)
    await world.stores.archives.delete(removed.archive_digest, 2**60)
    await world.registry.maintenance.task_runner.run(SWEEP)
    kept = (await world.stores.metadata.find(FIRST)).release
    assert kept
    assert kept.erased


async def test_an_archive_stays_that_another_release_needs(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/greet:1.1.0"))
    other = (await world.stores.metadata.find(SECOND)).release
    first = (await world.stores.metadata.find(FIRST)).release
    assert other
    assert first
    same = other.model_copy(update={"digest": first.digest})
    await world.stores.metadata.replace_release(same)
    await world.registry.packages.derived_data.rebuild(SECOND.package)
    erasure = await erase(world)
    assert "acme/greet:1.1.0 has the same bytes" in erasure.left[0]
    assert await world.stores.archives.stat(first.archive)
    assert not erasure.release.erased
    world.clock.advance(timedelta(days=2))
    await world.registry.maintenance.task_runner.run(SWEEP)
    assert await world.stores.archives.stat(first.archive)


class _Copies:
    """A store that keeps copies, which the caller may not delete."""

    kept_for = timedelta(days=30)

    async def erase(self, *_names: object) -> list[CopyLeft]:
        return [CopyLeft("archives/x", 1_795_000_000_000)]


async def test_a_receipt_without_the_right_says_what_is_left_and_until_when(
    worlds: OpenWorld,
) -> None:
    def wrap(stores: Adapters) -> Adapters:
        copies: Any = _Copies()
        return replace(stores, copies=copies)

    world = await worlds(wrap=wrap)
    await world.push(bala("acme/greet:1.0.0"))
    erasure = await erase(world)
    [left] = erasure.left
    assert "1 versions and deleted copies of its blobs, until 18 November 2026" in left
    assert erasure.release.erased
    assert erasure.release.erased.copies_until_ms == 1_795_000_000_000
    page = await world.get(f"{URL}/packages/acme/greet/1.0.0")
    assert "The archive was deleted on" in page.text
    assert "in memory for 1 second more" in erasure.in_memory


@one_machine("its commands find a data folder")
async def test_the_command_prints_a_receipt(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    terminal = Terminal(world.registry.settings.data)
    run = partial(terminal.run, BALLROOM_URL=URL)
    arguments = ("package", "remove", "acme/greet:1.0.0", "--reason", REASON, "--yes")
    assert "Its archive is deleted until " in await run_sync(partial(run, *arguments))
    receipt = await run_sync(partial(run, *arguments, "--erase-now"))
    release = (await world.stores.metadata.find(FIRST)).release
    assert release
    assert receipt.startswith("Receipt for acme/greet:1.0.0, ")
    assert f"SHA-256 of the archive: {release.digest}\n" in receipt
    assert "Deleted, and read back:\n" in receipt
    assert "Snapshots from before now hold its record for 30 days." in receipt
    assert "In memory:\n- Running processes serve nothing of it from memory." in receipt
    assert "Left:" not in receipt
    assert "Its archive was deleted " in await run_sync(partial(run, *arguments))
