"""Backup and restore of a data folder, while the registry runs or is stopped, and the backup before
an upgrade."""

import sqlite3
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from shutil import rmtree

from shared.adapters.filesystem import DataFolder, FolderUnusable, partial_path
from shared.adapters.sqlite.connections import (
    BUSY_TIMEOUT,
    open_to_read,
    open_to_write,
    schema_version,
    transaction,
    translate_sqlite_errors,
)
from shared.adapters.sqlite.database import MIGRATIONS
from shared.domain.status import SOFTWARE_VERSION
from shared.runtime.private_files import (
    close_to_others,
    copy_private,
    make_private_folder,
    open_private,
)

WhileCopying = Callable[[Path, Sequence[sqlite3.Connection]], None]


def backup(data: Path, target: Path) -> None:
    """Copy a registry, running or not, into a folder that is new or empty.

    The copy contains the keys, so it is as secret as the original. Archives are hard links where
    both folders are on one disk: they take no space, and a broken disk loses both.
    """
    _copy(DataFolder(data), DataFolder(target), _begin_reads)


def restore(source: Path, data: Path) -> None:
    """Create a registry from a backup, in a folder that is new or empty."""
    _require_empty(
        data, "Stop the registry and move the folder away, or name another one by BALLROOM_DATA."
    )
    # No process writes to a backup, which may be on a read-only disk: nothing is held.
    _copy(DataFolder(source), DataFolder(data), lambda _records, _databases: None)
    # Of the processes of the original, for which no task has to wait here.
    with closing(sqlite3.connect(DataFolder(data).database)) as connection, connection:
        connection.execute("DELETE FROM leases")


def _require_empty(folder: Path, way_out: str) -> None:
    if folder.exists() and any(folder.iterdir()):
        message = f"{folder} is not empty. {way_out}"
        raise FolderUnusable(message)


def _copy(source: DataFolder, target: DataFolder, hold: WhileCopying) -> None:
    if not source.database.is_file():
        message = f"{source.root} holds no registry or no whole backup: it has no ballroom.db."
        raise FolderUnusable(message)
    _require_empty(target.root, "Name a folder that is, or that does not exist.")
    make_private_folder(target.root)
    with suppress(PermissionError):  # A folder of another user; what it holds is private anyway.
        close_to_others(target.root)
    records = partial_path(target.database)
    with _opened(source) as databases:
        hold(source.database, databases)
        for database, place in zip(databases, (records, target.search), strict=False):
            _copy_database(database, place)
    for file in source.archives.content.glob("*/*/*"):
        place = target.archives.root / file.relative_to(source.archives.root)
        make_private_folder(place.parent)
        with suppress(FileNotFoundError):  # Swept just now, so no record names it.
            _link_or_copy(file, place)
    if source.keys.is_dir():
        make_private_folder(target.keys)
        for key in source.keys.iterdir():
            copy_private(key, target.keys / key.name)
    records.replace(target.database)


@contextmanager
def _opened(source: DataFolder) -> Generator[list[sqlite3.Connection]]:
    """Provide the records and, if there is one, the search index."""
    with ExitStack() as stack:
        files = [file for file in (source.database, source.search) if file.is_file()]
        yield [stack.enter_context(closing(sqlite3.connect(file))) for file in files]


def _begin_reads(records: Path, databases: Sequence[sqlite3.Connection]) -> None:
    """Begin the read of every connection while no process can write, so that all see one state."""
    with (
        translate_sqlite_errors(records),
        closing(open_to_write(records)) as writer,
        transaction(writer, BUSY_TIMEOUT),
    ):
        for database in databases:
            database.execute("BEGIN")
            database.execute("SELECT count(*) FROM sqlite_schema").fetchone()


def _copy_database(original: sqlite3.Connection, target: Path) -> None:
    open_private(target, "xb").close()
    with closing(sqlite3.connect(target)) as copy:
        original.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # One file, which can be moved by itself.


def _link_or_copy(file: Path, place: Path) -> None:
    try:
        place.hardlink_to(file)
        close_to_others(place)
    except OSError:  # Another disk, one without links, or a file of another user.
        place.unlink(missing_ok=True)
        copy_private(file, place)


Report = Callable[[str], None]  # Gets a sentence about a step, when it is done.


def report_nothing(sentence: str) -> None:
    """Report a step to nobody."""


@contextmanager
def upgrading(data: Path, report: Report, *, keeps_backup: bool) -> Generator[None]:
    """Back up the folder if its schema changes in the block, and report how long both took.

    If the block or the backup fails, or the process is killed, the next start does both again.
    Copies of earlier upgrades are deleted when this one has ended: until then they may be the only
    way back.
    """
    database = DataFolder(data).database
    schema = 0
    if database.is_file():
        with translate_sqlite_errors(database), closing(open_to_read(database)) as connection:
            schema = schema_version(connection)
    if not 0 < schema < len(MIGRATIONS):
        yield
        return
    began = time.monotonic()
    copy = back_up_before_upgrade(data, schema) if keeps_backup else None
    if copy is not None:
        report(f"Backed up {data} to {copy} in {time.monotonic() - began:.1f} s.")
    began = time.monotonic()
    yield
    steps = f"from schema {schema} to {len(MIGRATIONS)}"
    report(f"Upgraded {data} {steps} in {time.monotonic() - began:.1f} s.")
    if copy is not None:
        for earlier in set(DataFolder(data).upgrades.iterdir()) - {copy}:
            rmtree(earlier)


def back_up_before_upgrade(data: Path, schema: int) -> Path:
    """Copy a registry of this schema into its data folder, and return where the copy is.

    A copy that an interrupted start left incomplete is made anew.
    """
    folder = DataFolder(data).upgrades
    target = folder / f"before-{SOFTWARE_VERSION}-schema-{schema}"
    if not DataFolder(target).database.is_file():
        rmtree(target, ignore_errors=True)
        make_private_folder(folder)
        backup(data, target)
    return target
