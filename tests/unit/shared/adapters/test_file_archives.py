"""The balas as files: where they are, and what a killed or a hindered writer leaves."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.adapters.data_folder import ArchiveFolder
from shared.adapters.embedded import open_embedded
from shared.adapters.file_archives import SMALL_BYTES, FileArchives
from shared.adapters.system import PROBE_INTERVAL, WriteProbe
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.digests import Digest
from shared.domain.errors.requests import Busy
from shared.runtime.private_files import hold_file_lock
from tests.contract.sample_records import BALA, DIGEST, NAME
from tests.crash.small_disks import MIB, small_disk
from tests.fakes.system import FakeClock
from tests.support.refusals import raises_refusal

PUBLIC = ArchiveContainer.PUBLIC


@pytest.fixture
def clock() -> FakeClock:
    """Return the clock that dates the files."""
    return FakeClock()


@pytest.fixture
def folder(tmp_path: Path) -> ArchiveFolder:
    return ArchiveFolder(tmp_path / "archives")


@pytest.fixture
def archives(folder: ArchiveFolder, clock: FakeClock) -> FileArchives:
    """Return the store."""
    return FileArchives(folder, clock)


def leftovers(folder: ArchiveFolder) -> list[str]:
    """Return the names of temporary files."""
    return [path.name for path in folder.temporary.iterdir()]


@pytest.mark.parametrize("size_bytes", [1, SMALL_BYTES, SMALL_BYTES + 1])
async def test_archives_of_all_sizes_are_stored_and_leave_nothing_else(
    archives: FileArchives, folder: ArchiveFolder, size_bytes: int
) -> None:
    content = bytes(size_bytes)
    name = replace(NAME, digest=Digest.of(content))
    await asyncio.gather(*(archives.put(name, content, PUBLIC) for _ in range(20)))
    assert archives.path(name).read_bytes() == content
    assert leftovers(folder) == []


async def test_an_archive_whose_writer_is_cancelled_is_stored_whole(
    archives: FileArchives, folder: ArchiveFolder
) -> None:
    putting = asyncio.create_task(archives.put(NAME, BALA, PUBLIC))
    with hold_file_lock(folder.lock(DIGEST)):
        while not (folder.temporary.is_dir() and leftovers(folder)):
            await asyncio.sleep(0)
        putting.cancel()
        await asyncio.wait({putting})
    while leftovers(folder):
        await asyncio.sleep(0)
    assert archives.path(NAME).read_bytes() == BALA


async def test_a_file_of_another_size_is_written_again(archives: FileArchives) -> None:
    await archives.put(NAME, BALA, PUBLIC)
    archives.path(NAME).write_bytes(BALA[:10])
    await archives.put(NAME, BALA, PUBLIC)
    assert await archives.read(NAME) == BALA


async def test_a_writer_that_fails_leaves_nothing(
    archives: FileArchives, folder: ArchiveFolder
) -> None:
    (archives.path(NAME) / "a folder where the file should be").mkdir(parents=True)
    with pytest.raises(Busy):
        await archives.put(NAME, BALA, PUBLIC)
    assert leftovers(folder) == []


async def test_a_store_that_cannot_be_reached_is_busy(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "archives").write_text("a file where a folder should be")
    archives = FileArchives(ArchiveFolder(tmp_path / "archives"), clock)
    for attempt in (archives.put(NAME, BALA, PUBLIC), archives.read(NAME), archives.stat(NAME)):
        with pytest.raises(Busy):
            await attempt


async def test_files_of_a_killed_writer_are_deleted_once_they_are_old(
    archives: FileArchives, folder: ArchiveFolder, clock: FakeClock
) -> None:
    folder.temporary.mkdir(parents=True)
    for name, age in (("old", timedelta(days=2)), ("new", timedelta(hours=1))):
        file = folder.temporary / name
        file.write_bytes(BALA)
        seconds = (clock.now_ms() - age // timedelta(milliseconds=1)) / 1_000
        os.utime(file, (seconds, seconds))
    day_ago = clock.now_ms() - timedelta(days=1) // timedelta(milliseconds=1)
    assert archives.sweep_temporary(day_ago) == 1
    assert leftovers(folder) == ["new"]


def test_a_registry_sweeps_when_it_starts(tmp_path: Path, clock: FakeClock) -> None:
    stores = open_embedded(tmp_path, clock)
    stores.migrate()
    left = tmp_path / "archives" / "tmp" / "left"
    left.parent.mkdir(parents=True)
    left.write_bytes(BALA)
    os.utime(left, (0, 0))
    stores.migrate()
    assert not left.exists()


async def test_a_delete_waits_for_a_concurrent_put_and_leaves_the_archive(
    archives: FileArchives, folder: ArchiveFolder, clock: FakeClock
) -> None:
    await archives.put(NAME, BALA, PUBLIC)
    clock.advance(timedelta(days=2))
    sweep_began_ms = clock.now_ms()
    with hold_file_lock(folder.lock(DIGEST)):  # As a writer holds it between its look and its mark.
        deleting = asyncio.create_task(archives.delete(DIGEST, sweep_began_ms))
        storing = asyncio.create_task(FileArchives(folder, clock).put(NAME, BALA, PUBLIC))
        await asyncio.wait([deleting, storing], timeout=0.05)
        assert not deleting.done()
        now_ns = clock.now_ms() * 10**6
        os.utime(archives.path(NAME), ns=(now_ns, now_ns))
    assert not await deleting
    await storing
    assert await archives.read(NAME) == BALA


async def test_a_full_disk_is_noticed_within_a_second(tmp_path: Path) -> None:
    now = 0.0
    with small_disk(tmp_path / "disk", MIB) as disk:
        probe = WriteProbe(disk.root, lambda: now)
        await probe.require_disk_space()
        disk.fill(leaving_pages=3)
        await probe.require_disk_space()  # It was asked just now.
        now += PROBE_INTERVAL.total_seconds()
        for _ in range(2):
            with raises_refusal("storage-not-writable", match="storage is full"):
                await probe.require_disk_space()
        disk.free()
        await probe.require_disk_space()
        assert list(disk.root.iterdir()) == []


async def test_a_disk_that_fails_otherwise_is_busy(tmp_path: Path) -> None:
    with pytest.raises(Busy):
        await WriteProbe(tmp_path / "nowhere").require_disk_space()
