"""The stores of one machine: opening them over a data folder, and checking that folder."""

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from shared.adapters.data_folder import DataFolder
from shared.adapters.file_archives import FileArchives
from shared.adapters.file_pieces import FilePieces
from shared.adapters.file_revocations import FileRevocations
from shared.adapters.log_files import FileLog
from shared.adapters.sqlite.advisories import SqliteAdvisoryFiles
from shared.adapters.sqlite.connections import (
    SEARCH_WAY_OUT,
    DatabaseUnusable,
    database_error,
    open_to_read,
    schema_version,
)
from shared.adapters.sqlite.database import MIGRATIONS, Database
from shared.adapters.sqlite.directory import SqliteDirectory
from shared.adapters.sqlite.documents import SqliteDocuments
from shared.adapters.sqlite.events import SqliteEvents
from shared.adapters.sqlite.metadata import SqliteMetadata
from shared.adapters.sqlite.pull_ledger import SqlitePulls
from shared.adapters.sqlite.pull_records import SqlitePullRecords
from shared.adapters.sqlite.work import SqliteWork
from shared.adapters.system import SystemRandomness
from shared.domain.checks import CheckSeverity, DoctorCheck
from shared.domain.errors.requests import StorageFull
from shared.domain.snapshots import MANIFEST_FILE, RESTORE_KIND, RESTORE_UNFINISHED
from shared.domain.times import MS
from shared.ports.system import Clock
from shared.runtime.file_existence import exists
from shared.runtime.file_replacement import partial_path
from shared.runtime.private_files import paths_readable_by_others

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
    pull_records: SqlitePullRecords
    revocations: FileRevocations
    log_files: FileLog
    advisory_files: SqliteAdvisoryFiles

    def migrate(self) -> None:
        """Create the stores or bring them up to date; for the process that starts the others."""
        self.database.migrate()
        self.archives.sweep_temporary(self.clock.now_ms() - LONGEST_WRITE // MS)

    def has_clear_secrets(self) -> bool:
        """Check whether secrets of webhooks are stored in clear, as earlier versions did, or were,
        and their bytes are not overwritten yet."""
        clear = "kind = 'webhook' AND coalesce(body ->> '$.secret', '') <> ''"
        left = "kind = 'deleted-bytes' AND value LIKE 'webhook-%'"
        found = self.database.row(
            f"SELECT EXISTS (SELECT 1 FROM entities WHERE {clear})"  # noqa: S608 - ours.
            f" OR EXISTS (SELECT 1 FROM work WHERE {left})"
        )
        return found == (1,)

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
        events=SqliteEvents(database, SystemRandomness()),
        work=SqliteWork(database),
        pulls=SqlitePulls(database),
        pull_records=SqlitePullRecords(database),
        revocations=FileRevocations(folder.revocations),
        log_files=FileLog(folder.log),
        advisory_files=SqliteAdvisoryFiles(database),
    )


class DatabaseLost(DatabaseUnusable):
    """A data folder has parts of a registry, and not its database. A start would make an empty
    registry of it."""

    def __init__(self, found: str, way_out: str) -> None:
        super().__init__(f"{found} Nothing was started. {way_out}")
        self.found = found
        self.way_out = way_out


def require_database(data: Path) -> None:
    """Raise `DatabaseLost` if the database is missing or empty beside archives, keys, snapshots or
    other parts of a registry."""
    folder = DataFolder(data)
    if not _is_empty(folder.database):
        return
    parts = _parts(folder)
    if parts:
        state = "is empty" if exists(folder.database) else "is missing"
        raise _lost(folder, parts, state)


def require_registry(data: Path) -> None:
    """Raise `DatabaseLost` as `require_database` does, and if the database has no record beside
    archives or copies, or a snapshot is half restored; for a start."""
    folder = DataFolder(data)
    require_database(data)
    if not exists(folder.database):
        return
    parts = _parts(folder)
    try:
        with closing(open_to_read(folder.database)) as connection:
            # A first start that was killed left keys, and no administrator: it is completed.
            if set(parts) - {_KEYS} and not _has_records(connection):
                raise _lost(folder, parts, "has no record")
            snapshot = _unfinished_restore(connection)
    except sqlite3.Error:  # The start of the registry meets and reports the same error.
        return
    if snapshot:
        found = f"The restore of the snapshot {snapshot} to {folder.root} did not end."
        way_out = f"Repeat it, with the same options: ballroom snapshot restore {snapshot}"
        raise DatabaseLost(found, way_out)


