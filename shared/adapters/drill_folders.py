"""The folders of a recovery drill: the newest backup, and the folder that it is restored into."""

import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from shared.adapters.data_folder import DataFolder, FolderUnusable
from shared.adapters.disk_errors import FULL_DISK
from shared.domain.drills import time_of_name
from shared.domain.errors.requests import StorageFull
from shared.runtime.file_existence import exists
from shared.runtime.private_files import try_file_lock

_PREFIX = ".recovery-drill-"
_LOCK = "drill.lock"


class FoundBackup(Struct, frozen=True):
    """A backup, and when it was made, in milliseconds since 1970."""

    folder: Path
    made_ms: int

    @property
    def has_keys(self) -> bool:
        """Whether the backup has the keys of the registry."""
        return any(DataFolder(self.folder).keys.glob("*"))


def find_newest_backup(backups: Path, now_ms: int) -> FoundBackup:
    """Return the newest backup in a folder, or the folder itself if it is a backup.

    A folder that is named by a time, as the nightly job names backups, counts as a backup even if
    it is not whole. One from a later time than now was made before the clock was set back, so it is
    older than all others. Raises `FolderUnusable` if there is none.
    """
    if exists(DataFolder(backups).database):
        return FoundBackup(backups, _made_ms(backups))
    found = list(_backups(backups))
    if not found:
        message = (
            f"There is no backup in {backups}. Make one, such as by `ballroom backup "
            f"{backups / 'first'}`, or name the folder that has them."
        )
        raise FolderUnusable(message)
    return max(found, key=lambda each: (each.made_ms <= now_ms, each.made_ms))


def _backups(folder: Path) -> Iterator[FoundBackup]:
    if not folder.is_dir():
        return
    try:
        for each in sorted(folder.iterdir()):
            is_named = time_of_name(each.name) is not None
            is_unfinished = each.name.startswith(".") or each.suffix == ".partial"
            is_backup = is_named or exists(DataFolder(each).database)
            if each.is_dir() and is_backup and not is_unfinished:
                yield FoundBackup(each, _made_ms(each))
    except OSError as error:
        message = (
            f"{folder} cannot be read: {error.strerror}. Run this as the user who makes the "
            "backups, or give this user the right to it."
        )
        raise FolderUnusable(message) from None


def _made_ms(backup: Path) -> int:
    """Return when a backup was made: its name says so, or else the time of its database."""
    named = time_of_name(backup.name)
    if named is not None:
        return named
    return DataFolder(backup).database.stat().st_mtime_ns // 1_000_000


@contextmanager
def make_drill_folder(place: Path) -> Generator[Path]:
    """Provide a new folder below `place`, for its owner alone, and delete it at the end of the
    block; delete what killed drills left there as well. Several drills may run at once.

    Raises `FolderUnusable` if it cannot be made.
    """
    try:
        for each in place.glob(f"{_PREFIX}*"):
            _delete_abandoned(each)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        held = try_file_lock(folder / _LOCK)
    except OSError as error:
        if error.errno in FULL_DISK:
            message = f"The disk of {place} is full. {_OTHER_PLACE}"
        else:
            message = f"Nothing can be written to {place}: {error.strerror}. {_OTHER_PLACE}"
        raise FolderUnusable(message) from None
    try:
        yield folder / "data"
    except StorageFull:
        message = f"The disk of {place} is full. {_OTHER_PLACE}"
        raise FolderUnusable(message) from None
    finally:
        if held is not None:
            held.close()
        shutil.rmtree(folder, ignore_errors=True)


_OTHER_PLACE = "Make room there, or name a folder of another disk with --scratch."


def _this_user() -> int:
    return getattr(os, "geteuid", int)()  # Windows has none, and says of each file that it is of 0.


def _delete_abandoned(folder: Path) -> None:
    """Delete the folder of a drill that was killed; one that is going on holds its lock. A link,
    and a folder of another user, who may have put links into it, is not of a drill."""
    with suppress(OSError):
        if folder.is_symlink() or folder.stat().st_uid != _this_user():
            return
        held = try_file_lock(folder / _LOCK)
        if held is not None:
            held.close()
            shutil.rmtree(folder, ignore_errors=True)
