"""Public archives behind Front Door come from Blob Storage, and no byte of them passes the app."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from functions.http.caching_headers import IMMUTABLE
from functions.log.files import BYTES
from shared.adapters.blob.client import BlobContainers, archive_blob
from shared.domain.archives.digests import Digest
from shared.domain.archives.names import ArchiveName
from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.requests import Busy, NotListedYet
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Readers, Visibility
from tests.fakes.blob_storage import Failure
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.front_door import (
    APP,
    BLOBS,
    CHANGES,
    GIVEN,
    UPLOADS,
    EdgeRegistry,
    behind_front_door,
)
from tests.support.log_files import LogTreeFiles
from tests.support.refusals import raises_refusal
from tests.support.world import BASE, MAVEN, URL

pytestmark = pytest.mark.slow

GREET = "acme/greet:1.0.0"
SECRET = "acme/secret:1.0.0"
ARCHIVE = bala(GREET, padding=100_000)
HIDDEN = bala(SECRET, visibility="private", padding=100_000)
FIRST = Coordinate.parse("acme", "greet", "1.0.0")
NAME = ArchiveName(Digest.of(ARCHIVE), FIRST, "any")
PUBLIC_PATH = f"/archives/public/{archive_blob(NAME)}"
SHORTLY = timedelta(minutes=5)


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncGenerator[EdgeRegistry]:
    """Return a registry with a public and a private package."""
    async with behind_front_door(tmp_path) as opened:
        await opened.cloud.ann.send_archive(GREET, ARCHIVE)
        await opened.cloud.ann.send_archive(SECRET, HIDDEN)
        opened.front_door.requests.clear()
        yield opened


async def location(edge: EdgeRegistry, path: str = "acme/greet", **headers: str) -> str:
    """Return where the first hop of a pull leads."""
    wanted = {**dict(ACCEPT_ARCHIVE), **headers}
    answer = await edge.http.get(f"{BASE}/packages/{path}/1.0.0", headers=wanted)
    assert answer.status_code == 302
    return answer.headers["location"]


async def test_changes_and_reads_are_answered_by_apps_of_their_own(edge: EdgeRegistry) -> None:
    await edge.cloud.ann.send_archive("acme/greet:1.1.0", bala("acme/greet:1.1.0"))
    for method in ("PUT", "PATCH", "DELETE"):
        await edge.http.request(method, f"{BASE}/packages/acme/greet")
    await edge.http.request("OPTIONS", f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.bala")
    asked = {"packages": [{"org": "acme", "name": "greet", "version": "1.0.0"}]}
    answer = await edge.http.post(f"{BASE}/packages/resolve-dependencies", json=asked)
    [resolved] = answer.json()["resolved"]
    assert (answer.status_code, resolved["name"], resolved["version"]) == (200, "greet", "1.1.0")
    answer = await edge.http.post(f"{BASE}/tools/resolve-dependencies", json={"tools": []})
    assert (answer.status_code, answer.json()) == (200, {"resolved": [], "unresolved": []})
    assert edge.front_door.asked(CHANGES) == ["/2.0/registry/packages/acme/greet"] * 3
    assert edge.front_door.asked(UPLOADS) == ["/2.0/registry/packages"]
    assert len(edge.front_door.asked(APP)) == 3


# What takes an archive, for each way that a client writes the address.
ARCHIVES_SENT = [
    ("POST", "/2.0/registry/packages"),
    ("POST", "/2.0/registry//packages"),
    ("PUT", "/2.0/maven/acme/greet/1.0.0/greet-1.0.0.bala"),
    ("PUT", "/2.0/maven/acme/greet/1.0.0/greet-1.0.0.pom"),
]
# And what takes none, though its method or path is that of an archive.
OTHER_CHANGES = [
    ("POST", "/api/v1/tokens"),
    ("POST", "/sign-in/link"),
    ("POST", "/2.0/registry/packages/acme"),
    ("POST", "/2.0/maven/acme/greet"),
    ("PUT", "/2.0/registry/packages"),
    ("PUT", "/2.0/registry/packages/deprecate/acme/greet/1.0.0"),
    ("DELETE", "/2.0/maven/acme/greet/1.0.0/greet-1.0.0.bala"),
]


async def test_archives_alone_reach_the_app_for_uploads(edge: EdgeRegistry) -> None:
    for method, path in (*ARCHIVES_SENT, *OTHER_CHANGES):
        await edge.http.request(method, f"{URL}{path}", json={})
    assert edge.front_door.asked(UPLOADS) == [path for _, path in ARCHIVES_SENT]
    assert edge.front_door.asked(CHANGES) == [path for _, path in OTHER_CHANGES]


async def test_a_read_of_the_maven_repository_waits_for_no_upload(edge: EdgeRegistry) -> None:
    path = "/2.0/maven/acme/greet/1.0.0/greet-1.0.0.bala"
    for method in ("GET", "HEAD", "OPTIONS"):
        await edge.http.request(method, f"{URL}{path}")
    assert edge.front_door.requests == [(APP, path)] * 3


async def test_before_the_app_for_uploads_has_its_package_archives_go_with_the_changes(
    edge: EdgeRegistry,
) -> None:
    edge.front_door.given = {**GIVEN, "sendUploads": False}
    for method, path in ARCHIVES_SENT:
        await edge.http.request(method, f"{URL}{path}", json={})
    assert edge.front_door.requests == [(CHANGES, path) for _, path in ARCHIVES_SENT]


@pytest.mark.parametrize("are_sent", [True, False])
@pytest.mark.parametrize(
    ("query", "host"), [("", APP), ("?app=changes", CHANGES), ("?app=uploads", UPLOADS)]
)
async def test_each_app_can_be_asked_whether_it_is_there(
    edge: EdgeRegistry, query: str, host: str, *, are_sent: bool
) -> None:
    edge.front_door.given = {**GIVEN, "sendUploads": are_sent}
    answer = await edge.http.get(f"{URL}/health/ready{query}")
    assert answer.json()["app"] == "all"  # In this test, which has one app for all hosts.
    assert edge.front_door.requests == [(host, "/health/ready")]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/2.0/graphql"),
        ("POST", "/packages/acme/graphql"),
        ("POST", "/2.0/registry/packages/acme/packages/resolve-modules"),
        ("POST", "/static/site.css"),
    ],
)
async def test_a_body_reaches_the_app_for_reads_by_the_path_and_method_of_a_read_alone(
    edge: EdgeRegistry, method: str, path: str
) -> None:
    await edge.http.request(method, f"{URL}{path}", json={})
    assert edge.front_door.requests == [(CHANGES, path)]


async def test_a_preflight_for_an_archive_is_answered_by_the_app(edge: EdgeRegistry) -> None:
    asked = {"Origin": "https://ide.example", "Access-Control-Request-Method": "GET"}
    answer = await edge.http.options(f"{URL}{PUBLIC_PATH}", headers=asked)
    assert answer.is_success
    assert answer.headers["access-control-allow-origin"] == "*"
    assert edge.front_door.requests == [(APP, PUBLIC_PATH)]


async def test_no_byte_of_a_public_archive_passes_the_app(edge: EdgeRegistry) -> None:
    for client in (edge.cloud.anyone, edge.cloud.ann):
        assert (await client.pull(GREET)).content == ARCHIVE
    for headers in ({}, edge.cloud.as_ann):
        assert await location(edge, **headers) == f"{URL}{PUBLIC_PATH}"
        maven = f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.bala"
        assert (
            (await edge.http.get(maven, headers=headers)).headers["location"].endswith(PUBLIC_PATH)
        )
    assert [path for path in edge.front_door.asked(APP) if "archives" in path] == []
    assert edge.front_door.asked(BLOBS) == [f"/archives/{archive_blob(NAME)}"]  # Then from a copy.


async def test_the_blob_has_the_headers_that_the_registry_sends(edge: EdgeRegistry) -> None:
    answer = await edge.http.get(f"{URL}{PUBLIC_PATH}")
    assert answer.content == ARCHIVE
    wanted = {
        "content-type": "application/octet-stream",
        "content-disposition": "attachment; filename=acme-greet-any-1.0.0.bala",
        "content-length": str(len(ARCHIVE)),
        "cache-control": "public, max-age=300",
        "access-control-allow-origin": "*",
        "accept-ranges": "bytes",
    }
    assert {name: answer.headers.get(name) for name in wanted} == wanted
    head = await edge.http.head(f"{URL}{PUBLIC_PATH}")
    assert head.headers["content-length"] == str(len(ARCHIVE))
    known = {"If-None-Match": answer.headers["etag"]}
    edge.front_door.clock.advance(SHORTLY)
    assert (await edge.http.get(f"{URL}{PUBLIC_PATH}", headers=known)).status_code == 304


async def test_a_part_of_an_archive_is_read_from_the_blob(edge: EdgeRegistry) -> None:
    part = await edge.http.get(f"{URL}{PUBLIC_PATH}", headers={"Range": "bytes=1000-1099"})
    assert (part.status_code, part.content) == (206, ARCHIVE[1000:1100])
    assert part.headers["content-range"] == f"bytes 1000-1099/{len(ARCHIVE)}"


async def test_a_private_archive_comes_by_a_link_of_minutes(edge: EdgeRegistry) -> None:
    link = await location(edge, "acme/secret", **edge.cloud.as_ann)
    assert link.startswith(f"{URL}/archives/private/")
    assert (await edge.cloud.ann.pull(SECRET)).content == HIDDEN
    assert edge.front_door.asked(BLOBS) == []


async def test_a_blob_without_headers_is_served_and_kept_no_longer_than_others(
    edge: EdgeRegistry,
) -> None:
    blobs = BlobContainers(edge.cloud.place.blobs, edge.cloud.place.prefix)
    blob = blobs.container("archives").get_blob_client(archive_blob(NAME))
    await blob.upload_blob(ARCHIVE, overwrite=True, metadata={"stored_ms": "1"})
    await blobs.close()
    for _ in range(2):
        assert (await edge.http.get(f"{URL}{PUBLIC_PATH}")).content == ARCHIVE
    assert len(edge.front_door.asked(BLOBS)) == 1
    edge.front_door.clock.advance(SHORTLY)
    answer = await edge.http.get(f"{URL}{PUBLIC_PATH}")
    assert len(edge.front_door.asked(BLOBS)) == 2
    assert "content-disposition" not in answer.headers


async def test_an_archive_that_just_became_public_comes_from_the_app(edge: EdgeRegistry) -> None:
    package = Package.parse("acme", "secret")
    await edge.cloud.registry.packages.visibility.change(package, Visibility.PUBLIC, by=OPERATOR)
    link = await location(edge, "acme/secret")
    assert link.startswith(f"{URL}/archives/private/")
    assert (await edge.cloud.anyone.pull(SECRET)).content == HIDDEN


# --- tiles of the transparency log -------------------------------------------------------------


FULL_TILE = f"{URL}/log/tile/0/000"
PART_OF_A_TILE = f"{URL}/log/tile/0/001.p/44"


@pytest.fixture
async def logged(edge: EdgeRegistry) -> EdgeRegistry:
    """Return the registry with the tiles of 300 entries, as the writer stores them."""
    files = edge.cloud.registry.adapters.log_files
    tree = LogTreeFiles([b"entry %d" % number for number in range(300)])
    for path, content in tree.tiles(300):
        await files.write_once(f"log/{path}", content)
    return edge


async def test_a_full_tile_is_read_from_its_blob_with_the_headers_of_the_registry(
    logged: EdgeRegistry,
) -> None:
    tile = await logged.http.get(FULL_TILE)
    assert tile.status_code == 200
    assert logged.front_door.requests == [(BLOBS, "/transparency/log/tile/0/000")]
    assert tile.headers["cache-control"] == IMMUTABLE
    assert tile.headers["content-type"] == BYTES
    again = await logged.http.get(FULL_TILE)
    assert again.content == tile.content
    assert len(logged.front_door.requests) == 1  # A copy, for ever.
    logged.front_door.given = {**GIVEN, "readsTiles": False}
    head = await logged.http.head(FULL_TILE)
    assert logged.front_door.requests[1:] == [(APP, "/log/tile/0/000")]
    for name in ("cache-control", "content-type", "content-length"):
        assert tile.headers[name] == head.headers[name]


async def test_everything_else_of_the_log_comes_from_the_app(logged: EdgeRegistry) -> None:
    beyond = f"{URL}/log/tile/0/000?restype=container&comp=list"
    addresses = [PART_OF_A_TILE, beyond, f"{URL}/logs/log2/tile/0/000", f"{URL}/log/policy"]
    for each in (*addresses, f"{URL}/log/checkpoint"):
        await logged.http.get(each)
    assert logged.front_door.asked(BLOBS) == []
    assert len(logged.front_door.asked(APP)) == len(addresses) + 1
    assert (await logged.http.get(f"{URL}/log/tile/0/999")).status_code == 404


async def test_tiles_come_from_the_app_where_people_sign_in_to_read(tmp_path: Path) -> None:
    async with behind_front_door(tmp_path, readers=Readers.SIGNED_IN) as closed:
        closed.front_door.given = {**GIVEN, "readsTiles": False}
        await closed.cloud.registry.adapters.log_files.write_once("log/tile/0/000", b"hashes")
        assert (await closed.http.get(FULL_TILE)).status_code == 401
        assert closed.front_door.requests == [(APP, "/log/tile/0/000")]


# --- withheld releases -------------------------------------------------------------------------


async def is_public_blob(edge: EdgeRegistry) -> bool:
    """Say whether the archive still lies in the public container."""
    blobs = BlobContainers(edge.cloud.place.blobs, edge.cloud.place.prefix)
    found = await blobs.container("archives").get_blob_client(archive_blob(NAME)).exists()
    await blobs.close()
    return found


async def fetch(edge: EdgeRegistry) -> httpx.Response:
    """Request the public archive as somebody who has its address."""
    return await edge.http.get(f"{URL}{PUBLIC_PATH}")


@pytest.mark.parametrize("act", ["hold", "quarantine", "remove"])
async def test_a_withheld_archive_is_moved_first_and_then_purged(
    edge: EdgeRegistry, act: str
) -> None:
    assert (await fetch(edge)).status_code == 200
    was_public: list[bool] = []

    async def note() -> None:
        was_public.append(await is_public_blob(edge))

    edge.front_door.before_purge = note
    await getattr(edge.cloud.registry.publishing.moderation, act)(FIRST, "reported", by=OPERATOR)
    assert was_public == [False]
    assert (await fetch(edge)).status_code == 404


async def test_a_purge_that_fails_is_repeated_when_the_blob_is_gone_already(
    edge: EdgeRegistry,
) -> None:
    assert (await fetch(edge)).status_code == 200
    edge.front_door.refuses_purges = True
    with raises_refusal("not-listed-yet"):
        await edge.cloud.registry.publishing.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    assert not await is_public_blob(edge)
    assert (await fetch(edge)).status_code == 200  # A copy, for five minutes at most.
    edge.front_door.refuses_purges = False
    await edge.cloud.registry.maintenance.task_runner.run("process-outboxes")
    assert (await fetch(edge)).status_code == 404


async def test_a_move_that_fails_purges_nothing_and_is_repeated_with_its_purge(
    edge: EdgeRegistry,
) -> None:
    assert (await fetch(edge)).status_code == 200
    outage = edge.cloud.outage
    outage.begin(Failure.LOST_BEFORE)
    with pytest.raises((NotListedYet, Busy)):
        await edge.cloud.registry.publishing.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    outage.end()
    assert await is_public_blob(edge)
    await edge.cloud.registry.maintenance.task_runner.run("process-outboxes")
    assert not await is_public_blob(edge)
    assert (await fetch(edge)).status_code == 404
