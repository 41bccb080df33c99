"""A backup is a registry by itself, also when it was made under load."""

import os
import sqlite3
from collections.abc import AsyncIterator, Generator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from shared.adapters.backup import backup, restore
from shared.adapters.embedded import EmbeddedStores, open_embedded
from shared.adapters.filesystem import DataFolder, FolderUnusable
from shared.domain.archives.names import Digest
from shared.runtime.private_files import open_to_others
from tests.contract.sample_records import BALA, DIGEST, GREET
from tests.contract.worker_process import publish
from tests.fakes.system import START_MS, FakeClock


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[EmbeddedStores]:
    """Return the stores of a registry with one release, a key and a search index."""
    folder = DataFolder(tmp_path / "data")
    stores = open_embedded(folder.root, FakeClock())
    stores.migrate()
    await publish(stores, "1.0.0", BALA)
    folder.keys.mkdir(mode=0o700)
    (folder.keys / "link.key").write_text("secret")
    (folder.keys / "link.key").chmod(0o600)
    with closing(sqlite3.connect(folder.search)) as search, search:
        search.execute("CREATE TABLE words (word)")
    yield stores
    stores.close()


async def versions(data: Path) -> set[str]:
    """Open a registry, check that it is whole, and return the versions of acme/greet."""
    with closing(sqlite3.connect(DataFolder(data).database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    stores = open_embedded(data, FakeClock())
    stores.migrate()
    releases = await stores.metadata.releases(GREET)
    for each in releases:
        assert Digest.of(await stores.archives.read(each.archive)) == each.content
        assert (await stores.documents.texts(each.content)).readme == each.version
    stores.close()
    return {each.version for each in releases}


@contextmanager
def another_disk(than: Path) -> Generator[Path]:
    """Yield an empty folder on another disk; skip the test where there is none."""
    memory = Path("/dev/shm")  # noqa: S108 - it is here to be another disk.
    if not memory.is_dir() or memory.stat().st_dev == than.stat().st_dev:
        pytest.skip("this machine has no second disk at /dev/shm")
    with TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


async def test_a_restored_registry_waits_for_no_task_that_ran_during_the_backup(
    registry: EmbeddedStores, tmp_path: Path
) -> None:
    now_ms = START_MS
    assert await registry.work.lease("audit", "process of the original", now_ms, now_ms + 600_000)
    backup(tmp_path / "data", tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "restored")
    restored = open_embedded(tmp_path / "restored", FakeClock())
    assert await restored.work.lease("audit", "process here", now_ms, now_ms + 600_000)
    restored.close()
    assert not await registry.work.lease("audit", "another process", now_ms, now_ms + 600_000)


@pytest.mark.usefixtures("registry")
async def test_a_backup_holds_the_search_index_and_the_keys(tmp_path: Path) -> None:
    backup(tmp_path / "data", tmp_path / "backup")
    copy = DataFolder(tmp_path / "backup")
    with closing(sqlite3.connect(copy.search)) as search:
        assert search.execute("SELECT count(*) FROM words").fetchall() == [(0,)]
    assert (copy.keys / "link.key").read_text() == "secret"


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("other_disk", [False, True])
async def test_nobody_else_may_open_a_backup_or_what_is_restored(
    tmp_path: Path, other_disk: bool
) -> None:
    for path in (tmp_path / "data", *(tmp_path / "data").rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)  # As others may open all of the original.
    with another_disk(tmp_path) if other_disk else nullcontext(tmp_path) as disk:
        before = os.umask(0)
        try:
            for name in ("backup", "restored"):
                (disk / name).mkdir(mode=0o755)
            backup(tmp_path / "data", disk / "backup")
            restore(disk / "backup", disk / "restored")
        finally:
            os.umask(before)
        for name in ("backup", "restored"):
            assert list(open_to_others(disk / name)) == []
            assert await versions(disk / name) == {"1.0.0"}


@pytest.mark.usefixtures("registry")
async def test_a_backup_on_the_same_disk_takes_no_room_for_archives(tmp_path: Path) -> None:
    backup(tmp_path / "data", tmp_path / "backup")
    original, copy = (
        DataFolder(tmp_path / name).archives.archive(DIGEST) for name in ("data", "backup")
    )
    assert original.samefile(copy)


async def test_a_backup_has_an_archive_that_the_registry_deletes_later(
    registry: EmbeddedStores, tmp_path: Path
) -> None:
    backup(tmp_path / "data", tmp_path / "backup")
    assert await registry.archives.delete(DIGEST, stored_before_ms=10**15)
    assert await versions(tmp_path / "backup") == {"1.0.0"}


def test_a_folder_without_a_registry_is_not_copied(tmp_path: Path) -> None:
    with pytest.raises(FolderUnusable, match=r"has no ballroom\.db"):
        backup(tmp_path / "nothing", tmp_path / "target")
    assert not (tmp_path / "target").exists()


@pytest.mark.usefixtures("registry")
async def test_a_backup_that_broke_off_is_not_restored(tmp_path: Path) -> None:
    backup(tmp_path / "data", tmp_path / "backup")
    copy = DataFolder(tmp_path / "backup").database
    copy.rename(copy.with_name("ballroom.db.partial"))  # Its name until everything is there.
    with pytest.raises(FolderUnusable):
        restore(tmp_path / "backup", tmp_path / "restored")
