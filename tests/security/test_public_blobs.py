"""Row 26: where Front Door reads blobs, it reads no other ones than everybody may have."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from shared.adapters.blob.client import archive_blob
from shared.domain.archives.names import ArchiveName, Digest
from shared.domain.errors.requests import NotListedYet
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate
from shared.domain.packages import Visibility
from tests.fakes.blob_storage import Failure
from tests.sampling import FULL
from tests.support.archives import bala
from tests.support.front_door import (
    BLOBS,
    EdgeRegistry,
    behind_front_door,
    follow,
    public_blobs,
    stop_app,
)
from tests.support.world import URL

GREET, SECRET = "acme/greet:1.0.0", "acme/secret:1.0.0"
ARCHIVE, HIDDEN = bala(GREET), bala(SECRET, visibility="private")


def name_of(coordinate: str, archive: bytes) -> str:
    """Return the name of the blob of an archive."""
    org, name, version = coordinate.replace(":", "/").split("/")
    return archive_blob(
        ArchiveName(Digest.of(archive), Coordinate.parse(org, name, version), "any")
    )


PUBLIC_PATH = f"/archives/public/{name_of(GREET, ARCHIVE)}"
PRIVATE_BLOB = name_of(SECRET, HIDDEN)


@asynccontextmanager
async def with_packages(folder: Path) -> AsyncGenerator[EdgeRegistry]:
    """Serve a registry behind Front Door with a public and a private package."""
    async with behind_front_door(folder) as opened:
        await opened.cloud.ann.send_archive(GREET, ARCHIVE)
        await opened.cloud.ann.send_archive(SECRET, HIDDEN)
        yield opened


@pytest.fixture(scope="module")
async def edge(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[EdgeRegistry]:
    """Return such a registry, which tests only read from."""
    async with with_packages(tmp_path_factory.mktemp("edge")) as opened:
        yield opened


async def fetch(edge: EdgeRegistry, path: str) -> httpx.Response:
    """Request a path from Front Door as anybody can write it."""
    return await edge.http.get(httpx.URL(URL).copy_with(raw_path=path.encode()))


@pytest.mark.parametrize(
    "path",
    [
        f"/archives/public/{PRIVATE_BLOB}",
        f"/archives/public/../private/{PRIVATE_BLOB}",
        f"/archives/public/..%2fprivate/{PRIVATE_BLOB}",
        f"/archives/public/%2e%2e/private/{PRIVATE_BLOB}",
        f"/archives/public//private/{PRIVATE_BLOB}",
        f"/private/{PRIVATE_BLOB}",
        f"/archives/private/{PRIVATE_BLOB}",
    ],
)
async def test_no_path_leads_to_the_blob_of_a_private_package(
    edge: EdgeRegistry, path: str
) -> None:
    answer = await fetch(edge, path)
    assert answer.status_code in (400, 403, 404)
    assert b"PK" not in answer.content[:2]


@pytest.mark.parametrize(
    "query",
    [
        "versionid=2026-01-01T00:00:00.0000000Z",  # A version that was deleted, by its time.
        "snapshot=2026-01-01T00:00:00.0000000Z",
        "restype=container&comp=list",
        "comp=metadata",
        "",
    ],
)
async def test_no_query_reaches_blob_storage(edge: EdgeRegistry, query: str) -> None:
    await edge.front_door.forget(["/"])  # A copy of another query is sent without asking.
    edge.front_door.requests.clear()
    for path in ("/archives/public/", PUBLIC_PATH):
        answer = await fetch(edge, f"{path}?{query}")
        assert b"<Blob" not in answer.content
        assert b"EnumerationResults" not in answer.content
    asked = edge.front_door.asked(BLOBS)
    assert asked == (
        [] if query else ["/archives/", "/archives" + PUBLIC_PATH.removeprefix("/archives/public")]
    )


# --- copies ------------------------------------------------------------------------------------

FIRST, SECOND = (
    Coordinate.parse("acme", "greet", "1.0.0"),
    Coordinate.parse("acme", "greet", "1.1.0"),
)
LATER = bala("acme/greet:1.1.0")
LISTS = (
    "/index/acme/greet/index.json",
    "/2.0/maven/acme/greet/maven-metadata.xml",
    "/2.0/maven/v2201-13-0/acme/greet/maven-metadata.xml",
)
STEM = "/2.0/maven/acme/greet/1.0.0/greet-1.0.0"
FILES = (f"{STEM}.bala", f"{STEM}.pom", f"{STEM}-depgraph.json")


@pytest.fixture
async def copied(tmp_path: Path) -> AsyncGenerator[EdgeRegistry]:
    """Return a registry with two releases of its public package, all of which is copied."""
    async with with_packages(tmp_path) as opened:
        await opened.cloud.ann.send_archive("acme/greet:1.1.0", LATER)
        await follow(opened)
        yield opened


def naming(blobs: dict[str, bytes], text: str) -> list[str]:
    """Return the blobs that name something, or have it in their content."""
    return [path for path, content in blobs.items() if text in path or text.encode() in content]


async def test_a_private_package_has_no_copy(copied: EdgeRegistry) -> None:
    blobs = await public_blobs(copied)
    assert naming(blobs, "1.0.0")
    assert naming(blobs, "secret") == []
    assert HIDDEN not in blobs.values()
    await stop_app(copied)
    for path in (*LISTS, *FILES):
        answer = await fetch(copied, path.replace("greet", "secret"))
        assert answer.status_code == 404


@pytest.mark.measured
@pytest.mark.parametrize("act", ["hold", "quarantine", "remove"])
async def test_a_withheld_release_is_in_no_copy_at_once(copied: EdgeRegistry, act: str) -> None:
    await getattr(copied.cloud.registry.publishing.moderation, act)(FIRST, "reported", by=OPERATOR)
    blobs = await public_blobs(copied)
    assert naming(blobs, "1.0.0") == []
    assert ARCHIVE not in blobs.values()
    assert naming(blobs, "1.1.0")
    await stop_app(copied)
    assert [(await fetch(copied, path)).status_code for path in LISTS] == [200] * len(LISTS)
    assert [(await fetch(copied, path)).status_code for path in FILES] == [404] * len(FILES)


async def test_a_package_without_a_live_release_has_no_copy(copied: EdgeRegistry) -> None:
    for each in (FIRST, SECOND):
        await copied.cloud.registry.publishing.moderation.quarantine(each, "reported", by=OPERATOR)
    assert naming(await public_blobs(copied), "greet") == []


async def test_a_package_that_becomes_private_has_no_copy_until_it_is_public_again(
    copied: EdgeRegistry,
) -> None:
    change = copied.cloud.registry.packages.visibility.change
    await change(FIRST.package, Visibility.PRIVATE, by=OPERATOR)
    assert naming(await public_blobs(copied), "greet") == []
    await follow(copied)
    assert naming(await public_blobs(copied), "greet") == []
    await change(FIRST.package, Visibility.PUBLIC, by=OPERATOR)
    await follow(copied)
    await stop_app(copied)
    assert [(await fetch(copied, path)).status_code for path in LISTS] == [200] * len(LISTS)
    assert (await fetch(copied, FILES[0])).content == ARCHIVE


async def test_copies_are_withdrawn_before_the_caches_are_purged(copied: EdgeRegistry) -> None:
    at_the_purge: list[list[str]] = []

    async def note() -> None:
        at_the_purge.append(naming(await public_blobs(copied), "1.0.0"))

    copied.front_door.before_purge = note
    await copied.cloud.registry.publishing.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    assert at_the_purge == [[]]


@pytest.mark.slow
async def test_a_crash_at_any_request_to_the_blobs_delays_the_withdrawal_and_no_more(
    copied: EdgeRegistry,
) -> None:
    moderation, outage = copied.cloud.registry.publishing.moderation, copied.cloud.outage
    before = len(outage.asked)
    await moderation.quarantine(FIRST, "reported", by=OPERATOR)
    requests = len(outage.asked) - before
    assert requests > len(FILES)
    for failing in range(0, requests, 1 if FULL else 3):
        await moderation.restore(FIRST, by=OPERATOR)
        await follow(copied)
        assert naming(await public_blobs(copied), "1.0.0")
        outage.failure, outage.first = Failure.LOST_BEFORE, len(outage.asked) + failing
        outage.count = 10**6
        with suppress(NotListedYet):
            await moderation.quarantine(FIRST, "reported", by=OPERATOR)
        outage.end()
        await copied.cloud.registry.maintenance.upkeep.run("process-outboxes")
        assert naming(await public_blobs(copied), "1.0.0") == []
