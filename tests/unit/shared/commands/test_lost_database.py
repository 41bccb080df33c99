"""A folder with parts of a registry, and without its database: no start makes it an empty one."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from shared.adapters.data_folder import DataFolder
from shared.adapters.embedded import FolderUnprepared
from shared.domain.snapshots import RESTORE_UNFINISHED
from shared.localhost import application, main, prepare_data_folder
from shared.runtime.file_replacement import partial_path
from shared.runtime.private_files import make_private_folder
from shared.settings import Settings
from tests.support.processes import free_port
from tests.support.terminal import Terminal
from tests.unit.shared.commands.test_doctor import findings


def missing(folder: DataFolder) -> None:
    for file in folder.root.glob("ballroom.db*"):
        file.unlink()


def empty(folder: DataFolder) -> None:
    missing(folder)
    folder.database.touch(mode=0o600)


def without_tables(folder: DataFolder) -> None:
    missing(folder)
    with closing(sqlite3.connect(folder.database)) as database:
        database.execute("PRAGMA journal_mode = WAL")
    folder.database.chmod(0o600)


def without_records(folder: DataFolder) -> None:
    with closing(sqlite3.connect(folder.database)) as database, database:
        database.execute("DELETE FROM heads")
        database.execute("DELETE FROM event_streams")
        database.execute("DELETE FROM events")
        database.execute("DELETE FROM entities")


Loss = Callable[[DataFolder], None]
LOSSES: dict[Loss, str] = {
    missing: "is missing",
    empty: "is empty",
    without_tables: "is empty",
    without_records: "has no record",
}


def start(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that a start is refused with."""
    monkeypatch.setenv("BALLROOM_DATA", str(data))
    monkeypatch.setenv("PORT", str(free_port()))
    monkeypatch.setenv("BALLROOM_COMMAND", "ballroom")  # As messages spell it.
    assert main([]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    [line] = said.err.splitlines()
    return line


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_a_start_is_refused_and_doctor_does_not_advise_one(
    published: Terminal,
    loss: Loss,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    published.run("snapshot", "take")
    [snapshot] = DataFolder(published.data).snapshots.iterdir()
    loss(DataFolder(published.data))
    found = (
        f"{published.data} has archives, keys and snapshots, but its database ballroom.db "
        f"{LOSSES[loss]}."
    )
    way_out = (
        f"Restore the newest snapshot: ballroom snapshot restore {snapshot.name}; or move the "
        "folder away and restore a backup: ballroom restore DIR. Never start over these parts: "
        "that would be an empty registry."
    )
    before = sorted(published.data.rglob("*"))
    assert start(published.data, monkeypatch, capsys) == f"{found} Nothing was started. {way_out}"
    with pytest.raises(Exception, match="Nothing was started"):
        application()
    assert [each for each in before if not each.exists()] == []
    said = findings(published)
    assert (said["records"]["found"], said["records"]["way_out"]) == (found, way_out)
    assert not any("Start" in each["way_out"] for each in said.values())
    published.run("snapshot", "restore", snapshot.name)
    assert published.run("upkeep", "run", "audit-archives") == (
        "audit-archives: checked 1, changed 0.\n"
    )


def remove(*names: str) -> Loss:
    """Return a loss of everything but these parts."""

    def lose(folder: DataFolder) -> None:
        for each in folder.root.iterdir():
            if each.name not in names:
                shutil.rmtree(each) if each.is_dir() else each.unlink()

    return lose


def a_half_restore(folder: DataFolder) -> None:
    remove()(folder)
    partial_path(folder.database).touch()


@pytest.mark.parametrize(
    ("loss", "parts"),
    [
        (remove("archives"), "archives"),
        (remove("keys"), "keys"),
        (a_half_restore, "an unfinished restore"),
    ],
)
def test_one_part_is_enough_to_refuse_a_start_and_every_command(
    published: Terminal,
    loss: Loss,
    parts: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    loss(DataFolder(published.data))
    refused = start(published.data, monkeypatch, capsys)
    assert refused.startswith(
        f"{published.data} has {parts}, but its database ballroom.db is missing."
    )
    assert "Move the folder away and restore a backup: ballroom restore DIR." in refused
    assert published.fail("token", "list", "ann") == refused


def test_a_first_start_that_was_killed_is_completed(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_records(DataFolder(terminal.data))
    monkeypatch.setenv("BALLROOM_DATA", str(terminal.data))
    assert application()


def test_a_snapshot_that_is_half_restored_is_restored_first(
    published: Terminal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    published.run("snapshot", "take")
    [snapshot] = DataFolder(published.data).snapshots.iterdir()
    missing(DataFolder(published.data))
    published.run("snapshot", "restore", snapshot.name)
    with closing(sqlite3.connect(DataFolder(published.data).database)) as database, database:
        database.execute(
            "INSERT INTO work (kind, key, value, expires_ms) VALUES ('snapshot-restore', ?, ?, ?)",
            (RESTORE_UNFINISHED, snapshot.name, 2**62),
        )
    assert start(published.data, monkeypatch, capsys) == (
        f"The restore of the snapshot {snapshot.name} to {published.data} did not end. Nothing was "
        "started. Repeat it, with the same options: ballroom snapshot restore "
        f"{snapshot.name}"
    )
    published.run("snapshot", "restore", snapshot.name)
    monkeypatch.setenv("BALLROOM_DATA", str(published.data))
    assert application()


def test_an_application_is_refused_until_a_start_has_prepared_its_folder(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALLROOM_DATA", str(empty_folder))
    with pytest.raises(FolderUnprepared, match="Start the registry to create them"):
        application()
    assert list(empty_folder.iterdir()) == []  # Keys alone would refuse the start.
    DataFolder(empty_folder).database.touch()  # As a start that was killed leaves it.
    with pytest.raises(FolderUnprepared):
        application()
    assert list(empty_folder.iterdir()) == [DataFolder(empty_folder).database]
    prepare_data_folder(Settings.load())
    assert application()


@pytest.fixture
def empty_folder(tmp_path: Path) -> Path:
    make_private_folder(tmp_path / "data")
    return tmp_path / "data"
