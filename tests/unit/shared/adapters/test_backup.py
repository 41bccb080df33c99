"""A backup is a registry by itself, also when it was made under load."""

import asyncio
import errno
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Generator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from shared.adapters.backup import (
    ARCHIVES_PER_REPORT,
    ArchiveChecks,
    Restored,
    backup,
    half_restored,
    restore,
    unapplied_restore,
)
from shared.adapters.data_folder import DataFolder, FolderUnusable, put_folder_in_place
from shared.adapters.embedded import EmbeddedStores, open_embedded
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.digests import Digest
from shared.domain.archives.names import ArchiveName
from shared.domain.transparency.log_states import PLACE_OF_STATE, LogState
from shared.domain.versions import Version
from shared.runtime.file_replacement import partial_path
from shared.runtime.private_files import hold_file_lock, paths_readable_by_others
from tests.contract.sample_records import BALA, DIGEST, GREET
from tests.contract.worker_process import publish
from tests.fakes.system import START_MS, FakeClock
from tests.support.log_checker import ORIGIN
from tests.support.waiting import eventually_in_tasks


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
        assert Digest.of(await stores.archives.read(each.archive)) == each.archive_digest
        assert (await stores.documents.texts(each.archive_digest)).readme == each.version
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
            assert list(paths_readable_by_others(disk / name)) == []
            assert await versions(disk / name) == {"1.0.0"}


@pytest.mark.usefixtures("registry")
async def test_a_backup_on_the_same_disk_takes_no_room_for_archives(tmp_path: Path) -> None:
    backup(tmp_path / "data", tmp_path / "backup")
    original, copy = (
        DataFolder(tmp_path / name).archives.archive(DIGEST) for name in ("data", "backup")
    )
    assert original.samefile(copy)


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("number", [errno.EXDEV, errno.EMLINK])
async def test_a_backup_reports_once_that_two_mounts_of_one_disk_let_it_link_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refused(_place: Path, _file: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "hardlink_to", refused)
    reported = list[str]()
    backup(tmp_path / "data", tmp_path / "copy", report=reported.append)
    assert await versions(tmp_path / "copy") == {"1.0.0"}
    if number == errno.EXDEV:
        [sentence] = reported
        assert f"{tmp_path}/data and {tmp_path}/copy are two mounts of one disk" in sentence
    else:
        assert reported == []


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


def archive_of(folder: Path) -> Path:
    return DataFolder(folder).archives.archive(DIGEST)


def damage(file: Path) -> None:
    """Change the last byte of a file alone, of which other folders may have a hard link."""
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.usefixtures("registry")
async def test_a_restored_folder_that_was_never_started_is_backed_up(tmp_path: Path) -> None:
    backup(tmp_path / "data", tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "restored")
    backup(tmp_path / "restored", tmp_path / "again")
    restore(tmp_path / "again", tmp_path / "twice")
    assert await versions(tmp_path / "twice") == {"1.0.0"}


@pytest.mark.usefixtures("registry")
async def test_a_restore_names_a_changed_archive_and_leaves_it_out(tmp_path: Path) -> None:
    backup(tmp_path / "data", tmp_path / "backup")
    damage(archive_of(tmp_path / "backup"))
    restored = restore(tmp_path / "backup", tmp_path / "restored")
    assert restored.damaged == ("acme/greet:1.0.0: the archive in the backup has another digest.",)
    assert not archive_of(tmp_path / "restored").exists()


@pytest.mark.usefixtures("registry")
async def test_a_restore_names_a_missing_archive(tmp_path: Path) -> None:
    backup(tmp_path / "data", tmp_path / "backup")
    archive_of(tmp_path / "backup").unlink()
    restored = restore(tmp_path / "backup", tmp_path / "restored")
    assert restored.damaged == ("acme/greet:1.0.0: its archive is missing in the backup.",)


