"""The SQLite database: opening it, its migrations, reading, and writing."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.sqlite.connections import DatabaseDamaged, DatabaseMissing, SchemaMismatch
from shared.adapters.sqlite.database import Database
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
        await asyncio.sleep(0)
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
