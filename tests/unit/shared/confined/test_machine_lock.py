"""One holder on a machine, and a line of those who wait."""

import asyncio
from pathlib import Path

import pytest

from shared.confined.budget import ConfinedUnavailable
from shared.confined.machine_lock import MachineLock


async def wanted(lock: MachineLock) -> None:
    while not lock.is_wanted():
        await asyncio.sleep(0)


async def test_the_lock_has_one_holder_who_learns_that_another_one_waits(tmp_path: Path) -> None:
    first, second = MachineLock(tmp_path / "new"), MachineLock(tmp_path / "new")
    await first.acquire()
    assert not first.is_wanted()
    waiting = asyncio.create_task(second.acquire())
    await wanted(first)
    assert not waiting.done()
    first.release()
    await waiting
    assert not second.is_wanted()
    second.release()


async def test_a_holder_acquires_it_again_at_once(tmp_path: Path) -> None:
    lock = MachineLock(tmp_path)
    await lock.acquire()
    await lock.acquire()
    lock.release()
    lock.release()


async def test_who_gives_up_waiting_is_not_waited_for(tmp_path: Path) -> None:
    first, second = MachineLock(tmp_path), MachineLock(tmp_path)
    await first.acquire()
    waiting = asyncio.create_task(second.acquire())
    await wanted(first)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert not first.is_wanted()
    first.release()


async def test_nobody_waits_for_a_lock_that_is_closed(tmp_path: Path) -> None:
    first, second = MachineLock(tmp_path), MachineLock(tmp_path)
    await first.acquire()
    waiting = asyncio.create_task(second.acquire())
    await wanted(first)
    second.close()
    with pytest.raises(ConfinedUnavailable):
        await waiting
    first.release()


async def test_nobody_waits_in_a_folder_that_is_gone(tmp_path: Path) -> None:
    assert not MachineLock(tmp_path / "gone").is_wanted()