@pytest.mark.usefixtures("registry")
async def test_a_restore_that_checks_nothing_copies_every_archive(tmp_path: Path) -> None:
    backup(tmp_path / "data", tmp_path / "backup")
    damage(archive_of(tmp_path / "backup"))
    restored = restore(tmp_path / "backup", tmp_path / "restored", ArchiveChecks.NONE)
    assert restored == Restored(archives=1, has_newer_list=False, last_event=1)
    assert archive_of(tmp_path / "restored").exists()


async def test_a_restore_reports_how_far_it_is(registry: EmbeddedStores, tmp_path: Path) -> None:
    for number in range(ARCHIVES_PER_REPORT):
        content = f"archive {number}".encode()
        name = ArchiveName(Digest.of(content), GREET.at(Version.parse("1.0.0")), "any")
        await registry.archives.put(name, content, ArchiveContainer.PUBLIC)
    backup(tmp_path / "data", tmp_path / "backup")
    told = list[str]()
    restore(tmp_path / "backup", tmp_path / "restored", report=told.append)
    assert told == ["Checked 500 of 501 archives."]


@pytest.mark.usefixtures("registry")
async def test_a_restore_works_over_a_folder_that_lost_its_database(tmp_path: Path) -> None:
    backup(tmp_path / "data", tmp_path / "backup")
    lost = DataFolder(tmp_path / "lost")
    shutil.copytree(tmp_path / "data", lost.root)
    lost.database.write_bytes(b"")
    lost.database.with_name("ballroom.db-wal").write_bytes(b"of the lost database")
    damage(archive_of(lost.root))
    newer = lost.archives.content / "ab" / "cd" / ("abcd" + "0" * 60)
    newer.parent.mkdir(parents=True)
    newer.write_bytes(b"pushed after the backup")
    (lost.snapshots / "20261120T020500123Z").mkdir(parents=True)
    restored = restore(tmp_path / "backup", lost.root)
    assert restored.damaged == ()
    assert await versions(lost.root) == {"1.0.0"}
    assert newer.exists()
    assert (lost.snapshots / "20261120T020500123Z").is_dir()
    assert lost.database.with_name("ballroom.db-wal.before-restore").exists()


