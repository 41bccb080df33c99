"""Upgrades that are killed at any step, from every schema: the database is whole, and the backup
from before the upgrade stays."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from shared.adapters.backup import restore
from shared.adapters.data_folder import DataFolder
from shared.adapters.sqlite.connections import schema_version
from shared.adapters.sqlite.database import MIGRATIONS, Database
from shared.bootstrap.migration import migrate
from shared.settings import Settings
from tests.crash.killed_statements import killed_before
from tests.crash.recovery import explained

KNOWN = len(MIGRATIONS)
SCHEMAS = range(1, KNOWN)
COMMIT = "COMMIT"
EVENT = '{"id":"e1","kind":"x","at_ms":1,"actor":"a","subject":"acme/greet:1.0.0","details":{}}'

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked and killed")


def registry_of(data: Path, schema: int) -> None:
    """Create a registry as it was with this schema, with an event."""
    Database(DataFolder(data).database, MIGRATIONS[:schema]).migrate()
    with closing(sqlite3.connect(DataFolder(data).database)) as records, records:
        records.execute("INSERT INTO events (id, body) VALUES ('e1', ?)", (EVENT,))


def schema_of(data: Path) -> int:
    with closing(sqlite3.connect(DataFolder(data).database)) as records:
        assert records.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert records.execute("SELECT id FROM events").fetchall() == [("e1",)]
        return schema_version(records)


def migrate_until(data: Path, statement: str) -> None:
    """Upgrade the folder in a process that is killed when it is about to run the statement."""
    assert killed_before(lambda run: run == statement, lambda: migrate(Settings(data=data)))


@pytest.mark.parametrize("schema", SCHEMAS)
def test_an_upgrade_that_is_killed_at_any_step_is_repeated_and_keeps_its_way_back(
    schema: int, tmp_path: Path
) -> None:
    steps = [step[0] for step in MIGRATIONS[schema:]]
    for number, statement in enumerate([*steps, f"PRAGMA user_version = {KNOWN}", COMMIT]):
        data = tmp_path / str(number)
        with explained(f"killed at {statement}"):
            registry_of(data, schema)
            migrate_until(data, statement)
            assert schema_of(data) == schema
            migrate(Settings(data=data))
            assert schema_of(data) == KNOWN
            [copy] = DataFolder(data).upgrades.iterdir()
            assert copy.name.endswith(f"-schema-{schema}")
            restore(copy, tmp_path / f"restored {number}")
            assert schema_of(tmp_path / f"restored {number}") == schema
