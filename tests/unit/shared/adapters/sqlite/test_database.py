"""The SQLite database: opening it, its migrations, reading, and writing."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.sqlite.connections import DatabaseDamaged, DatabaseMissing, SchemaMismatch
from shared.adapters.sqlite.database import ROOM_CHECK_INTERVAL, Database
from shared.domain.errors.requests import StorageFull
from tests.crash.small_disks import MIB, SmallDisk, small_disk
from tests.unit.shared.adapters.sqlite.sample_database import FIRST, SECOND, adding, notes, schema

IMPATIENT = timedelta(0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the database is to be."""
    return tmp_path / "data" / "notes.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    """Return a database of notes."""
    opened = Database(path, [FIRST], patience=IMPATIENT)
    opened.migrate()
    yield opened
    opened.close()


# --- editions ----------------------------------------------------------------------------------


async def test_a_write_by_another_program_changes_the_data_version_within_a_second(
    path: Path,
) -> None:
    now = [100.0]
    with closing(Database(path, [FIRST], monotonic=lambda: now[0])) as database:
        database.migrate()
        before = database.data_version()
        with closing(sqlite3.connect(path)) as connection, connection:
            adding("theirs")(connection)
        now[0] += 1
        assert database.data_version() != before


# --- migrations --------------------------------------------------------------------------------


def test_a_database_is_brought_up_to_date_with_what_it_holds(path: Path) -> None:
    Database(path, [FIRST]).migrate()
    with closing(sqlite3.connect(path)) as connection, connection:
        adding("kept")(connection)
    for _ in range(2):
        Database(path, [FIRST, SECOND]).migrate()
    assert schema(path) == (2, {"notes", "other"})
    with closing(sqlite3.connect(path)) as connection:
        assert notes(connection) == ["kept"]


def test_a_migration_that_fails_leaves_the_schema_as_it_was(path: Path) -> None:
    Database(path, [FIRST]).migrate()
    with pytest.raises(DatabaseDamaged, match="syntax error"):
        Database(path, [FIRST, ("CREATE TABLE other (id)", "CREATE nonsense")]).migrate()
    assert schema(path) == (1, {"notes"})


def test_a_database_of_a_newer_program_is_refused_with_the_way_out(path: Path) -> None:
    Database(path, [FIRST, SECOND]).migrate()
    with pytest.raises(
        SchemaMismatch, match=r"has schema 2, and this Ballroom needs 1\. Install the"
    ):
        Database(path, [FIRST]).migrate()
    assert schema(path) == (2, {"notes", "other"})


def test_a_worker_refuses_a_database_that_was_not_brought_up_to_date(path: Path) -> None:
    Database(path, [FIRST]).migrate()
    with pytest.raises(SchemaMismatch, match=r"has schema 1, and this Ballroom needs 2\. Restart"):
        Database(path, [FIRST, SECOND]).read(notes)


def test_a_worker_never_creates_a_database(path: Path) -> None:
    with pytest.raises(DatabaseMissing, match=r"does not exist\. Start the registry"):
        Database(path, [FIRST]).read(notes)
    assert not path.exists()


def test_a_file_that_is_no_database_is_refused_with_its_name(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 1_000)
    with pytest.raises(DatabaseDamaged, match=r"notes\.db answers: file is not a database"):
        Database(path, [FIRST]).migrate()


# --- reading and writing -----------------------------------------------------------------------


async def test_a_closed_database_opens_again_when_it_is_used(database: Database) -> None:
    await database.write(adding("one"))
    await database.scan(notes)
    database.close()
    database.close()
    assert await database.scan(notes) == database.read(notes) == ["one"]


# --- full, busy, damaged, forked ---------------------------------------------------------------


async def test_a_write_waits_for_those_of_other_processes(path: Path) -> None:
    database = Database(path, [FIRST], patience=timedelta(seconds=60))
    database.migrate()
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO notes (text) VALUES ('other')")
        waiting = asyncio.create_task(database.write(adding("one")))
        await asyncio.wait([waiting], timeout=0.1)
        assert not waiting.done()
        other.execute("COMMIT")
        assert await waiting == 2
    database.close()


async def test_a_damaged_file_is_named_with_the_way_out(database: Database, path: Path) -> None:
    await database.write(adding("x" * 100_000))
    database.close()
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(DatabaseDamaged, match=r"notes\.db answers: .* restore a backup"):
        database.read(notes)


# --- without room for the index of the log ----------------------------------------------------


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
def crowded_path(disk: SmallDisk) -> Path:
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
def crowded(crowded_path: Path, disk: SmallDisk, now: Now) -> Iterator[Database]:
    """Return the database, which is opened when the disk is full."""
    disk.fill()
    opened = Database(crowded_path, [FIRST], monotonic=now)
    yield opened
    opened.close()


async def test_without_room_everything_is_read_and_writes_are_refused(crowded: Database) -> None:
    assert crowded.row("SELECT text FROM notes") == ("before",)
    assert crowded.read(notes) == await crowded.scan(notes) == ["before"]
    version = crowded.data_version()
    with pytest.raises(StorageFull):
        await crowded.write(adding("refused"))
    assert crowded.read(notes) == ["before"]
    assert crowded.data_version() == version


async def test_writes_are_accepted_within_a_second_after_there_is_room(
    crowded: Database, disk: SmallDisk, now: Now
) -> None:
    version = crowded.data_version()
    with pytest.raises(StorageFull):
        await crowded.write(adding("refused"))
    disk.free()
    with pytest.raises(StorageFull):
        await crowded.write(adding("refused"))
    now.seconds += ROOM_CHECK_INTERVAL / timedelta(seconds=1)
    await crowded.write(adding("after"))
    assert crowded.read(notes) == await crowded.scan(notes) == ["before", "after"]
    assert crowded.data_version() != version


async def test_what_another_process_writes_as_soon_as_there_is_room_is_read(
    crowded: Database, crowded_path: Path, disk: SmallDisk
) -> None:
    assert crowded.read(notes) == ["before"]
    disk.free()
    with closing(sqlite3.connect(crowded_path)) as other, other:
        other.execute("INSERT INTO notes (text) VALUES ('after')")
        other.commit()
        assert crowded.read(notes) == ["before", "after"]


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("is_torn", [False, True])
async def test_a_scan_during_which_another_process_writes_is_repeated(
    crowded: Database, crowded_path: Path, disk: SmallDisk, is_closed: bool, is_torn: bool
) -> None:
    other = sqlite3.connect(crowded_path, check_same_thread=False)

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

    assert await crowded.scan(scan) == ["before", "after"]
    other.close()


async def test_a_scan_of_a_damaged_file_is_not_repeated(crowded: Database) -> None:
    def scan(_connection: sqlite3.Connection) -> None:
        raise sqlite3.DatabaseError

    with pytest.raises(DatabaseDamaged):
        await crowded.scan(scan)


def test_a_log_that_cannot_be_read_without_room_is_not_left_out(
    crowded_path: Path, disk: SmallDisk
) -> None:
    log = crowded_path.with_name("notes.db-wal")
    log.write_bytes(b"changes that are not in the file")
    disk.fill()
    with pytest.raises(StorageFull):
        Database(crowded_path, [FIRST]).row("SELECT text FROM notes")
