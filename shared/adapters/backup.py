"""Backup and restore of a data folder, while the registry runs or is stopped."""

import errno
import hashlib
import os
import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from enum import Enum
from pathlib import Path
from shutil import rmtree

from msgspec import Struct
from msgspec.structs import replace

from shared.adapters.data_folder import REVOCATIONS, DataFolder, FolderUnusable
from shared.adapters.disk_errors import FULL_DISK
from shared.adapters.file_revocations import read_revocations
from shared.adapters.folder_copies import holds_something, whole_copy
from shared.adapters.sqlite.connections import (
    BUSY_TIMEOUT,
    database_error,
    open_to_read,
    open_to_write,
    without_writers,
)
from shared.auth import log_keys, release_keys
from shared.auth.key_texts import with_older_keys
from shared.domain.errors.requests import StorageFull
from shared.domain.revocations import Revocation, to_lines
from shared.domain.transparency.log_states import RESTORED, LogState
from shared.runtime.file_existence import exists
from shared.runtime.file_replacement import partial_path
from shared.runtime.private_files import (
    copy_private,
    hold_file_lock,
    make_private_folder,
    open_private,
    remove_permissions_of_others,
    replace_private,
)

Report = Callable[[str], None]  # Gets a sentence about a step, when it is done.
WhileCopying = Callable[[Path, Sequence[sqlite3.Connection]], None]


def report_nothing(sentence: str) -> None:
    """Report a step to nobody."""


class ArchiveChecks(Enum):
    """Which archives a restore reads, to compare them with their records."""

    ALL = "all"
    NONE = "none"


class KeysOfCopy(Enum):
    """Whether a backup has the keys of the registry."""

    COPIED = "copied"
    LEFT_OUT = "left out"


class Restored(Struct, frozen=True):
    """What a restore copied, and a sentence for each release that lacks its archive."""

    archives: int
    damaged: tuple[str, ...] = ()
    has_keys: bool = True  # Whether the keys of the registry that was backed up are there.
    # Whether a list of revocations was used that has what came after the backup.
    has_newer_list: bool = True
    # The number of the last event in the backup; None if it has none.
    last_event: int | None = None


def backup(
    data: Path,
    target: Path,
    keys: KeysOfCopy = KeysOfCopy.COPIED,
    report: Report = report_nothing,
) -> None:
    """Copy a registry, running or not, into a folder that is new or empty.

    A copy with the keys is as secret as the original. Archives are hard links where
    both folders are on one disk: they take no space, and a broken disk loses both. If it fails,
    nothing is left of it. The list of revocations is in the backup, and in a file beside it, which
    stays when the backup is deleted: a restore of an older one reads there what came after it.
    Raises `FolderUnusable`.
    """
    copy_registry(data, target, keys)
    if _are_two_mounts(data, target):
        report(
            f"The archives were copied, and take room in each backup: {data} and {target} are two "
            "mounts of one disk, and no file can be linked from one to the other. Mount a folder "
            "that holds both to save the room."
        )
    with suppress(PermissionError):  # The folder above belongs to another user.
        replace_private(list_beside(target), DataFolder(target).revocations.read_bytes())


def _are_two_mounts(data: Path, target: Path) -> bool:
    """Check whether files of the data folder cannot be linked to the target, though both are on
    one disk."""
    if data.stat().st_dev != target.stat().st_dev:
        return False
    trial = partial_path(DataFolder(target).database)
    try:
        trial.hardlink_to(DataFolder(data).database)
        trial.unlink()
    except OSError as error:
        return error.errno == errno.EXDEV
    return False


def copy_registry(data: Path, target: Path, keys: KeysOfCopy = KeysOfCopy.COPIED) -> None:
    """Copy a registry, with no list of revocations beside the copy; raises `FolderUnusable`."""
    source = DataFolder(data)
    with _named_errors(data, target):
        _require_registry(source)
        if holds_something(target):
            message = f"{target} is not empty. Name a folder that is, or that does not exist."
            raise FolderUnusable(message)
        with whole_copy(target) as place:
            _copy_databases(source, place, _begin_reads)
            for file in _archives(source):
                with suppress(FileNotFoundError):  # Swept just now, so no record names it.
                    _copy_archive(file, source, place)
            if keys is KeysOfCopy.COPIED:
                _copy_keys(source, place)
            _copy_log_of_running(source, place)
            # Read after the records, so that the list has each act that they have.
            listed = to_lines(read_revocations(source.revocations))
            replace_private(place.revocations, listed)


