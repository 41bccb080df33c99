"""The backup of a data folder before an upgrade changes its schema."""

import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import rmtree

from shared.adapters.backup import Report, copy_registry, damage_named, last_event
from shared.adapters.data_folder import DataFolder
from shared.adapters.sqlite.connections import (
    open_to_read,
    schema_version,
    translate_sqlite_errors,
)
from shared.adapters.sqlite.database import MIGRATIONS
from shared.domain.software_version import SOFTWARE_VERSION
from shared.runtime.file_existence import exists
from shared.runtime.private_files import make_private_folder


@contextmanager
def upgrading(data: Path, report: Report, *, keeps_backup: bool) -> Generator[None]:
    """Back up the folder if its schema changes in the block, and report how long both took.

    If the block or the backup fails, or the process is killed, the next start does both again.
    Copies of earlier upgrades are deleted when this one has ended: until then they may be the only
    way back.
    """
    database = DataFolder(data).database
    schema = 0
    if exists(database):
        with translate_sqlite_errors(database), closing(open_to_read(database)) as connection:
            schema = schema_version(connection)
    if not 0 < schema < len(MIGRATIONS):
        yield
        return
    began = time.monotonic()
    copy = _back_up(data, schema) if keeps_backup else None
    if copy is not None:
        report(f"Backed up {data} to {copy} in {time.monotonic() - began:.1f} s.")
    began = time.monotonic()
    yield
    steps = f"from schema {schema} to {len(MIGRATIONS)}"
    report(f"Upgraded {data} {steps} in {time.monotonic() - began:.1f} s.")
    if copy is not None:
        for earlier in set(DataFolder(data).upgrades.iterdir()) - {copy}:
            rmtree(earlier)


def _back_up(data: Path, schema: int) -> Path:
    """Copy a registry of this schema into its data folder, and return where the copy is.

    The copy of an interrupted start stays, unless it is incomplete, or the registry has another
    last event, because the version before served it since.
    """
    folder = DataFolder(data).upgrades
    target = folder / f"before-{SOFTWARE_VERSION}-schema-{schema}"
    if not _has_same_events(DataFolder(target), DataFolder(data)):
        rmtree(target, ignore_errors=True)
        make_private_folder(folder)
        copy_registry(data, target)
    return target


def _has_same_events(copy: DataFolder, original: DataFolder) -> bool:
    """Check whether a copy is complete and has the last event of its registry."""
    if not exists(copy.database):
        return False
    try:
        copied = last_event(copy.database)
    except sqlite3.Error:  # It is damaged.
        return False
    with damage_named(original.database):
        return copied == last_event(original.database)
