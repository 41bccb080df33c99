"""How much room there is on the disk of a registry."""

from pathlib import Path

import pytest

from shared.adapters.disk_room import PROBED_EVERY, WriteProbe, room_of
from shared.domain.errors import Busy, StorageNotWritable
from tests.crash.disks import MIB, small_disk


def test_a_disk_says_how_much_of_it_is_free(tmp_path: Path) -> None:
    room = room_of(tmp_path)
    assert room is not None
    assert 0 < room.free_bytes <= room.total_bytes


def test_a_folder_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert room_of(tmp_path / "nowhere") is None


async def test_a_full_disk_is_told_within_a_second(tmp_path: Path) -> None:
    now = 0.0
    with small_disk(tmp_path / "disk", MIB) as disk:
        probe = WriteProbe(disk.root, lambda: now)
        await probe.require_room()
        disk.fill(leaving_pages=3)
        await probe.require_room()  # It was asked just now.
        now += PROBED_EVERY.total_seconds()
        for _ in range(2):
            with pytest.raises(StorageNotWritable, match="storage is full"):
                await probe.require_room()
        disk.free()
        await probe.require_room()
        assert list(disk.root.iterdir()) == []


async def test_a_disk_that_fails_otherwise_is_busy(tmp_path: Path) -> None:
    with pytest.raises(Busy):
        await WriteProbe(tmp_path / "nowhere").require_room()
