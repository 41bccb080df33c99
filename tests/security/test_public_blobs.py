"""Row 26: where Front Door reads blobs, it reads no other ones than everybody may have."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from shared.adapters.blob.client import archive_blob
from shared.domain.archives.digests import Digest
from shared.domain.archives.names import ArchiveName
from shared.domain.coordinates import Coordinate
from tests.support.archives import bala
from tests.support.front_door import BLOBS, EdgeRegistry, behind_front_door
from tests.support.world import URL

GREET = "acme/greet:1.0.0"
SECRET = "acme/secret:1.0.0"
ARCHIVE = bala(GREET)
HIDDEN = bala(SECRET, visibility="private")


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
        f"/log/tile/../../../private/{PRIVATE_BLOB}",
        f"/log/tile/..%2f..%2f..%2fprivate/{PRIVATE_BLOB}",
        f"/log/tile/%2e%2e/%2e%2e/%2e%2e/private/{PRIVATE_BLOB}",
        f"/log/tile//private/{PRIVATE_BLOB}",
        f"/logs/private/{PRIVATE_BLOB}",
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
    for path in ("/archives/public/", PUBLIC_PATH, "/log/tile/"):
        answer = await fetch(edge, f"{path}?{query}")
        assert b"<Blob" not in answer.content
        assert b"EnumerationResults" not in answer.content
    asked = edge.front_door.asked(BLOBS)
    archive = "/archives" + PUBLIC_PATH.removeprefix("/archives/public")
    assert asked == ([] if query else ["/archives/", archive, "/transparency/log/tile/"])