class FolderUnprepared(DatabaseUnusable):
    """No start of a registry has prepared the data folder, or it was interrupted."""

    def __init__(self, data: Path) -> None:
        super().__init__(
            f"The data folder {data} has no stores yet. Start the registry to create them."
        )


def is_prepared(data: Path) -> bool:
    """Check whether a start has created the stores of the folder, the search index last."""
    folder = DataFolder(data)
    return not _is_empty(folder.database) and not _is_empty(folder.search)


_KEYS = "keys"


def _parts(folder: DataFolder) -> list[str]:
    """Return which parts of a registry the folder has besides the database."""
    parts = {
        "archives": any(folder.archives.content.glob("*/*/*")),
        _KEYS: any(folder.keys.glob("*.key")),
        "snapshots": any(folder.snapshots.glob("*/*")),
        "a backup from before an upgrade": any(folder.upgrades.glob("*/*")),
        "an unfinished restore": exists(partial_path(folder.database)),
    }
    return [part for part, is_there in parts.items() if is_there]


def _lost(folder: DataFolder, parts: Sequence[str], state: str) -> DatabaseLost:
    *others, last = parts
    listed = f"{', '.join(others)} and {last}" if others else last
    found = f"{folder.root} has {listed}, but its database {folder.database.name} {state}."
    manifests = folder.snapshots.glob(f"*/{MANIFEST_FILE}")
    newest = max((file.parent.name for file in manifests), default="")
    snapshot = f"Restore the newest snapshot: ballroom snapshot restore {newest}; or move"
    way_out = (
        f"{snapshot if newest else 'Move'} the folder away and restore a backup: ballroom restore "
        "DIR. Never start over these parts: that would be an empty registry."
    )
    return DatabaseLost(found, way_out)


def _is_empty(database: Path) -> bool:
    """Check whether there is no database, or one without any table."""
    if not exists(database) or not database.stat().st_size:
        return True
    try:
        with closing(open_to_read(database)) as connection:
            return not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    except sqlite3.Error:  # It is damaged, or the disk is full.
        return False


def _has_records(connection: sqlite3.Connection) -> bool:
    """Check whether there is a package, an event, an account or another entity."""
    statement = "SELECT name FROM sqlite_schema WHERE type = 'table'"
    tables = {name for (name,) in connection.execute(statement)}
    return any(
        connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()  # noqa: S608 - constants.
        for table in ("heads", "events", "entities", "accounts")
        if table in tables
    )


def _unfinished_restore(connection: sqlite3.Connection) -> str:
    """Return the name of a snapshot whose restore did not end; empty if there is none."""
    statement = "SELECT value FROM work WHERE kind = ? AND key = ?"
    row = connection.execute(statement, (RESTORE_KIND, RESTORE_UNFINISHED)).fetchone()
    return row[0] if row else ""


_MORE_ROOM = "Make room, or move the data folder to a larger disk."
SCARCE_BYTES = 1024**3  # A busy registry fills this in a day, which leaves time to react.


def check_data_folder(data: Path, schemas: "SchemaVersions") -> Iterator[DoctorCheck]:
    """Look at everything in the folder; change nothing."""
    folder = DataFolder(data)
    writable = _writable(folder)
    yield writable
    if writable.way_out:
        return
    yield _room(folder)
    try:
        require_registry(data)
    except DatabaseLost as lost:
        yield _fatal("records", lost.found, lost.way_out)
        return
    restart = "Stop the registry and restore a backup."
    yield _unreadable("records", folder.database) or _database(
        "records", folder.database, schemas.records, restart
    )
    yield _unreadable("search", folder.search) or _database(
        "search", folder.search, schemas.search, SEARCH_WAY_OUT
    )
    yield _unreadable("keys", folder.keys) or _keys(folder)
    yield _permissions(folder)


def _fatal(what: str, found: str, way_out: str = "") -> DoctorCheck:
    """Return the check of something without which a registry cannot be opened."""
    return DoctorCheck(what, found, way_out, CheckSeverity.FATAL)


class SchemaVersions(Struct, frozen=True):
    """The newest schema of each database that this program knows."""

    records: int
    search: int


