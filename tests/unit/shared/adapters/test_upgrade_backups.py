"""The upgrade of a data folder: backed up before its schema changes, whatever interrupts it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from shared.adapters.data_folder import DataFolder
from shared.adapters.embedded import open_embedded
from shared.adapters.sqlite.connections import SchemaMismatch
from shared.adapters.sqlite.database import MIGRATIONS
from shared.adapters.system import SystemClock
from shared.adapters.upgrade_backups import upgrading

KNOWN = len(MIGRATIONS)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a registry whose schema is one of yesterday."""
    folder = tmp_path / "data"
    migrate(folder)
    set_schema(folder, KNOWN - 1)
    return folder


def migrate(data: Path) -> None:
    embedded = open_embedded(data, SystemClock())
    embedded.migrate()
    embedded.close()


def set_schema(data: Path, number: int) -> None:
    with closing(sqlite3.connect(DataFolder(data).database)) as connection:
        connection.execute(f"PRAGMA user_version = {number}")


def schema_of(data: Path) -> int:
    with closing(sqlite3.connect(DataFolder(data).database)) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


def backups(data: Path) -> list[Path]:
    folder = DataFolder(data).upgrades
    return sorted(folder.iterdir()) if folder.exists() else []


def test_an_upgrade_is_backed_up_and_reported(data: Path) -> None:
    told: list[str] = []
    with upgrading(data, told.append, keeps_backup=True):
        set_schema(data, KNOWN)
    [copy] = backups(data)
    assert schema_of(copy) == KNOWN - 1
    assert [each.split()[0] for each in told] == ["Backed", "Upgraded"]
    assert str(copy) in told[0]
    assert f"from schema {KNOWN - 1} to {KNOWN}" in told[1]


def test_a_new_and_a_current_folder_are_not_backed_up(tmp_path: Path) -> None:
    told: list[str] = []
    with upgrading(tmp_path / "new", told.append, keeps_backup=True):
        migrate(tmp_path / "new")
    with upgrading(tmp_path / "new", told.append, keeps_backup=True):
        pass
    assert (told, backups(tmp_path / "new")) == ([], [])


def test_without_the_setting_the_upgrade_is_only_reported(data: Path) -> None:
    told: list[str] = []
    with upgrading(data, told.append, keeps_backup=False):
        pass
    assert [each.split()[0] for each in told] == ["Upgraded"]
    assert backups(data) == []


def test_an_interrupted_backup_is_made_anew(data: Path) -> None:
    with upgrading(data, lambda _: None, keeps_backup=True):
        pass  # The upgrade failed: the schema stays.
    [copy] = backups(data)
    DataFolder(copy).database.unlink()
    (copy / "half").touch()
    with upgrading(data, lambda _: None, keeps_backup=True):
        pass
    assert not (copy / "half").exists()
    assert schema_of(copy) == KNOWN - 1


def test_a_repeated_upgrade_keeps_its_first_backup(data: Path) -> None:
    with upgrading(data, lambda _: None, keeps_backup=True):
        pass
    [copy] = backups(data)
    (copy / "mark").touch()
    with upgrading(data, lambda _: None, keeps_backup=True):
        pass
    assert (copy / "mark").exists()


def test_a_backup_is_made_anew_if_the_version_before_served_after_a_failed_upgrade(
    data: Path,
) -> None:
    with pytest.raises(KeyboardInterrupt), upgrading(data, lambda _: None, keeps_backup=True):
        raise KeyboardInterrupt
    with closing(sqlite3.connect(DataFolder(data).database)) as connection, connection:
        connection.execute("INSERT INTO events (id, body) VALUES ('e1', '{}')")
    with upgrading(data, lambda _: None, keeps_backup=True):
        set_schema(data, KNOWN)
    [copy] = backups(data)
    with closing(sqlite3.connect(DataFolder(copy).database)) as connection:
        assert connection.execute("SELECT id FROM events").fetchall() == [("e1",)]


def test_the_backup_of_the_upgrade_before_is_deleted(data: Path) -> None:
    earlier = DataFolder(data).upgrades / "before-0.1.0-schema-3"
    earlier.mkdir(parents=True)
    with upgrading(data, lambda _: None, keeps_backup=True):
        pass
    assert earlier not in backups(data)
    assert len(backups(data)) == 1


def test_an_older_program_says_how_to_go_back(data: Path) -> None:
    set_schema(data, KNOWN + 1)
    with pytest.raises(SchemaMismatch, match="restore the backup from before its upgrade"):
        migrate(data)


def test_the_backup_of_an_upgrade_that_did_not_end_stays_until_one_has_ended(data: Path) -> None:
    earlier = DataFolder(data).upgrades / "before-0.1.0-schema-3"
    earlier.mkdir(parents=True)
    with pytest.raises(KeyboardInterrupt), upgrading(data, lambda _: None, keeps_backup=True):
        raise KeyboardInterrupt
    assert earlier in backups(data)
    assert len(backups(data)) == 2
