"""The archive reader reads many uploads at once, within limits."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.domain.archives.limits import MIB, ArchiveLimits
from shared.domain.errors.requests import NoRoomForUpload
from shared.services.packages.archive_reader import (
    ARCHIVE_READERS,
    SMALL_ARCHIVE_BYTES,
    ArchiveReader,
)
from tests.support.archives import bala

GREET = bala("acme/greet:1.0.0")


LIMITS = ArchiveLimits(archive_bytes=MIB)


def reading(*, max_archives_in_hand: int = 4) -> ArchiveReader:
    return ArchiveReader(LIMITS, max_archives_in_hand, "local")


async def test_a_hundred_small_archives_wait_for_their_turn() -> None:
    many = [bala(f"acme/greet:1.0.{number}") for number in range(100)]
    service = reading()
    found = await asyncio.gather(*map(service.read, many))
    assert [each.coordinate.version.text for each in found] == [f"1.0.{n}" for n in range(100)]
    await service.close()


def test_more_uploads_than_so_many_of_the_largest_are_refused_until_one_ends() -> None:
    service = reading(max_archives_in_hand=2)
    with service.in_hand(MIB):
        with service.in_hand(MIB), pytest.raises(NoRoomForUpload, match="others take all of it"):
            service.in_hand(SMALL_ARCHIVE_BYTES + 1).__enter__()
        with service.in_hand(MIB), service.in_hand(SMALL_ARCHIVE_BYTES):
            pass


async def test_archives_are_read_on_threads_that_are_named_for_it() -> None:
    before = set(threading.enumerate())
    service = reading()
    await asyncio.gather(*(service.read(GREET) for _ in range(10 * ARCHIVE_READERS)))
    found = [each.name for each in set(threading.enumerate()) - before]
    assert 0 < len(found) <= ARCHIVE_READERS
    assert all(each.startswith("bala_") for each in found)
    await service.close()


async def test_closing_gives_up_on_what_waits_and_does_not_wait_for_what_is_read() -> None:
    gate = threading.Event()
    threads = ThreadPoolExecutor(1)
    service = ArchiveReader(LIMITS, 4, "local", _threads=threads)
    try:
        read_now = threads.submit(gate.wait, 5)
        waits = asyncio.ensure_future(service.read(GREET))
        await asyncio.sleep(0)
        await service.close()
        assert not read_now.done()
        with pytest.raises(asyncio.CancelledError):
            await waits
    finally:
        gate.set()