@pytest.mark.parametrize("content", [b"", None])
@pytest.mark.usefixtures("registry")
async def test_a_backup_whose_database_is_empty_is_refused(
    content: bytes | None, tmp_path: Path
) -> None:
    backup(tmp_path / "data", tmp_path / "backup")
    database = DataFolder(tmp_path / "backup").database
    database.unlink()
    if content is not None:
        database.write_bytes(content)
    with pytest.raises(FolderUnusable, match="holds no registry or no whole backup"):
        restore(tmp_path / "backup", tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize("place", [0.5, 0.9])
@pytest.mark.usefixtures("registry")
async def test_a_cut_database_is_named_and_nothing_is_left(place: float, tmp_path: Path) -> None:
    backup(tmp_path / "data", tmp_path / "backup")
    database = DataFolder(tmp_path / "backup").database
    content = database.read_bytes()
    database.write_bytes(content[: int(len(content) * place)])
    for copy in (backup, restore):
        with pytest.raises(FolderUnusable, match=rf"^{database} is damaged: .* older backup"):
            copy(tmp_path / "backup", tmp_path / "copy")
    names = ["backup", "backup.revocations.jsonl", "data"]
    assert sorted(each.name for each in tmp_path.iterdir()) == names


@pytest.mark.slow
@pytest.mark.usefixtures("registry")
async def test_a_database_that_another_process_writes_for_long_is_not_damaged(
    tmp_path: Path,
) -> None:
    """As one that is written anew, because people were forgotten."""
    database = DataFolder(tmp_path / "data").database
    with closing(sqlite3.connect(database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(FolderUnusable, match=f"^Another process uses {database}: .* again in"):
            backup(tmp_path / "data", tmp_path / "backup")
    backup(tmp_path / "data", tmp_path / "backup")


@pytest.mark.usefixtures("registry")
async def test_a_damaged_page_is_found_before_anything_is_in_place(tmp_path: Path) -> None:
    backup(tmp_path / "data", tmp_path / "backup")
    database = DataFolder(tmp_path / "backup").database
    content = database.read_bytes()
    middle = len(content) // 2 // 4096 * 4096
    database.write_bytes(content[:middle] + b"\xff" * 4096 + content[middle + 4096 :])
    with pytest.raises(FolderUnusable, match="is damaged"):
        restore(tmp_path / "backup", tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


@pytest.mark.usefixtures("registry")
async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderUnusable, match=rf"^{tmp_path}/file.* cannot be read or written: Not"):
        backup(tmp_path / "data", tmp_path / "file" / "backup")


@pytest.mark.usefixtures("registry")
async def test_what_a_killed_backup_left_is_made_anew(tmp_path: Path) -> None:
    left = DataFolder(tmp_path / "backup.partial")
    left.archives.root.mkdir(parents=True)
    left.root.joinpath("copy.lock").touch()
    backup(tmp_path / "data", tmp_path / "backup")
    assert not left.root.exists()
    assert await versions(tmp_path / "backup") == {"1.0.0"}


@pytest.mark.usefixtures("registry")
async def test_a_folder_of_somebody_else_is_not_taken_for_a_killed_backup(tmp_path: Path) -> None:
    (tmp_path / "backup.partial").mkdir()
    (tmp_path / "backup.partial" / "notes.txt").touch()
    with pytest.raises(FolderUnusable, match="is in the way"):
        backup(tmp_path / "data", tmp_path / "backup")
    assert (tmp_path / "backup.partial" / "notes.txt").exists()


@pytest.mark.usefixtures("registry")
async def test_a_copy_that_another_process_makes_is_not_touched(tmp_path: Path) -> None:
    left = DataFolder(tmp_path / "backup.partial")
    left.root.mkdir()
    with (
        hold_file_lock(left.root / "copy.lock"),
        pytest.raises(FolderUnusable, match="Another process is at work"),
    ):
        backup(tmp_path / "data", tmp_path / "backup")
    assert left.root.exists()


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("other_disk", [False, True])
async def test_a_copy_is_on_the_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, other_disk: bool
) -> None:
    synced = set[tuple[int, int]]()
    in_place = list[set[tuple[int, int]]]()
    fsync = os.fsync

    def note(descriptor: int) -> None:
        fsync(descriptor)
        synced.add(identity(os.fstat(descriptor)))

    def put(made: Path, target: Path) -> None:
        put_folder_in_place(made, target)
        in_place.append(set(synced))
        synced.clear()

    with another_disk(tmp_path) if other_disk else nullcontext(tmp_path) as disk:
        monkeypatch.setattr(os, "fsync", note)
        monkeypatch.setattr("shared.adapters.folder_copies.put_folder_in_place", put)
        backup(tmp_path / "data", disk / "new" / "copy")
        copy = disk / "new" / "copy"
        [before_its_name] = in_place
        made = [copy, *(copy / "archives").rglob("*"), *(copy / "keys").rglob("*")]
        assert archive_of(copy) in made
        linked = [each for each in made if each.is_file() and each.stat().st_nlink > 1]
        assert bool(linked) is not other_disk
        for each in set(made) - set(linked):
            assert identity(each.stat()) in before_its_name, each
        for folder in (copy.parent, copy.parent.parent):
            assert identity(folder.stat()) in synced, folder


def identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


@pytest.mark.usefixtures("registry")
async def test_a_restore_that_fails_leaves_no_mark_in_a_folder_that_lost_its_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(tmp_path / "data", tmp_path / "copy")
    lost = DataFolder(tmp_path / "lost")
    shutil.copytree(tmp_path / "data" / "archives", lost.archives.root)

    def fails(_file: Path, _source: DataFolder, _place: DataFolder) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("shared.adapters.backup._copy_archive", fails)
        with pytest.raises(FolderUnusable, match="is full"):
            restore(tmp_path / "copy", lost.root)
    assert half_restored(lost.root) is None
    assert archive_of(lost.root).exists()
    restore(tmp_path / "copy", lost.root)
    assert await versions(lost.root) == {"1.0.0"}


@pytest.mark.usefixtures("registry")
async def test_a_restore_touches_nothing_of_one_that_another_process_makes(tmp_path: Path) -> None:
    backup(tmp_path / "data", tmp_path / "copy")
    lost = DataFolder(tmp_path / "lost")
    shutil.copytree(tmp_path / "data" / "keys", lost.keys)
    records = partial_path(lost.database)
    records.write_bytes(b"being copied")
    with (
        hold_file_lock(lost.root / "copy.lock"),
        pytest.raises(FolderUnusable, match="Another process is at work"),
    ):
        restore(tmp_path / "copy", lost.root)
    assert records.exists()
    assert half_restored(lost.root) == lost.root


def test_a_killed_restore_is_found_also_where_the_data_folder_is_a_link(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    left = disk / "data.partial"
    (disk / "data").mkdir(parents=True)
    left.mkdir()
    (left / "copy.lock").touch()
    (tmp_path / "link").symlink_to(disk / "data")
    assert half_restored(tmp_path / "link") == left


@pytest.mark.usefixtures("registry")
async def test_a_restore_of_a_backup_with_any_name_is_known_until_its_list_is_applied(
    tmp_path: Path,
) -> None:
    source = tmp_path / os.fsdecode(b"copy \xe9 \xc3\xa9")
    backup(tmp_path / "data", source)
    restore(source, tmp_path / "restored")
    assert unapplied_restore(tmp_path / "restored") == source


@pytest.mark.usefixtures("registry")
async def test_a_restore_reports_a_list_of_revocations_that_cannot_be_read_and_goes_on(
    tmp_path: Path,
) -> None:
    backup(tmp_path / "data", tmp_path / "copy")
    DataFolder(tmp_path / "data").revocations.unlink(missing_ok=True)
    unreadable = tmp_path / "other.revocations.jsonl"
    unreadable.mkdir()
    reported = list[str]()
    restored_to = tmp_path / "elsewhere" / "restored"
    restored = restore(tmp_path / "copy", restored_to, report=reported.append)
    assert await versions(restored_to) == {"1.0.0"}
    assert reported == [f"The list of revocations {unreadable} cannot be read: Is a directory."]
    assert not restored.has_newer_list


@pytest.mark.usefixtures("registry")
async def test_a_backup_names_the_list_of_revocations_that_it_cannot_read(tmp_path: Path) -> None:
    DataFolder(tmp_path / "data").revocations.mkdir()
    with pytest.raises(FolderUnusable, match=r"^\S+/data/revocations.jsonl cannot be read"):
        backup(tmp_path / "data", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


async def test_the_log_of_a_restored_registry_is_whole_and_waits_for_its_operator(
    registry: EmbeddedStores, tmp_path: Path
) -> None:
    await registry.directory.add(LogState(origin=ORIGIN))
    await registry.log_files.write_once("log/tile/0/000.p/1", b"published")
    backup(tmp_path / "data", tmp_path / "copy")
    restore(tmp_path / "copy", tmp_path / "new")
    stores = open_embedded(tmp_path / "new", FakeClock())
    assert await stores.log_files.read("log/tile/0/000.p/1") == b"published"
    state = await stores.directory.get(LogState, PLACE_OF_STATE)
    stores.close()
    assert state is not None
    assert state.stopped.startswith("the registry was restored from a backup")


async def test_a_restore_keeps_the_newer_files_of_the_log(
    registry: EmbeddedStores, tmp_path: Path
) -> None:
    await registry.log_files.write_once("log/tile/0/000.p/1", b"published")
    backup(tmp_path / "data", tmp_path / "copy")
    await registry.log_files.write_once("log/tile/0/000.p/2", b"published later")
    registry.close()
    for file in (tmp_path / "data").glob("ballroom.db*"):
        file.unlink()
    restore(tmp_path / "copy", tmp_path / "data")
    stores = open_embedded(tmp_path / "data", FakeClock())
    assert await stores.log_files.read("log/tile/0/000.p/2") == b"published later"
    stores.close()


async def test_a_restore_that_was_killed_leaves_no_part_of_a_log_that_counts_as_the_log(
    registry: EmbeddedStores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("log/tile/0/000", "log/tile/0/001.p/1"):
        await registry.log_files.write_once(path, b"published")
    backup(tmp_path / "data", tmp_path / "copy")
    lost = DataFolder(tmp_path / "lost")
    shutil.copytree(tmp_path / "data" / "keys", lost.keys)
    copied = list[Path]()

    def killed(_file: Path, folder: Path) -> None:
        if copied:
            raise KeyboardInterrupt
        copied.append(folder)
        folder.write_bytes(b"published")

    with monkeypatch.context() as patched:
        patched.setattr("shared.adapters.backup._copy_archive", lambda *_: None)
        patched.setattr("shared.adapters.backup._link_or_copy", killed)
        with pytest.raises(KeyboardInterrupt):
            restore(tmp_path / "copy", lost.root)
    assert copied
    restore(tmp_path / "copy", lost.root)
    for path in ("log/tile/0/000", "log/tile/0/001.p/1"):
        assert lost.log.file(path).read_bytes() == b"published"


async def test_nothing_is_published_while_the_log_is_copied(
    registry: EmbeddedStores, tmp_path: Path
) -> None:
    await registry.log_files.write_once("log/tile/0/000.p/255", b"published")
    log = DataFolder(tmp_path / "data").log
    place = DataFolder(tmp_path / "copy.partial")
    with hold_file_lock(log.lock):
        copying = asyncio.create_task(
            asyncio.to_thread(backup, tmp_path / "data", tmp_path / "copy")
        )
        last_before = place.keys / "link.key"
        await eventually_in_tasks(lambda: last_before.exists() or copying.done())
        await asyncio.wait([copying], timeout=0.2)  # It waits for the lock.
        assert not copying.done()
        log.file("log/tile/0/000").write_bytes(b"full")
        shutil.rmtree(log.file("log/tile/0/000.p"))
    await copying
    assert DataFolder(tmp_path / "copy").log.file("log/tile/0/000").read_bytes() == b"full"


OLD = "2025-11-20T10:00:00Z private OLD\n"
NEW = "2026-11-20T10:00:00Z private NEW\n"


@pytest.mark.parametrize(
    ("in_backup", "in_folder", "restored"),
    [
        pytest.param(OLD, NEW + OLD, NEW + OLD, id="rotated after the backup"),
        pytest.param(
            OLD,
            NEW + OLD.replace("private", "public"),
            NEW + OLD.replace("private", "public"),
            id="rotated twice",
        ),
        pytest.param(OLD, NEW, NEW + OLD, id="a start made another key"),
        pytest.param(OLD, None, OLD, id="the keys are lost as well"),
    ],
)
@pytest.mark.parametrize("name", ["release-keys", "log-keys", "witness-keys"])
@pytest.mark.usefixtures("registry")
async def test_a_restore_over_a_folder_that_lost_its_database_keeps_all_keys(
    name: str, in_backup: str, in_folder: str | None, restored: str, tmp_path: Path
) -> None:
    data = DataFolder(tmp_path / "data")
    (data.keys / name).write_text(in_backup)
    backup(data.root, tmp_path / "copy")
    lost = DataFolder(tmp_path / "lost")
    lost.keys.mkdir(parents=True, mode=0o700)
    (lost.keys / "link.key").write_text("secret")
    if in_folder:
        (lost.keys / name).write_text(in_folder)
    restore(tmp_path / "copy", lost.root)
    assert (lost.keys / name).read_text() == restored
