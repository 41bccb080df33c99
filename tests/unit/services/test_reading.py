"""Reading many archives at once within bounds."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.domain.bala import ArchiveLimits
from shared.domain.errors import ArchiveTooLarge, BadArchive, Busy
from shared.services.reading import READERS, SMALLEST_SHARE, Reading
from tests.balas import bala

MIB = 1024 * 1024
GREET = bala("acme/greet:1.0.0")


def reading(*, max_archive_bytes: int = MIB, max_in_hand: int = 4) -> Reading:
    return Reading(ArchiveLimits(), max_archive_bytes, max_in_hand)


async def test_a_hundred_small_archives_wait_for_their_turn() -> None:
    many = [bala(f"acme/greet:1.0.{number}") for number in range(100)]
    service = reading()
    found = await asyncio.gather(*map(service.read, many))
    assert [each.coordinate.version.text for each in found] == [f"1.0.{n}" for n in range(100)]
    service.close()


async def test_more_bytes_than_the_limit_are_refused_until_others_are_read() -> None:
    service = reading(max_archive_bytes=len(GREET), max_in_hand=2)
    first, second, third = await asyncio.gather(
        *(service.read(GREET) for _ in range(3)), return_exceptions=True
    )
    assert first == second
    assert isinstance(third, Busy)
    assert (await service.read(GREET)).coordinate == (await service.read(GREET)).coordinate
    service.close()


async def test_tiny_archives_are_bounded_by_their_number() -> None:
    service = reading(max_archive_bytes=SMALLEST_SHARE * len(GREET), max_in_hand=1)
    outcomes = await asyncio.gather(
        *(service.read(GREET) for _ in range(SMALLEST_SHARE + 1)), return_exceptions=True
    )
    assert [isinstance(each, Busy) for each in outcomes] == [False] * SMALLEST_SHARE + [True]
    service.close()


async def test_a_refused_archive_leaves_its_place_to_others() -> None:
    service = reading(max_archive_bytes=len(GREET), max_in_hand=1)
    for _ in range(READERS + 1):
        with pytest.raises(BadArchive):
            await service.read(b"no archive")
    await service.read(GREET)
    service.close()


async def test_an_archive_above_the_limit_is_not_even_opened() -> None:
    service = reading(max_archive_bytes=len(GREET) - 1)
    with pytest.raises(ArchiveTooLarge):
        await service.read(GREET)
    service.close()


async def test_an_archive_of_another_size_than_allowed_is_told_both_numbers() -> None:
    service = reading(max_archive_bytes=len(GREET) - 1)
    with pytest.raises(ArchiveTooLarge) as refused:
        await service.read(GREET)
    assert str(refused.value) == str(ArchiveTooLarge(len(GREET), len(GREET) - 1))
    service.close()


async def test_archives_are_read_on_threads_that_are_named_for_it() -> None:
    service = reading()
    await asyncio.gather(*(service.read(GREET) for _ in range(10 * READERS)))
    found = [each.name for each in threading.enumerate() if each.name.startswith("bala_")]
    assert 0 < len(found) <= READERS
    service.close()


async def test_closing_gives_up_on_what_waits_and_does_not_wait_for_what_is_read() -> None:
    gate, threads = threading.Event(), ThreadPoolExecutor(1)
    service = Reading(ArchiveLimits(), MIB, 4, _threads=threads)
    try:
        read_now = threads.submit(gate.wait, 5)
        waits = asyncio.ensure_future(service.read(GREET))
        await asyncio.sleep(0)
        service.close()
        assert not read_now.done()
        with pytest.raises(asyncio.CancelledError):
            await waits
    finally:
        gate.set()
