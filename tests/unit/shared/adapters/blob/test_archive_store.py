"""Moves of archives that are broken off."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob.aio import BlobServiceClient

from shared.adapters.blob.archive_store import BlobArchives
from shared.adapters.blob.client import BlobContainers
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.errors.requests import Busy
from tests.contract.sample_records import BALA, NAME
from tests.fakes.blob_double import CONNECTION, BlobAnswer, BlobRequest
from tests.fakes.blob_storage import NO_WAITING, FailingBlobsInMemory, Failure, Outage
from tests.fakes.blob_transport import BlobResponse, BlobTransport
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudInMemory, blob_double_of

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


@dataclass(frozen=True)
class RenewedDuringReads(CloudInMemory):
    """Connects to the stores of a folder; a read takes several requests, and after the first one
    somebody pushes the archive again."""

    def blobs(self) -> BlobServiceClient:
        """Return a client that reads four bytes in a request."""
        transport = _RenewingTransport(blob_double_of(self.folder, self.clock))
        return BlobServiceClient.from_connection_string(
            CONNECTION, transport=transport, max_single_get_size=4, max_chunk_get_size=4
        )


@dataclass
class _RenewingTransport(BlobTransport):
    is_renewed: bool = False

    async def send(self, request: Any, **options: Any) -> Any:
        response = await super().send(request, **options)
        if request.method == "GET" and not self.is_renewed:
            self.is_renewed = True
            address = f"{request.url.partition('?')[0]}?comp=metadata"
            renewed = BlobRequest("PUT", address, {"authorization": "", "x-ms-meta-stored_ms": "1"})
            assert self.double.answer(renewed).status == 200
        return response


async def test_a_large_archive_that_is_pushed_again_while_it_is_read_is_read_whole(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    async with opened(CloudInMemory(tmp_path, clock), clock) as archives:
        await archives.put(NAME, BALA, ArchiveContainer.PUBLIC)
    async with opened(RenewedDuringReads(tmp_path, clock), clock) as archives:
        assert await archives.read(NAME) == BALA


@dataclass(frozen=True)
class RefusedSources(CloudInMemory):
    """Connects to the stores of a folder; the service cannot read what it is asked to copy."""

    status: int = field(kw_only=True)

    def blobs(self) -> BlobServiceClient:
        """Return a client of the double that asks again at once."""
        transport = _RefusingTransport(blob_double_of(self.folder, self.clock), self.status)
        return BlobServiceClient.from_connection_string(
            CONNECTION, transport=transport, **NO_WAITING
        )


@dataclass
class _RefusingTransport(BlobTransport):
    status: int

    async def send(self, request: Any, **options: Any) -> Any:
        if "x-ms-copy-source" not in request.headers:
            return await super().send(request, **options)
        return BlobResponse(
            request, BlobAnswer(self.status, {"x-ms-error-code": "CannotVerifyCopySource"})
        )


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_a_copy_whose_source_the_service_cannot_read_is_no_move(
    tmp_path: Path, status: int
) -> None:
    clock = FakeClock()
    async with opened(CloudInMemory(tmp_path, clock), clock) as archives:
        await archives.put(NAME, BALA, ArchiveContainer.PUBLIC)
    async with opened(RefusedSources(tmp_path, clock, status=status), clock) as archives:
        with pytest.raises(Busy):
            await archives.move(NAME, ArchiveContainer.PRIVATE)
