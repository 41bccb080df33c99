"""Copies as blobs: written when they differ, and found by the first part of their path."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from shared.adapters.blob.archives import BlobArchives
from shared.adapters.blob.client import COPY_CONTAINERS, BlobContainers
from shared.adapters.blob.documents import BlobPublicCopies
from shared.adapters.system import SystemClock
from shared.domain.names import Package
from shared.domain.packages import CHOSEN_VISIBILITIES, Visibility
from shared.domain.public_copies import Copy
from tests.contract.sample_records import BALA, NAME
from tests.fakes.blob_storage import FailingBlobsInMemory, Outage
from tests.fakes.system import FakeClock

PATH = "maven/acme/greet/1.0.0/greet-1.0.0.pom"
COPY = Copy(b"<project/>", "application/xml")
OTHER = Copy(b"<project></project>", "application/xml")


class Opened:
    """The copies of a place, and the requests for them."""

    def __init__(self, blobs: BlobContainers, clock: FakeClock, outage: Outage) -> None:
        self.blobs, self.outage = blobs, outage
        self.archives = BlobArchives(blobs, clock)
        self.copies = BlobPublicCopies(blobs, self.archives.links)

    async def content(self, path: str) -> tuple[bytes, str | None, str | None]:
        """Return the content of a copy, its type, and who may cache it."""
        container, _, name = path.partition("/")
        found = await self.blobs.container(container).download_blob(name)
        headers = found.properties.content_settings
        return await found.readall(), headers.content_type, headers.cache_control

    def writes(self) -> int:
        """Return the number of writes so far."""
        return sum(each.startswith("PUT") for each in self.outage.asked)


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncGenerator[Opened]:
    """Return empty containers."""
    clock, outage = FakeClock(SystemClock().now_ms()), Outage()
    place = FailingBlobsInMemory(tmp_path, clock, outage=outage)
    blobs = BlobContainers(place.blobs, place.prefix)
    yield Opened(blobs, clock, outage)
    await blobs.close()


async def test_a_copy_is_written_only_if_it_differs(opened: Opened) -> None:
    await opened.copies.put(PATH, COPY, "mark")
    before = opened.writes()
    await opened.copies.put(PATH, COPY, "mark")
    assert opened.writes() == before
    await opened.copies.put(PATH, COPY, "other")
    await opened.copies.put(PATH, OTHER, "other")
    assert opened.writes() == before + 2
    assert (await opened.content(PATH))[0] == OTHER.content


async def test_only_what_is_there_is_replaced_and_only_what_is_not_is_added(opened: Opened) -> None:
    await opened.copies.replace(PATH, COPY)
    assert await opened.copies.marks("maven/") == {}
    await opened.copies.add(PATH, COPY)
    await opened.copies.add(PATH, OTHER)
    assert (await opened.content(PATH))[0] == COPY.content
    before = opened.writes()
    await opened.copies.replace(PATH, COPY)
    assert opened.writes() == before
    await opened.copies.replace(PATH, OTHER)
    assert (await opened.content(PATH))[0] == OTHER.content


async def test_a_copy_may_be_deleted_again(opened: Opened) -> None:
    await opened.copies.put(PATH, COPY)
    for _ in range(2):
        await opened.copies.delete(PATH)
        assert await opened.copies.marks("maven/") == {}


@pytest.mark.parametrize("container", CHOSEN_VISIBILITIES, ids=lambda container: container.value)
async def test_an_archive_is_copied_from_wherever_it_lies(
    opened: Opened, container: Visibility
) -> None:
    path = "maven/acme/greet/1.0.0/greet-1.0.0.bala"
    await opened.archives.put(NAME, BALA, container)
    for _ in range(2):
        assert await opened.copies.put_archive(NAME, path)
    sent = (BALA, "application/octet-stream", "public, max-age=300")
    assert await opened.content(path) == sent


async def test_an_archive_that_is_gone_is_not_copied(opened: Opened) -> None:
    assert not await opened.copies.put_archive(NAME, "maven/acme/greet/1.0.0/greet-1.0.0.bala")


def item(kind: str, revision: int, pk: str = "acme/greet") -> dict[str, object]:
    """Return an item of the change feed."""
    return {"id": kind, "pk": pk, "kind": kind, "revision": revision}


async def test_a_change_of_a_package_is_returned_once(opened: Opened) -> None:
    greet, other = Package.parse("acme", "greet"), Package.parse("acme", "other")
    changed = opened.copies.changed_packages
    batch = [item("head", 1), item("entry", 1), item("head", 1, "acme/other"), item("listing", 9)]
    assert changed(batch) == [greet, other]
    assert changed([*batch, {"id": "acme:greet", "pk": "names"}]) == []  # Pulls were counted.
    assert changed([item("head", 2)]) == [greet]
    opened.copies.forget_changes()
    assert changed([item("head", 2)]) == [greet]


def test_the_first_part_of_a_path_is_a_container() -> None:
    assert PATH.partition("/")[0] in COPY_CONTAINERS
