"""Pulls in the cloud end to end: by links to Blob Storage, and from our own host."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from shared.adapters.blob.archive_store import BlobArchives
from shared.adapters.blob.client import BlobContainers
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.delivery import PLACEMENT_SETTLED_AFTER
from shared.domain.coordinates import Coordinate, Package
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.cloud_registry import CloudRegistry, clouded
from tests.support.world import BASE, URL

PUBLIC = ArchiveContainer.PUBLIC
PRIVATE = ArchiveContainer.PRIVATE
GREET = "acme/greet:1.0.0"
SECRET = "acme/secret:1.0.0"
ARCHIVE = bala(GREET, padding=100_000)
HIDDEN = bala(SECRET, visibility="private", padding=100_000)
TAIL = "/1.0.0/acme-greet-any-1.0.0.bala"
EMULATOR = "http://127.0.0.1:"


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncGenerator[CloudRegistry]:
    """Return a registry with a public and a private package."""
    async with clouded(tmp_path) as opened:
        await opened.ann.send_archive(GREET, ARCHIVE)
        await opened.ann.send_archive(SECRET, HIDDEN)
        yield opened


async def first_hop(
    cloud: CloudRegistry, path: str = "acme/greet", **headers: str
) -> httpx.Response:
    """Return the answer of the registry to a pull."""
    wanted = {**dict(ACCEPT_ARCHIVE), **headers}
    answer = await cloud.http.get(f"{BASE}/packages/{path}/1.0.0", headers=wanted)
    assert answer.status_code == 302
    return answer


async def location(cloud: CloudRegistry, path: str = "acme/greet", **headers: str) -> str:
    """Return where a pull leads."""
    return (await first_hop(cloud, path, **headers)).headers["location"]


async def lying(cloud: CloudRegistry) -> dict[str, set[str]]:
    """Return what lies on each side, by version and file."""
    blobs = BlobContainers(cloud.place.blobs, cloud.place.prefix)
    found: dict[str, set[str]] = {"archives": set(), "private": set()}
    for container, names in found.items():
        async for blob in blobs.container(container).list_blobs():
            names.add(blob.name.partition("/")[2])
    await blobs.close()
    return found


GREET_BLOB = "1.0.0/acme-greet-any-1.0.0.bala"
SECRET_BLOB = "1.0.0/acme-secret-any-1.0.0.bala"


async def test_archives_lie_where_they_may_be_seen(cloud: CloudRegistry) -> None:
    assert await lying(cloud) == {"archives": {GREET_BLOB}, "private": {SECRET_BLOB}}


# --- without a token ---------------------------------------------------------------------------


async def test_a_client_without_a_token_gets_the_bytes_from_the_store(cloud: CloudRegistry) -> None:
    answer = await first_hop(cloud)
    link = answer.headers["location"]
    assert link.startswith(EMULATOR)
    assert urlsplit(link).path.endswith(TAIL)
    assert "/" not in urlsplit(link).query
    assert answer.headers["cache-control"] == "private, no-store"
    second = await cloud.http.get(link)
    assert (second.status_code, second.content) == (200, ARCHIVE)
    assert second.headers["content-length"] == str(len(ARCHIVE))
    assert second.headers["content-disposition"] == (
        "attachment; filename=acme-greet-any-1.0.0.bala"
    )


async def test_both_kinds_of_clients_pull_and_keep_what_was_pushed(cloud: CloudRegistry) -> None:
    for client in (cloud.anyone, cloud.ann):
        assert (await client.pull(GREET)).content == ARCHIVE
    assert (await cloud.ann.pull(SECRET)).content == HIDDEN
    with pytest.raises(ClientFailure):
        await cloud.anyone.pull(SECRET)


@pytest.mark.parametrize(
    ("part", "other"), [("sig=", "sig=A"), ("se=20", "se=21"), ("greet", "other")]
)
async def test_the_store_refuses_a_link_that_was_changed(
    cloud: CloudRegistry, part: str, other: str
) -> None:
    link = await location(cloud)
    assert part in link
    assert (await cloud.http.get(link.replace(part, other, 1))).status_code in (403, 404)


async def test_the_store_refuses_a_link_whose_time_is_over(cloud: CloudRegistry) -> None:
    cloud.clock.advance(timedelta(minutes=-6))  # As if it had been made then.
    assert (await cloud.http.get(await location(cloud))).status_code == 403


# --- with a token ------------------------------------------------------------------------------


async def test_a_client_with_a_token_stays_on_our_host(cloud: CloudRegistry) -> None:
    link = await location(cloud, **cloud.as_ann)
    assert link.startswith(f"{URL}/archives/public/")
    assert urlsplit(link).path.endswith(TAIL)
    second = await cloud.http.get(link, headers=cloud.as_ann)
    assert (second.status_code, second.content) == (200, ARCHIVE)
    assert second.headers["content-length"] == str(len(ARCHIVE))


async def test_a_private_archive_comes_from_our_host_by_a_signed_link(cloud: CloudRegistry) -> None:
    link = await location(cloud, "acme/secret", **cloud.as_ann)
    assert link.startswith(f"{URL}/archives/private/")
    for headers in ({}, cloud.as_ann, {"Authorization": "Bearer nonsense"}):
        second = await cloud.http.get(link, headers=headers)
        assert (second.status_code, second.content) == (200, HIDDEN)
        assert second.headers["cache-control"] == "private, no-store"


async def test_our_host_reads_no_more_of_a_blob_than_is_asked_for(cloud: CloudRegistry) -> None:
    link = await location(cloud, **cloud.as_ann)
    cloud.outage.ranges.clear()
    cloud.outage.asked.clear()
    head = await cloud.http.head(link)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(ARCHIVE)))
    assert cloud.outage.asked == []
    part = await cloud.http.get(link, headers={"Range": "bytes=1000-1099"})
    assert (part.status_code, part.content) == (206, ARCHIVE[1000:1100])
    assert part.headers["content-range"] == f"bytes 1000-1099/{len(ARCHIVE)}"
    assert cloud.outage.ranges == ["bytes=1000-1099"]
    known = await cloud.http.get(link, headers={"If-None-Match": head.headers["etag"]})
    assert known.status_code == 304
    assert len(cloud.outage.asked) == 1


# --- changes -----------------------------------------------------------------------------------


async def test_a_quarantine_takes_the_blob_away_from_every_link(cloud: CloudRegistry) -> None:
    links = [await location(cloud), await location(cloud, **cloud.as_ann)]
    coordinate = Coordinate.parse("acme", "greet", "1.0.0")
    await cloud.registry.publishing.moderation.quarantine(coordinate, "reported", by=OPERATOR)
    assert await lying(cloud) == {"archives": set(), "private": {GREET_BLOB, SECRET_BLOB}}
    assert [(await cloud.http.get(link)).status_code for link in links] == [404, 404]
    await cloud.registry.publishing.moderation.restore(coordinate, by=OPERATOR)
    assert (await cloud.anyone.pull(GREET)).content == ARCHIVE
    assert (await lying(cloud))["archives"] == {GREET_BLOB}


async def test_a_package_that_becomes_private_takes_its_blobs_with_it(cloud: CloudRegistry) -> None:
    link = await location(cloud)
    package = Package.parse("acme", "greet")
    await cloud.registry.packages.visibility.change(
        package, Visibility.PRIVATE, by=OPERATOR, reason="It was decided."
    )
    assert (await lying(cloud))["archives"] == set()
    assert (await cloud.http.get(link)).status_code == 404
    assert (await cloud.ann.pull(GREET)).content == ARCHIVE
    with pytest.raises(ClientFailure):
        await cloud.anyone.pull(GREET)


async def test_a_package_that_becomes_public_is_in_both_containers_until_a_sweep(
    cloud: CloudRegistry,
) -> None:
    link = await location(cloud, "acme/secret", **cloud.as_ann)
    package = "acme/secret"
    await cloud.registry.packages.visibility.change(
        Package.parse("acme", "secret"), Visibility.PUBLIC, by=OPERATOR
    )
    both = {"archives": {GREET_BLOB, SECRET_BLOB}, "private": {SECRET_BLOB}}
    assert await lying(cloud) == both
    assert (await cloud.http.get(link)).content == HIDDEN  # A pull that was under way goes on.
    assert (await location(cloud, package)).startswith(URL)  # A link might miss it still.
    assert (await cloud.anyone.pull(SECRET)).content == HIDDEN
    cloud.clock.advance(timedelta(hours=1))
    await cloud.registry.maintenance.task_runner.run("delete-orphaned-archives")
    assert await lying(cloud) == {**both, "private": set()}
    cloud.clock.advance(PLACEMENT_SETTLED_AFTER)
    assert (await location(cloud, package)).startswith(EMULATOR)


async def test_a_push_that_its_package_overtook_is_pulled_and_put_right(
    cloud: CloudRegistry,
) -> None:
    second = bala("acme/greet:1.1.0")
    await cloud.ann.send_archive("acme/greet:1.1.0", second)
    await cloud.registry.packages.visibility.change(
        Package.parse("acme", "greet"), Visibility.PRIVATE, by=OPERATOR, reason="It was decided."
    )
    blobs = BlobContainers(cloud.place.blobs, cloud.place.prefix)
    found = await cloud.registry.adapters.metadata.find(Coordinate.parse("acme", "greet", "1.1.0"))
    assert found.release
    store = BlobArchives(blobs, cloud.clock)  # As if it had been stored before the change.
    await store.put(found.release.archive, second, PUBLIC)
    await store._blob(found.release.archive, PRIVATE).delete_blob()
    assert (await cloud.ann.pull("acme/greet:1.1.0")).content == second
    cloud.clock.advance(timedelta(hours=1))
    await cloud.registry.maintenance.task_runner.run("delete-orphaned-archives")
    assert (await lying(cloud))["archives"] == set()
    assert (await cloud.ann.pull("acme/greet:1.1.0")).content == second
    await blobs.close()
