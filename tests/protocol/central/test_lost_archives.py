"""A release whose archive was lost: pulls say what is wrong, and the same push brings it back."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.hosting.host import Host
from shared.localhost import archive_resolver
from shared.registry import Registry
from shared.telemetry.log import configure
from tests.lazy_app import lazy_functions
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.logs import capture_logs, logged_by_id
from tests.support.world import MAVEN, URL, OpenWorld, Person, World

pytestmark = pytest.mark.measured

GREET = "acme/greet:1.0.0"
ARCHIVE = bala(GREET)
MAVEN_BALA = f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.bala"
SENTENCE = (
    "The archive of acme/greet:1.0.0 is lost or damaged in this registry's storage. Tell its "
    "operator, who restores it, or push the same archive again."
)


def by_function(registry: Registry) -> Host:
    """Serve archives as the cloud does: by a Function."""
    return Host(lazy_functions(registry))


def from_disk(registry: Registry) -> Host:
    """Serve archives as one machine does: streamed from its disk."""
    return Host(lazy_functions(registry), archives=archive_resolver(registry))


@pytest.fixture(params=[by_function, from_disk])
async def world(worlds: OpenWorld, request: pytest.FixtureRequest) -> World:
    """Return a registry with one release, whose archive was lost."""
    opened = await worlds(host=request.param)
    await opened.push(ARCHIVE)
    await lose(opened)
    return opened


async def lose(world: World) -> None:
    """Delete the archive, and leave its record."""
    later_ms = world.clock.now_ms() + 1
    assert await world.stores.archives.delete(Digest.of(ARCHIVE), later_ms)


async def pull(world: World) -> httpx.Response:
    """Return the answer of the second hop to Ann, to whom the registry sends archives itself."""
    headers = dict(ACCEPT_ARCHIVE)
    first = await world.get("/packages/acme/greet/1.0.0", by=world.people.ann, headers=headers)
    return await world.get(first.headers["location"], by=world.people.ann, headers=headers)


async def test_a_pull_says_what_is_wrong_and_the_log_as_well(world: World) -> None:
    with capture_logs() as events:
        answer = await pull(world)
    assert (answer.status_code, answer.json()) == (503, {"message": SENTENCE})
    assert answer.headers["content-type"].startswith("application/json")
    assert int(answer.headers["retry-after"]) > 0
    errors = [each["event"] for each in events if each["log_level"] == "error"]
    assert errors in (["archive.lost"], ["file.damaged"])


async def test_the_line_of_such_a_request_names_the_refusal(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    configure("info")
    answer = await pull(world)
    line = logged_by_id(capfd)[answer.headers["x-request-id"]]
    assert (line["status"], line["outcome"]) == (503, "ArchiveLost")


@pytest.mark.parametrize(
    "path",
    [
        f"{MAVEN_BALA}.sha1",
        f"{URL}/files/acme/greet/1.0.0/package.json",
        f"{URL}/packages/acme/greet/1.0.0/files",
        f"{URL}/archives/mirrored/acme/greet/1.0.0/acme-greet-any-1.0.0.bala",
    ],
)
async def test_every_face_that_reads_the_archive_says_so(world: World, path: str) -> None:
    answer = await world.get(path, by=world.people.ann)
    assert (answer.status_code, "acme/greet:1.0.0 is lost" in answer.text) == (503, True)


async def push_to_central(world: World, by: Person, archive: bytes) -> None:
    await world.push(archive, by=by)


async def push_to_maven(world: World, by: Person, archive: bytes) -> None:
    await world.maven(by).push(GREET, archive)


@pytest.mark.parametrize("push", [push_to_central, push_to_maven])
async def test_a_push_of_the_same_bytes_brings_the_archive_back(
    world: World, push: Callable[[World, Person, bytes], Awaitable[None]]
) -> None:
    world.clock.advance(timedelta(days=30))
    events = await world.stores.events.since(0, 100)
    await push(world, world.people.admin, ARCHIVE)
    answer = await pull(world)
    assert (answer.status_code, answer.content) == (200, ARCHIVE)
    assert await world.stores.events.since(0, 100) == events


async def test_the_push_at_once_brings_it_back_as_well(world: World) -> None:
    await world.push(ARCHIVE)
    assert (await pull(world)).content == ARCHIVE


@pytest.mark.parametrize("push", [push_to_central, push_to_maven])
async def test_a_push_of_the_same_bytes_replaces_a_damaged_archive_of_the_same_size(
    world: World, push: Callable[[World, Person, bytes], Awaitable[None]]
) -> None:
    await damage(world)
    await push(world, world.people.admin, ARCHIVE)
    answer = await pull(world)
    assert (answer.status_code, answer.content) == (200, ARCHIVE)


async def damage(world: World) -> None:
    """Store an archive in which a bit is wrong."""
    at = Coordinate.parse("acme", "greet", "1.0.0")
    release = (await world.stores.metadata.find(at)).release
    assert release is not None
    wrong = ARCHIVE[:-1] + bytes([ARCHIVE[-1] ^ 1])
    await world.stores.archives.put(release.archive, wrong, ArchiveContainer.PUBLIC)


async def test_other_bytes_and_people_without_the_right_bring_nothing(world: World) -> None:
    with pytest.raises(ClientFailure, match="already exists"):
        await world.push(bala(GREET, summary="Other."))
    for person in (world.people.mia, world.people.bob):
        with pytest.raises(ClientFailure, match="You may not publish"):
            await world.push(ARCHIVE, by=person)
    at = Coordinate.parse("acme", "greet", "1.0.0")
    release = (await world.stores.metadata.find(at)).release
    assert release is not None
    assert await world.stores.archives.stat(release.archive) is None
    assert (await pull(world)).status_code == 503


async def test_the_audit_names_the_remedy(world: World) -> None:
    report = await world.registry.maintenance.task_runner.run("audit-archives")
    assert report is not None
    [problem] = report.problems
    assert problem == (
        "acme/greet:1.0.0: its archive is missing. Bring it back: ballroom restore --release "
        "acme/greet:1.0.0 --from BACKUP, or push the same archive again."
    )
    await world.push(ARCHIVE)
    report = await world.registry.maintenance.task_runner.run("audit-archives")
    assert report is not None
    assert report.problems == ()