def restore(
    source: Path,
    data: Path,
    checks: ArchiveChecks = ArchiveChecks.ALL,
    report: Report = report_nothing,
    later: Sequence[Path] = (),
) -> Restored:
    """Create a registry from a backup, in a folder that is new or empty.

    A folder that lost its database keeps the archives, keys and snapshots that it holds. An
    archive that is not as its record says is left out and named. If the restore fails or is killed,
    the folder has no database. The lists of revocations that are found, and those of `later`,
    become the list of the registry; `unapplied_restore` says that it is not applied yet. Raises
    `FolderUnusable`.
    """
    origin = DataFolder(source)
    with _named_errors(source, data):
        _require_registry(origin)
        _require_no_registry(DataFolder(data))
        listed, has_newer_list = _found_revocations(source, data, later, report)
        with whole_copy(data) as place:
            replace_private(place.revocations, to_lines(listed))
            replace_private(place.unapplied, os.fsencode(source.absolute()))
            # No process writes to a backup, which may be on a read-only disk, so no lock is held.
            _copy_databases(origin, place, lambda _records, _databases: None)
            records = partial_path(place.database)
            # Leases of the processes of the original; no task here has to wait for them.
            with closing(sqlite3.connect(records)) as connection, connection:
                connection.execute("DELETE FROM leases")
                # What was published after the backup is not known here, and stays published.
                if _has_entities(connection):
                    connection.execute(_STOP_THE_LOG, (RESTORED, LogState.kind))
            # The first of the folders, because no start takes a folder with keys for an empty one.
            _copy_keys(origin, place)
            has_keys = any(place.keys.glob("*.key"))
            _copy_log(origin, place)
            if checks is ArchiveChecks.NONE:
                files = list(_archives(origin))
                for file in files:
                    _copy_archive(file, origin, place)
                restored = Restored(len(files))
            else:
                restored = _copy_checked(origin, place, _recorded(records), report)
            return replace(
                restored,
                has_keys=has_keys,
                has_newer_list=has_newer_list,
                last_event=last_event(records),
            )


def list_beside(backup: Path) -> Path:
    """Return the list of revocations beside a backup."""
    return backup.with_name(f"{backup.name}.{REVOCATIONS}")


def unapplied_restore(data: Path) -> Path | None:
    """Return the backup that was restored to this folder, if the list of revocations is not applied
    to it yet."""
    mark = DataFolder(data).unapplied
    if not exists(mark) or not _holds_registry(DataFolder(data)):
        return None
    return Path(os.fsdecode(mark.read_bytes()))


def end_restore(data: Path) -> None:
    """Note that the list of revocations is applied."""
    DataFolder(data).unapplied.unlink(missing_ok=True)


def _found_revocations(
    source: Path, data: Path, later: Sequence[Path], report: Report
) -> tuple[list[Revocation], bool]:
    """Return the entries of the list of a backup, of all lists in the folder of the backups, of the
    folder that is replaced, also if it was moved away beside it, and of `later`; and whether one of
    them has what came after the backup.

    Lists of older backups have not, nor has that of a folder that was replaced long ago."""
    backups = source.absolute().parent
    folders = data.absolute()
    replaced = [
        DataFolder(folders).revocations,
        *sorted(folders.parent.glob(f"{folders.name}*/{REVOCATIONS}")),
    ]
    files = [
        DataFolder(source.absolute()).revocations,
        *replaced,
        *sorted(backups.glob(f"*{REVOCATIONS}")),
        *sorted(backups.glob(f"*/{REVOCATIONS}")),
    ]
    lists = dict[Path, dict[tuple[str, str], Revocation]]()
    for file in dict.fromkeys(files):
        try:
            lists[file] = {(each.event, each.id): each for each in read_revocations(file)}
        except OSError as error:
            report(f"The list of revocations {file} cannot be read: {error.strerror}.")
    for file in later:
        if not file.is_file():
            message = f"{file} is no list of revocations. Name a file {REVOCATIONS}."
            raise FolderUnusable(message)
        lists[file] = {(each.event, each.id): each for each in read_revocations(file)}
    own = lists.get(DataFolder(source.absolute()).revocations, {}).keys()
    found = {key: entry for entries in lists.values() for key, entry in entries.items()}
    # The list of the registry that is replaced has all acts, also if none came after the backup.
    is_replaced = any(
        own <= lists[file].keys() for file in replaced if file in lists and exists(file)
    )
    return list(found.values()), bool(later or is_replaced or found.keys() - own)


def half_restored(data: Path) -> Path | None:
    """Return the unfinished copy that a killed restore to this folder left, if there is no registry
    here."""
    if _holds_registry(DataFolder(data)):
        return None
    places = (partial_path(data.resolve()), data)
    return next((place for place in places if exists(DataFolder(place).copy_mark)), None)


