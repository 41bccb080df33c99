"""The stores of one machine: opening them over a data folder, and checking that folder."""

import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from shared.adapters.filesystem import DataFolder, FileArchives, FilePieces
from shared.adapters.sqlite.connections import (
    SEARCH_WAY_OUT,
    database_error,
    open_to_read,
    schema_version,
)
from shared.adapters.sqlite.database import MIGRATIONS, Database, SqliteDocuments
from shared.adapters.sqlite.directory import SqliteDirectory, SqliteEvents, SqliteWork
from shared.adapters.sqlite.metadata import SqliteMetadata
from shared.adapters.sqlite.pull_ledger import SqlitePulls
from shared.domain.errors.requests import StorageFull
from shared.domain.times import MS
from shared.ports import Clock
from shared.runtime.private_files import open_to_others

LONGEST_WRITE = timedelta(days=1)  # What is older was left by a process that was killed.


class EmbeddedStores(Struct, frozen=True):
    """The stores of one data folder."""

    clock: Clock
    database: Database
    metadata: SqliteMetadata
    documents: SqliteDocuments
    archives: FileArchives
    directory: SqliteDirectory
    events: SqliteEvents
    work: SqliteWork
    pulls: SqlitePulls

    def migrate(self) -> None:
        """Create the stores or bring them up to date; for the process that starts the others."""
        self.database.migrate()
        self.archives.sweep_temporary(self.clock.now_ms() - LONGEST_WRITE // MS)

    def close(self) -> None:
        """Close every file; the next use opens them again."""
        self.database.close()


def open_embedded(data: Path, clock: Clock) -> EmbeddedStores:
    """Return the stores of the folder; nothing is opened before it is used."""
    folder = DataFolder(data)
    database = Database(folder.database, MIGRATIONS)
    return EmbeddedStores(
        clock=clock,
        database=database,
        metadata=SqliteMetadata(database),
        documents=SqliteDocuments(database, FilePieces(folder.pieces)),
        archives=FileArchives(folder.archives, clock),
        directory=SqliteDirectory(database),
        events=SqliteEvents(database),
        work=SqliteWork(database),
        pulls=SqlitePulls(database),
    )


_MORE_ROOM = "Make room, or move the data folder to a larger disk."
SCARCE_BYTES = 1024**3  # A busy registry fills it in a day: time enough to react.


class StoreCheck(Struct, frozen=True):
    """One thing that was looked at; `way_out` is empty when nothing is wrong with it."""

    what: str
    found: str
    way_out: str = ""


def check_data_folder(data: Path, schemas: "SchemaVersions") -> Iterator[StoreCheck]:
    """Look at everything in the folder; change nothing."""
    folder = DataFolder(data)
    writable = _writable(folder)
    yield writable
    if writable.way_out:
        return
    yield _room(folder)
    restart = "Stop the registry and restore a backup."
    yield _database("records", folder.database, schemas.records, restart)
    yield _database("search", folder.search, schemas.search, SEARCH_WAY_OUT)
    yield _keys(folder)
    yield _permissions(folder)


class SchemaVersions(Struct, frozen=True):
    """The newest schema of each database that this program knows."""

    records: int
    search: int


def _writable(folder: DataFolder) -> StoreCheck:
    what = "data folder"
    if not folder.root.is_dir():
        way_out = "Start the registry to create it, or set BALLROOM_DATA to the right folder."
        return StoreCheck(what, f"{folder.root} does not exist.", way_out)
    try:
        with tempfile.TemporaryFile(dir=folder.root):
            return StoreCheck(what, f"{folder.root} can be written.")
    except OSError as error:
        way_out = "Give the user of the registry the right to write there."
        return StoreCheck(what, f"{folder.root} cannot be written: {error.strerror}.", way_out)


def _room(folder: DataFolder) -> StoreCheck:
    free = shutil.disk_usage(folder.root).free
    found = f"{free / 1024**3:.1f} GiB are free."
    way_out = "" if free >= SCARCE_BYTES else _MORE_ROOM
    return StoreCheck("free space", found, way_out)


def _database(what: str, path: Path, schema: int, restore: str) -> StoreCheck:
    if not path.exists():
        return StoreCheck(what, f"{path} does not exist.", "Start the registry to create it.")
    try:
        with closing(open_to_read(path)) as connection:
            [verdict] = connection.execute("PRAGMA quick_check(1)").fetchone()
            found = schema_version(connection)
    except sqlite3.Error as error:
        if isinstance(database_error(path, error), StorageFull):
            return StoreCheck(what, f"{path} cannot be checked: the disk is full.", _MORE_ROOM)
        return StoreCheck(what, f"{path} cannot be read: {error}.", restore)
    if verdict != "ok":
        return StoreCheck(what, f"{path} is damaged: {verdict}.", restore)
    if found != schema:
        way_out = "Start this version of the registry once, which brings it up to date."
        if found > schema:
            way_out = "Install the newer version of the registry that wrote it."
        return StoreCheck(what, f"{path} has schema {found}, not {schema}.", way_out)
    return StoreCheck(what, f"{path} is intact, with schema {schema}.")


def _keys(folder: DataFolder) -> StoreCheck:
    files = sorted(folder.keys.glob("*.key"))
    if not files:
        return StoreCheck("keys", f"{folder.keys} holds no key.", "Start the registry to make one.")
    return StoreCheck("keys", f"{len(files)} in {folder.keys}.")


def _permissions(folder: DataFolder) -> StoreCheck:
    what, found = "permissions", list(open_to_others(folder.root))
    if not found:
        return StoreCheck(what, f"{folder.root} and what it holds is for its owner alone.")
    mode = stat.S_IMODE(found[0].stat().st_mode)
    more = f", and {len(found) - 1:,} more" if len(found) > 1 else ""
    way_out = f"Run: chmod -R go= {folder.root}"
    return StoreCheck(what, f"Others may open {found[0]} ({mode:o}){more}.", way_out)