def _writable(folder: DataFolder) -> DoctorCheck:
    what = "data folder"
    if not folder.root.is_dir():
        way_out = "Start the registry to create it, or set BALLROOM_DATA to the right folder."
        return _fatal(what, f"{folder.root} does not exist.", way_out)
    try:
        with tempfile.TemporaryFile(dir=folder.root):
            return _fatal(what, f"{folder.root} can be written.")
    except OSError as error:
        way_out = "Run this as the user of the registry, or give it the right to write there."
        return _fatal(what, f"{folder.root} cannot be written: {error.strerror}.", way_out)


def _room(folder: DataFolder) -> DoctorCheck:
    free = shutil.disk_usage(folder.root).free
    found = f"{free / 1024**3:.1f} GiB are free."
    way_out = "" if free >= SCARCE_BYTES else _MORE_ROOM
    return DoctorCheck("free space", found, way_out)


def _database(what: str, path: Path, schema: int, restore: str) -> DoctorCheck:
    if not exists(path):
        return _fatal(what, f"{path} does not exist.", "Start the registry to create it.")
    try:
        with closing(open_to_read(path)) as connection:
            [verdict] = connection.execute("PRAGMA quick_check(1)").fetchone()
            found = schema_version(connection)
    except sqlite3.Error as error:
        if isinstance(database_error(path, error), StorageFull):
            return _fatal(what, f"{path} cannot be checked: the disk is full.", _MORE_ROOM)
        return _fatal(what, f"{path} cannot be read: {error}.", restore)
    if verdict != "ok":
        return _fatal(what, f"{path} is damaged: {verdict}.", restore)
    if found != schema:
        way_out = "Start this version of the registry once, which brings it up to date."
        if found > schema:
            way_out = "Install the newer version of the registry that wrote it."
        return _fatal(what, f"{path} has schema {found}, not {schema}.", way_out)
    return _fatal(what, f"{path} is intact, with schema {schema}.")


def compare_databases(data: Path) -> list[str]:
    """Read every page and index of the databases in the folder, and compare the tables of records;
    return a sentence for each that is not consistent."""
    folder = DataFolder(data)
    problems = list[str]()
    for path in (folder.database, folder.search):
        if not exists(path):
            continue
        try:
            with closing(open_to_read(path)) as connection:
                found = [text for (text,) in connection.execute("PRAGMA integrity_check(5)")]
                if path == folder.database:
                    problems += _orphans(connection)
        except sqlite3.Error as error:
            found = [str(error)]
        if found != ["ok"]:
            problems.append(f"The database {path.name} is damaged: {'; '.join(found)}.")
    return problems


def _orphans(connection: sqlite3.Connection) -> list[str]:
    """Return a sentence for each release whose package has no record."""
    statement = """
        SELECT pk || ':' || version FROM releases
        WHERE NOT EXISTS (SELECT 1 FROM heads WHERE heads.pk = releases.pk) LIMIT 20
    """
    return [
        f"{release}: its package has no record." for (release,) in connection.execute(statement)
    ]


def _keys(folder: DataFolder) -> DoctorCheck:
    files = sorted(folder.keys.glob("*.key"))
    if not files:
        return _fatal("keys", f"{folder.keys} holds no key.", "Start the registry to make one.")
    return _fatal("keys", f"{len(files)} in {folder.keys}.")


def _unreadable(what: str, path: Path) -> DoctorCheck | None:
    """Return the check of what another user owns: it may be whole, so nothing is to be restored."""
    rights = os.R_OK | os.X_OK if path.is_dir() else os.R_OK
    if not exists(path) or os.access(path, rights):
        return None
    way_out = "Run this as the user of the registry, or give this user the right to it."
    return _fatal(what, f"{path} cannot be read by this user.", way_out)


def _permissions(folder: DataFolder) -> DoctorCheck:
    what = "permissions"
    found = list(paths_readable_by_others(folder.root))
    if not found:
        return DoctorCheck(what, f"{folder.root} and what it holds is for its owner alone.")
    mode = stat.S_IMODE(found[0].stat().st_mode)
    more = f", and {len(found) - 1:,} more" if len(found) > 1 else ""
    way_out = f"Run: chmod -R go= {folder.root}"
    return DoctorCheck(what, f"Others may open {found[0]} ({mode:o}){more}.", way_out)