def _holds_registry(folder: DataFolder) -> bool:
    """Check whether the folder has a database with something in it."""
    return _holds_bytes(folder.database)


def _require_registry(folder: DataFolder) -> None:
    if not _holds_registry(folder):
        found = "an empty" if exists(folder.database) else "no"
        message = f"{folder.root} holds no registry or no whole backup: it has {found} ballroom.db."
        raise FolderUnusable(message)


def _require_no_registry(folder: DataFolder) -> None:
    """Refuse a folder that holds a registry, or something that is not a registry's."""
    remains = (folder.archives.root, folder.keys, folder.snapshots, folder.copy_mark)
    is_registry = _holds_registry(folder)
    if is_registry or (holds_something(folder.root) and not any(map(Path.exists, remains))):
        message = (
            f"{folder.root} is not empty. Stop the registry and rename the folder to "
            f"{folder.root.name}.before, or name another one by BALLROOM_DATA."
        )
        raise FolderUnusable(message)


@contextmanager
def _named_errors(source: Path, target: Path) -> Generator[None]:
    """Raise errors of the disks as sentences that name the file or the disk."""
    try:
        yield
    except StorageFull as full:
        raise _disk_full(target) from full
    except OSError as error:
        if error.errno in FULL_DISK:
            raise _disk_full(target) from error
        file = error.filename2 or error.filename or source
        message = (
            f"{file} cannot be read or written: {error.strerror or error}. Give the user who runs "
            "this the right to it, or name another folder, and run it again."
        )
        raise FolderUnusable(message) from error


def _disk_full(target: Path) -> FolderUnusable:
    return FolderUnusable(
        f"The disk of {target} is full, and nothing is left of the copy. Make room there, or name "
        "a folder on another disk, and run this again."
    )


# --- What is copied ------------------------------------------------------------------------------


def _copy_databases(source: DataFolder, place: DataFolder, hold: WhileCopying) -> None:
    """Copy the records, and the search index if there is one, under names of unfinished files."""
    files = [file for file in (source.database, source.search) if _holds_bytes(file)]
    targets = {source.database: place.database, source.search: place.search}
    with ExitStack() as opened:
        databases = list[sqlite3.Connection]()
        for file in files:
            with damage_named(file):
                databases.append(opened.enter_context(closing(_connected(file))))
        with damage_named(source.database):
            hold(source.database, databases)
        for file, database in zip(files, databases, strict=True):
            with damage_named(file):
                _copy_database(file, database, partial_path(targets[file]))


def _holds_bytes(file: Path) -> bool:
    return exists(file) and file.stat().st_size > 0


def _connected(file: Path) -> sqlite3.Connection:
    with file.open("rb"):  # SQLite says of each reason only that it cannot open the file.
        return sqlite3.connect(file)


@contextmanager
def damage_named(file: Path) -> Generator[None]:
    """Translate an error of SQLite about a file into a sentence for the operator."""
    try:
        yield
    except sqlite3.Error as error:
        trouble = database_error(file, error)
        if isinstance(trouble, StorageFull):
            raise trouble from error
        raise _out_of_reach(file, error) or _damaged(file, str(error)) from error


def _out_of_reach(file: Path, error: sqlite3.Error) -> FolderUnusable | None:
    """Return what is said of a whole file that cannot be used now; None for all other errors."""
    kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if kind in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
        return FolderUnusable(
            f"{file} cannot be opened to write, which a copy of it takes: {error}. Nothing was "
            "copied. If its disk can only be read, mount it to write. If that is impossible, stop "
            f"the registry, copy {file.parent} as it is to another disk, and name that copy by "
            "BALLROOM_DATA."
        )
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return FolderUnusable(
            f"Another process uses {file}: {error}. Nothing was copied. Try again in a moment."
        )
    return None


def _damaged(file: Path, reason: str) -> FolderUnusable:
    return FolderUnusable(
        f"{file} is damaged: {reason}. Nothing was copied. Restore an older backup; "
        "docs/run/recovery.md says how."
    )


def _begin_reads(records: Path, databases: Sequence[sqlite3.Connection]) -> None:
    """Begin the read of every connection while no process can write, so that all see one state."""
    with closing(open_to_write(records)) as writer, without_writers(writer, BUSY_TIMEOUT):
        for database in databases:
            database.execute("BEGIN")
            database.execute("SELECT count(*) FROM sqlite_schema").fetchone()


def _copy_database(file: Path, original: sqlite3.Connection, target: Path) -> None:
    target.unlink(missing_ok=True)
    open_private(target, "xb").close()
    with closing(sqlite3.connect(target)) as copy:
        original.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # One file, which can be moved by itself.
        [verdict] = copy.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise _damaged(file, verdict)


