"""Moves of archives that are broken off."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from shared.adapters.blob.archive_store import BlobArchives
from shared.adapters.blob.client import BlobContainers
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.errors.requests import Busy
from tests.contract.sample_records import BALA, NAME
from tests.fakes.blob_storage import FailingBlobsInMemory, Failure, Outage
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudInMemory

FOREVER = 10**15
LONG = timedelta(minutes=20)  # After this no link to a private copy is good.
ONCE = 1
FOR_GOOD = 10**6  # What never comes again is what a process that died would have asked.


@asynccontextmanager
async def opened(connections: CloudInMemory, clock: FakeClock) -> AsyncGenerator[BlobArchives]:
    """Open the archives of a place."""
    blobs = BlobContainers(connections.blobs, connections.prefix)
    try:
        yield BlobArchives(blobs, clock)
    finally:
        await blobs.close()


async def containers(archives: BlobArchives) -> set[ArchiveContainer | None]:
    """Return where the archive lies."""
    return {each.container async for each in archives.list(FOREVER)}


async def move(folder: Path, outage: Outage, to: ArchiveContainer, *, is_left_over: bool) -> None:
    """Store an archive on the other container, or on both, and move it during an outage."""
    clock = FakeClock()
    plain = CloudInMemory(folder, clock)
    async with opened(plain, clock) as archives:
        for container in ArchiveContainer:
            if is_left_over or container is not to:
                await archives.put(NAME, BALA, container)
        clock.advance(LONG)
    async with opened(FailingBlobsInMemory(folder, clock, outage=outage), clock) as archives:
        with suppress(Busy):
            await archives.move(NAME, to)


async def check(folder: Path, to: ArchiveContainer) -> None:
    """Check that the archive can be read, and that the move ends when it is repeated."""
    clock = FakeClock()
    clock.advance(2 * LONG)
    async with opened(CloudInMemory(folder, clock), clock) as archives:
        assert await archives.read(NAME) == BALA
        for _ in range(2):
            await archives.move(NAME, to)
            assert await archives.read(NAME) == BALA
            clock.advance(LONG)
        assert await containers(archives) == {to}


@pytest.mark.parametrize("to", ArchiveContainer, ids=lambda container: container.value)
@pytest.mark.parametrize("is_left_over", [False, True], ids=["on one container", "on both"])
async def test_whatever_fails_the_archive_can_be_read_and_a_repeat_ends_the_move(
    tmp_path: Path, to: ArchiveContainer, *, is_left_over: bool
) -> None:
    undisturbed = Outage()
    await move(tmp_path / "undisturbed", undisturbed, to, is_left_over=is_left_over)
    requests = range(len(undisturbed.asked))
    assert len(requests) >= 2
    for first, failure, count in product(requests, Failure, (ONCE, FOR_GOOD)):
        place = tmp_path / f"{first} {failure.name} {count}"
        outage = Outage(failure, first, count)
        await move(place, outage, to, is_left_over=is_left_over)
        assert len(outage.asked) > first
        await check(place, to)
