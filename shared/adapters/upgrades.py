"""The upgrade of a data folder that an earlier version wrote: a backup, then the new schema."""

import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import rmtree

from shared.adapters.backup import backup
from shared.adapters.paths import DataFolder
from shared.adapters.sqlite.connections import (
    open_to_read,
    schema_version,
    translate_sqlite_errors,
)
from shared.adapters.sqlite.migrations import MIGRATIONS
from shared.domain.status import SOFTWARE_VERSION
from shared.runtime.private_files import make_private_folder

Report = Callable[[str], None]  # Gets a sentence about a step, when it is done.


def report_nothing(sentence: str) -> None:
    """Report a step to nobody."""


@contextmanager
def upgrading(data: Path, report: Report, *, keeps_backup: bool) -> Generator[None]:
    """Back up the folder if its schema changes in the block, and report how long both took.

    If the block or the backup fails, or the process is killed, the next start does both again.
    """
    database = DataFolder(data).database
    schema = _stored_schema(database) if database.is_file() else 0
    if not 0 < schema < len(MIGRATIONS):
        yield
        return
    began = time.monotonic()
    if keeps_backup:
        copy = back_up_before_upgrade(data, schema)
        report(f"Backed up {data} to {copy} in {time.monotonic() - began:.1f} s.")
    began = time.monotonic()
    yield
    steps = f"from schema {schema} to {len(MIGRATIONS)}"
    report(f"Upgraded {data} {steps} in {time.monotonic() - began:.1f} s.")


def back_up_before_upgrade(data: Path, schema: int) -> Path:
    """Copy a registry of this schema into its data folder, and return where the copy is.

    A copy that an interrupted start left is made anew. Copies of earlier upgrades are deleted when
    this one is complete.
    """
    folder = DataFolder(data).upgrades
    target = folder / f"before-{SOFTWARE_VERSION}-schema-{schema}"
    if not DataFolder(target).database.is_file():
        rmtree(target, ignore_errors=True)
        make_private_folder(folder)
        backup(data, target)
    for earlier in set(folder.iterdir()) - {target}:
        rmtree(earlier)
    return target


def _stored_schema(database: Path) -> int:
    with translate_sqlite_errors(database), closing(open_to_read(database)) as connection:
        return schema_version(connection)
