"""A fresh instance answers what is pulled most from memory, and nothing that was withheld since.

One instance writes, and packs; others begin with the pack.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.blob.package_pack import PACK_CONTAINER
from shared.adapters.paths import PACKAGE_PACK
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate, Package
from shared.domain.packages import Visibility
from shared.ports import PackagePack, PackStore
from shared.runtime.edition import CHANGES_KNOWN_WITHIN
from tests.fakes.cosmos.protocol import CosmosDouble, Request
from tests.fakes.cosmos.transport import DoubleTransport, Trouble
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.cloud_registry import MeteredRegistry, metered, other_instance
from tests.support.logs import capture_logs
from tests.support.world import BASE, MAVEN, URL

pytestmark = pytest.mark.usefixtures("patience")

PULL = dict(ACCEPT_ARCHIVE)
PACKAGE = f"{BASE}/packages/acme/greet"
GREET = Package.parse("acme", "greet")
FIRST = Coordinate.parse("acme", "greet", "1.0.0")
READS = [
    (f"{PACKAGE}/1.0.0", PULL),
    (f"{PACKAGE}/*", PULL),
    (f"{PACKAGE}/1.0.0", {}),
    (PACKAGE, {}),
    (f"{URL}/index/acme/greet/index.json", {}),
    (f"{MAVEN}/acme/greet/maven-metadata.xml", {}),
    (f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.pom", {}),
]


async def push(cloud: MeteredRegistry, coordinate: str, **spec: Any) -> None:
    headers = {"Authorization": f"Bearer {cloud.token}"}
    files = {"bala-file": ("any.bala", bala(coordinate, **spec))}
    answer = await cloud.http.post(f"{BASE}/packages", headers=headers, files=files)
    assert answer.status_code == 204, answer.text


def packs(cloud: MeteredRegistry) -> PackStore:
    store = cloud.registry.adapters.package_pack
    assert store
    return store


async def stored_pack(cloud: MeteredRegistry) -> PackagePack:
    stored = await packs(cloud).read()
    assert stored
    return stored


async def pack(cloud: MeteredRegistry) -> int:
    """Pack, and return how many packages that were."""
    report = await cloud.registry.maintenance.upkeep.run("write-package-pack")
    assert report
    return report.changed


async def show_in_search(cloud: MeteredRegistry) -> None:
    await cloud.registry.maintenance.upkeep.run("update-search-index")


@pytest.fixture
async def writing(tmp_path: Path) -> AsyncGenerator[MeteredRegistry]:
    """Return an instance that has packed a package with two releases."""
    async with metered(tmp_path) as cloud:
        await push(cloud, "acme/greet:0.9.0")
        await push(cloud, "acme/greet:1.0.0")
        await show_in_search(cloud)
        assert await pack(cloud) == 1
        yield cloud


@asynccontextmanager
async def fresh(writing: MeteredRegistry, **options: Any) -> AsyncGenerator[MeteredRegistry]:
    """Begin another instance, which has loaded the pack."""
    async with other_instance(writing, **options) as instance:
        await instance.registry.packages.cache.load()
        yield instance


@pytest.mark.parametrize(("url", "headers"), READS)
async def test_a_fresh_instance_reads_no_records_of_a_packed_package(
    writing: MeteredRegistry, url: str, headers: dict[str, str]
) -> None:
    async with fresh(writing) as instance:
        instance.meter.taken()
        answer = await instance.http.get(url, headers=headers)
        assert answer.status_code in (200, 302)
        assert instance.meter.taken().records == 0
        assert answer.content == (await writing.http.get(url, headers=headers)).content


async def test_loading_is_one_blob_and_two_looks_at_the_feed(writing: MeteredRegistry) -> None:
    async with other_instance(writing) as instance:
        await instance.registry.adapters.metadata.head(Package.parse("acme", "none"))
        instance.meter.taken()
        await instance.registry.packages.cache.load()
        taken = instance.meter.taken()
        assert (taken.blob_reads, taken.records) == (1, 2)  # A look where it begins is one.


async def test_no_request_waits_for_the_pack(writing: MeteredRegistry) -> None:
    async with other_instance(writing) as instance:
        assert (await instance.http.get(PACKAGE)).json() == ["1.0.0", "0.9.0"]
        await instance.registry.packages.cache.load()
        instance.meter.taken()
        assert (await instance.http.get(f"{PACKAGE}/1.0.0", headers=PULL)).status_code == 302
        assert instance.meter.taken().records == 0


async def quarantine(writing: MeteredRegistry) -> None:
    await writing.registry.publishing.moderation.quarantine(FIRST, "Harmful.", by=OPERATOR)


async def remove(writing: MeteredRegistry) -> None:
    await quarantine(writing)
    await writing.registry.publishing.moderation.remove(FIRST, "Harmful.", by=OPERATOR)


async def make_private(writing: MeteredRegistry) -> None:
    visibility = writing.registry.packages.visibility
    await visibility.change(GREET, Visibility.PRIVATE, by=OPERATOR)


Change = Callable[[MeteredRegistry], Awaitable[None]]


@pytest.mark.parametrize(("url", "headers"), [READS[0], READS[2], READS[6]])
@pytest.mark.parametrize("change", [quarantine, remove, make_private])
async def test_what_was_withheld_since_is_not_served(
    writing: MeteredRegistry, url: str, headers: dict[str, str], change: Change
) -> None:
    await change(writing)
    async with fresh(writing) as instance:
        assert (await instance.http.get(url, headers=headers)).status_code in (401, 404)


@pytest.mark.parametrize("change", [quarantine, remove, make_private])
async def test_what_is_withheld_after_loading_is_gone_within_a_second(
    writing: MeteredRegistry, change: Change
) -> None:
    async with fresh(writing) as instance:
        assert (await instance.http.get(f"{PACKAGE}/1.0.0", headers=PULL)).status_code == 302
        await change(writing)
        instance.clock.advance(CHANGES_KNOWN_WITHIN)
        answer = await instance.http.get(f"{PACKAGE}/1.0.0", headers=PULL)
        assert answer.status_code in (401, 404)


async def test_a_release_that_was_deprecated_since_warns(writing: MeteredRegistry) -> None:
    await writing.registry.packages.deprecation.deprecate(FIRST, "Use another.", by=OPERATOR)
    async with fresh(writing) as instance:
        answer = await instance.http.get(f"{PACKAGE}/1.0.0", headers=PULL)
        assert answer.headers["deprecate-message"] == "Use another."


async def test_a_release_that_was_pushed_since_is_listed(writing: MeteredRegistry) -> None:
    await push(writing, "acme/greet:1.1.0")
    async with fresh(writing) as instance:
        assert (await instance.http.get(PACKAGE)).json() == ["1.1.0", "1.0.0", "0.9.0"]


async def test_a_private_package_is_never_packed(writing: MeteredRegistry) -> None:
    await push(writing, "acme/other:1.0.0")
    await make_private(writing)
    assert await pack(writing) == 1
    stored = await stored_pack(writing)
    assert [each.survey.head.name for each in stored.packages] == ["other"]


async def test_packing_twice_writes_the_same(writing: MeteredRegistry) -> None:
    before = await stored_bytes(writing)
    assert await pack(writing) == 1
    assert await stored_bytes(writing) == before


async def stored_bytes(cloud: MeteredRegistry) -> bytes:
    blobs = cloud.meter.place.blobs()
    async with blobs:
        container = blobs.get_container_client(f"{cloud.meter.place.prefix}{PACK_CONTAINER}")
        return await (await container.download_blob(PACKAGE_PACK)).readall()


async def store_bytes(cloud: MeteredRegistry, content: bytes) -> None:
    blobs = cloud.meter.place.blobs()
    async with blobs:
        container = blobs.get_container_client(f"{cloud.meter.place.prefix}{PACK_CONTAINER}")
        await container.upload_blob(PACKAGE_PACK, content, overwrite=True)


async def test_a_damaged_pack_is_not_used_and_breaks_nothing(writing: MeteredRegistry) -> None:
    await store_bytes(writing, (await stored_bytes(writing))[:-9])
    with capture_logs() as logs:
        async with fresh(writing) as instance:
            assert (await instance.http.get(PACKAGE)).json() == ["1.0.0", "0.9.0"]
    assert [each["event"] for each in logs if each["log_level"] == "warning"] == ["pack.unused"]


async def test_a_pack_of_a_lost_feed_is_not_used_and_breaks_nothing(
    writing: MeteredRegistry,
) -> None:
    stored = await stored_pack(writing)
    lost = dict.fromkeys(stored.positions, "lost")
    await packs(writing).write(PackagePack(lost, stored.packages))
    with capture_logs() as logs:
        async with fresh(writing) as instance:
            assert (await instance.http.get(PACKAGE)).json() == ["1.0.0", "0.9.0"]
    assert [each["event"] for each in logs if each["log_level"] == "warning"] == ["pack.unused"]


class FailingFeed(DoubleTransport):
    """Does not answer for the feed."""

    def __init__(self, double: CosmosDouble) -> None:
        super().__init__(double, _fail_feed)


def _fail_feed(request: Request) -> Trouble | None:
    return Trouble.UNAVAILABLE if "a-im" in request.headers else None


async def test_while_the_feed_fails_the_pack_is_not_used(writing: MeteredRegistry) -> None:
    await quarantine(writing)
    async with fresh(writing, transport=FailingFeed) as instance:
        answer = await instance.http.get(f"{PACKAGE}/1.0.0", headers=PULL)
        assert answer.status_code == 404


async def test_an_instance_without_a_pack_answers(tmp_path: Path) -> None:
    async with metered(tmp_path) as cloud:
        await push(cloud, "acme/greet:1.0.0")
        await cloud.registry.packages.cache.load()
        assert (await cloud.http.get(PACKAGE)).json() == ["1.0.0"]
