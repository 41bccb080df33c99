"""What is right and wrong with a data folder, in sentences for its operator."""

import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from shared.adapters.paths import DataFolder
from shared.adapters.sqlite.connecting import open_to_read, schema_of

SCARCE_BYTES = 1024**3  # A busy registry fills it in a day: time enough to react.
NOBODY_ELSE = 0o077  # The permissions of everybody but the owner.


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `way_out` is empty when nothing is wrong with it."""

    what: str
    found: str
    way_out: str = ""


def examine(data: Path, schemas: "Schemas") -> Iterator[Finding]:
    """Look at everything in the folder; change nothing."""
    folder = DataFolder(data)
    writable = _writable(folder)
    yield writable
    if writable.way_out:
        return
    yield _room(folder)
    restart = "Stop the registry and restore a backup."
    yield _database("records", folder.database, schemas.records, restart)
    rebuild = "Stop the registry, move the file away, start, and run: upkeep run refresh."
    yield _database("search", folder.search, schemas.search, rebuild)
    yield _keys(folder)
    yield _settings_file(folder)


@dataclass(frozen=True, slots=True)
class Schemas:
    """The newest schema of each database that this program knows."""

    records: int
    search: int


def _writable(folder: DataFolder) -> Finding:
    what = "data folder"
    if not folder.root.is_dir():
        way_out = "Start the registry to create it, or set BALLROOM_DATA to the right folder."
        return Finding(what, f"{folder.root} does not exist.", way_out)
    try:
        with tempfile.TemporaryFile(dir=folder.root):
            return Finding(what, f"{folder.root} can be written.")
    except OSError as error:
        way_out = "Give the user of the registry the right to write there."
        return Finding(what, f"{folder.root} cannot be written: {error.strerror}.", way_out)


def _room(folder: DataFolder) -> Finding:
    free = shutil.disk_usage(folder.root).free
    found = f"{free / 1024**3:.1f} GiB are free."
    way_out = "" if free >= SCARCE_BYTES else "Make room, or move the data folder to a larger disk."
    return Finding("free space", found, way_out)


def _database(what: str, path: Path, schema: int, restore: str) -> Finding:
    if not path.exists():
        return Finding(what, f"{path} does not exist.", "Start the registry to create it.")
    try:
        with closing(open_to_read(path)) as connection:
            [verdict] = connection.execute("PRAGMA quick_check(1)").fetchone()
            found = schema_of(connection)
    except sqlite3.Error as error:
        return Finding(what, f"{path} cannot be read: {error}.", restore)
    if verdict != "ok":
        return Finding(what, f"{path} is damaged: {verdict}.", restore)
    if found != schema:
        way_out = "Start this version of the registry once, which brings it up to date."
        if found > schema:
            way_out = "Install the newer version of the registry that wrote it."
        return Finding(what, f"{path} has schema {found}, not {schema}.", way_out)
    return Finding(what, f"{path} is intact, with schema {schema}.")


def _keys(folder: DataFolder) -> Finding:
    files = sorted(folder.keys.glob("*.key"))
    if not files:
        return Finding("keys", f"{folder.keys} holds no key.", "Start the registry to make one.")
    return _private("keys", [folder.keys, *files], f"{len(files)} in {folder.keys}, private.")


def _settings_file(folder: DataFolder) -> Finding:
    file = folder.settings
    if not file.exists():
        return Finding("settings file", f"{file} does not exist; the next start writes it.")
    return _private("settings file", [file], f"{file} is private.")


def _private(what: str, paths: Sequence[Path], found: str) -> Finding:
    for path in paths:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & NOBODY_ELSE:
            return Finding(what, f"{path} is open to others ({mode:o}).", f"chmod go= {path}")
    return Finding(what, found)
