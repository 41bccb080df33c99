"""Where a copy of a data folder is made: beside its place, until it is whole."""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

from shared.adapters.data_folder import (
    DataFolder,
    FolderUnusable,
    hold_folder,
    put_folder_in_place,
)
from shared.runtime.file_existence import exists
from shared.runtime.file_replacement import partial_path, sync_file, sync_folder
from shared.runtime.private_files import make_private_folder, remove_permissions_of_others


@contextmanager
def whole_copy(target: Path) -> Generator[DataFolder]:
    """Provide a folder, which becomes the target at the end; if the block fails, nothing is left.

    It is made beside the target, and one rename puts it in place. Where that is impossible, as at a
    mount or where the folder above belongs to another user, it is the target itself: then the last
    rename is that of the database, without which no start and no restore takes it for a registry.
    The copy is made in the target itself also if that holds something, which stays.
    """
    target = target.resolve()  # What a link leads to may be on another disk.
    began_empty = not holds_something(target)
    place = _make_beside(target) if began_empty else None
    if place is None:
        make_private_folder(target)
        place = target
    with suppress(PermissionError):  # A folder of another user; what it holds is private anyway.
        remove_permissions_of_others(place)
    made = DataFolder(place)
    try:
        held = hold_folder(made.copy_mark)
    except OSError:
        _clear(place, is_new=place != target, began_empty=began_empty)
        raise
    try:
        with held:
            yield made
            _sync(made)
            _finish(made)
            sync_folder(place)
        if place != target:
            put_folder_in_place(place, target)
        for each in target.parents:  # Some of them may be new.
            with suppress(PermissionError):  # A folder that this user may not list.
                sync_folder(each)
        DataFolder(target).copy_mark.unlink()
    except BaseException:
        _clear(place, is_new=place != target, began_empty=began_empty)
        raise


def _make_beside(target: Path) -> Path | None:
    """Make a folder beside the target on its disk; return None where that is impossible."""
    beside = partial_path(target)
    if exists(target) and target.is_mount():
        return None
    if exists(beside):
        if not _is_unfinished(beside):
            message = f"{beside} is in the way. Move it away, and run this again."
            raise FolderUnusable(message)
        _remove_unfinished(beside)
    try:
        make_private_folder(beside)
    except OSError as error:
        if target.is_dir() and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return None
        raise
    return beside


def _is_unfinished(folder: Path) -> bool:
    """Check whether the folder is what a killed copy left."""
    return exists(DataFolder(folder).copy_mark) or not holds_something(folder)


def _remove_unfinished(folder: Path) -> None:
    """Delete what a killed copy left; raise `FolderUnusable` if it is being made now."""
    mark = DataFolder(folder).copy_mark
    hold_folder(mark).close()
    for each in folder.iterdir():
        if each.is_dir():
            rmtree(each)
        elif each != mark:
            each.unlink()
    rmtree(folder)  # The mark is deleted last, so that what a crash leaves is still recognized.


def _sync(folder: DataFolder) -> None:
    """Wait until what was copied is on the disk, all at once at the end: after the first of many
    folders the others take microseconds."""
    for copied in (folder.archives.root, folder.keys, folder.log.root):
        for root, _, names in os.walk(copied):
            for name in names:
                file = Path(root, name)
                # A file with another name was on the disk before. What this user may not open was
                # there before as well.
                with suppress(PermissionError):
                    if file.stat().st_nlink == 1:
                        sync_file(file)
            with suppress(PermissionError):
                sync_folder(Path(root))


def _finish(folder: DataFolder) -> None:
    """Give the databases their names, the records last."""
    for database in (folder.search, folder.database):
        for name in ("-wal", "-shm", "-journal"):  # Logs of a database that was lost.
            log = database.with_name(f"{database.name}{name}")
            if exists(log):
                log.replace(log.with_name(f"{log.name}.before-restore"))
        if exists(partial_path(database)):
            partial_path(database).replace(database)


def _clear(place: Path, *, is_new: bool, began_empty: bool) -> None:
    """Delete a copy that failed; what the folder held before stays."""
    if is_new:
        rmtree(place, ignore_errors=True)
        return
    folder = DataFolder(place)
    for database in (folder.database, folder.search):
        with suppress(OSError):
            partial_path(database).unlink(missing_ok=True)
    with suppress(OSError):
        folder.copy_mark.unlink(missing_ok=True)
    if began_empty:
        for each in place.iterdir():
            if each.is_dir():
                rmtree(each, ignore_errors=True)
            else:
                each.unlink(missing_ok=True)


def holds_something(folder: Path) -> bool:
    return exists(folder) and any(folder.iterdir())
