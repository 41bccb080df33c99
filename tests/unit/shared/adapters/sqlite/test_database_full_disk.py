"""A database that is opened on a full disk: read without locks, until there is room."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.sqlite.connections import DatabaseDamaged
from shared.adapters.sqlite.database import ROOM_CHECK_INTERVAL, Database
from shared.domain.errors.requests import StorageFull
from tests.crash.small_disks import MIB, SmallDisk, small_disk
from tests.unit.shared.adapters.sqlite.sample_database import FIRST, adding, notes


@dataclass
class Now:
    """A clock that stands until it is moved."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", MIB) as made:
        yield made


@pytest.fixture
def path(disk: SmallDisk) -> Path:
    """Return a database with one note that no process has open."""
    path = disk.root / "notes.db"
    Database(path, [FIRST]).migrate()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO notes (text) VALUES ('before')")
    return path


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def database(path: Path, disk: SmallDisk, now: Now) -> Iterator[Database]:
    """Return the database, which is opened when the disk is full."""
    disk.fill()
    opened = Database(path, [FIRST], monotonic=now)
    yield opened
    opened.close()


async def test_everything_is_read_and_writes_are_refused(database: Database) -> None:
    assert database.row("SELECT text FROM notes") == ("before",)
    assert database.read(notes) == await database.scan(notes) == ["before"]
    version = database.data_version()
    with pytest.raises(StorageFull):
        await database.write(adding("refused"))
    assert database.read(notes) == ["before"]
    assert database.data_version() == version


async def test_writes_are_accepted_within_a_second_after_there_is_room(
    database: Database, disk: SmallDisk, now: Now
) -> None:
    version = database.data_version()
    with pytest.raises(StorageFull):
        await database.write(adding("refused"))
    disk.free()
    with pytest.raises(StorageFull):
        await database.write(adding("refused"))
    now.seconds += ROOM_CHECK_INTERVAL / timedelta(seconds=1)
    await database.write(adding("after"))
    assert database.read(notes) == await database.scan(notes) == ["before", "after"]
    assert database.data_version() != version


async def test_what_another_process_writes_as_soon_as_there_is_room_is_read(
    database: Database, path: Path, disk: SmallDisk
) -> None:
    assert database.read(notes) == ["before"]
    disk.free()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("INSERT INTO notes (text) VALUES ('after')")
        other.commit()
        assert database.read(notes) == ["before", "after"]


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("is_torn", [False, True])
async def test_a_scan_during_which_another_process_writes_is_repeated(
    database: Database, path: Path, disk: SmallDisk, is_closed: bool, is_torn: bool
) -> None:
    other = sqlite3.connect(path, check_same_thread=False)

    def scan(connection: sqlite3.Connection) -> list[str]:
        if disk.ballast.exists():
            disk.free()
            other.execute("INSERT INTO notes (text) VALUES ('after')")
            other.commit()
            if is_closed:  # With the last connection the log moves into the file.
                other.close()
            if is_torn:
                raise sqlite3.DatabaseError
            return ["as it was before"]
        return notes(connection)

    assert await database.scan(scan) == ["before", "after"]
    other.close()


async def test_a_scan_of_a_damaged_file_is_not_repeated(database: Database) -> None:
    def scan(_connection: sqlite3.Connection) -> None:
        raise sqlite3.DatabaseError

    with pytest.raises(DatabaseDamaged):
        await database.scan(scan)


def test_a_log_that_cannot_be_read_without_room_is_not_left_out(
    path: Path, disk: SmallDisk
) -> None:
    log = path.with_name("notes.db-wal")
    log.write_bytes(b"changes that are not in the file")
    disk.fill()
    with pytest.raises(StorageFull):
        Database(path, [FIRST]).row("SELECT text FROM notes")