def _archives(folder: DataFolder) -> Iterator[Path]:
    return folder.archives.content.glob("*/*/*")


def _copy_archive(file: Path, source: DataFolder, place: DataFolder) -> None:
    target = place.archives.root / file.relative_to(source.archives.root)
    make_private_folder(target.parent)
    if exists(target):  # The archive of the registry whose database was lost.
        if _digest_of(target) == target.name:
            return
        target.unlink()
    _link_or_copy(file, target)


def _copy_keys(source: DataFolder, place: DataFolder) -> None:
    """Copy the keys. Those that are there stay: the registry whose database was lost may have made
    them after the backup, and signed with them."""
    if source.keys.is_dir():
        make_private_folder(place.keys)
        for key in source.keys.iterdir():
            target = place.keys / key.name
            content = key.read_bytes()
            if target.name in _KEY_TEXTS and exists(target):
                content = with_older_keys(target.read_bytes(), content)
            replace_private(target, content)


# Files with several keys each; every other file has one key.
_KEY_TEXTS = (release_keys.FILE_NAME, log_keys.FILE_NAME, log_keys.WITNESS_FILE_NAME)

# A log that has stopped keeps its reason.
_STOP_THE_LOG = """
    UPDATE entities SET body = json_set(body, '$.stopped', ?)
    WHERE kind = ? AND coalesce(json_extract(body, '$.stopped'), '') = ''
"""


def _has_entities(connection: sqlite3.Connection) -> bool:
    """Check whether the database has the table of the log's state, which the first versions of
    this software had not."""
    table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'entities'"
    return connection.execute(table).fetchone() is not None


def _copy_log_of_running(source: DataFolder, place: DataFolder) -> None:
    """Copy the log while nothing is published: else a partial tile could be deleted before it is
    copied, and the full one that replaces it be missed."""
    if exists(source.log.root):
        with hold_file_lock(source.log.lock):
            _copy_log(source, place)


def _copy_log(source: DataFolder, place: DataFolder) -> None:
    """Copy the published files of the log, which are replaced and never written to. Files that are
    there are newer: they are of the registry whose database was lost."""
    if exists(place.log.root):
        return
    # One rename puts all in place, so that what a killed restore left is not taken for the log.
    unfinished = partial_path(place.log.root)
    if exists(unfinished):
        rmtree(unfinished)
    for file in source.log.root.rglob("*"):
        if file.is_file() and file != source.log.lock and not file.name.endswith(".partial"):
            target = unfinished / file.relative_to(source.log.root)
            make_private_folder(target.parent)
            with suppress(FileNotFoundError):  # It was a partial tile, and is full now.
                _link_or_copy(file, target)
    if exists(unfinished):
        unfinished.replace(place.log.root)


ARCHIVES_PER_REPORT = 500


def _copy_checked(
    source: DataFolder, place: DataFolder, recorded: dict[str, str], report: Report
) -> Restored:
    """Copy the archives; leave out those of releases that are not as their records say."""
    files = {file.name: file for file in _archives(source)}
    damaged = list[str]()
    for number, (digest, file) in enumerate(files.items(), 1):
        if digest in recorded and _digest_of(file) != digest:
            damaged.append(f"{recorded[digest]}: the archive in the backup has another digest.")
        else:
            _copy_archive(file, source, place)
        if number % ARCHIVES_PER_REPORT == 0:
            report(f"Checked {number:,} of {len(files):,} archives.")
    for digest in recorded.keys() - files.keys():
        damaged.append(f"{recorded[digest]}: its archive is missing in the backup.")
    return Restored(len(files), tuple(sorted(damaged)))


def _recorded(records: Path) -> dict[str, str]:
    """Return the releases that have an archive, by its digest; of every schema there was."""
    statement = """
        SELECT digest, printf('%s/%s:%s', body ->> '$.org', body ->> '$.name', body ->> '$.version')
        FROM releases WHERE coalesce(body ->> '$.state', '') <> 'removed'
    """
    with closing(sqlite3.connect(records)) as connection:
        return dict(connection.execute(statement).fetchall())


def _digest_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _link_or_copy(file: Path, place: Path) -> None:
    try:
        place.hardlink_to(file)
        remove_permissions_of_others(place)
    except FileNotFoundError:
        raise
    except OSError:  # Another disk, one without links, or a file of another user.
        place.unlink(missing_ok=True)
        copy_private(file, place)


def last_event(database: Path) -> int | None:
    """Return the number of the last event, in a database of any schema."""
    with closing(open_to_read(database)) as connection:
        return connection.execute("SELECT max(number) FROM events").fetchone()[0]
