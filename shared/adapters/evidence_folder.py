"""A folder of files that is complete or absent: it is made beside its place and renamed."""

import os
from collections.abc import Mapping
from pathlib import Path

from shared.adapters.data_folder import FolderUnusable, hold_folder, put_folder_in_place
from shared.adapters.disk_errors import FULL_DISK
from shared.runtime.file_existence import exists
from shared.runtime.file_replacement import partial_path
from shared.runtime.private_files import make_private_folder, open_private

_LOCK = ".lock"
_LARGEST = 256 * 1024 * 1024  # Bytes of a file that is read.


def write_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """Write the files to a new or empty folder, which only its owner reads; raise
    `FolderUnusable`, and then nothing is left."""
    target = target.resolve()
    try:
        _require_empty(target)
        beside = partial_path(target)
        _remove_unfinished(beside, frozenset(files))
        _write(beside, target, files)
    except OSError as error:
        if error.errno in FULL_DISK:
            message = f"The disk of {target} is full. Make room there, and run this again."
            raise FolderUnusable(message) from error
        message = (
            f"{error.filename or target} cannot be written: {error.strerror or error}. Name a "
            "folder whose parent you may write, and run this again."
        )
        raise FolderUnusable(message) from error


def read_folder(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by name; raise `FolderUnusable`."""
    try:
        found = sorted(folder.iterdir())
        if odd := [each for each in found if not each.is_file() or each.is_symlink()]:
            message = f"{odd[0]} is no file of evidence. Move it away, and run this again."
            raise FolderUnusable(message)
        if large := [each for each in found if each.stat().st_size > _LARGEST]:
            message = f"{large[0]} is too large for a file of evidence."
            raise FolderUnusable(message)
        return {each.name: each.read_bytes() for each in found}
    except OSError as error:
        message = f"{error.filename or folder} cannot be read: {error.strerror or error}."
        raise FolderUnusable(message) from error


def _require_empty(target: Path) -> None:
    if exists(target) and (not target.is_dir() or any(target.iterdir())):
        message = (
            f"{target} is not empty. Name a new folder: evidence says what was at one time, and "
            "nothing is added to it."
        )
        raise FolderUnusable(message)


def _remove_unfinished(beside: Path, names: frozenset[str]) -> None:
    """Delete the files that a killed run left."""
    if not exists(beside):
        return
    left = {each.name for each in beside.iterdir()} if beside.is_dir() else {beside.name}
    if left - names - {_LOCK}:
        message = f"{beside} is in the way. Move it away, and run this again."
        raise FolderUnusable(message)
    with hold_folder(beside / _LOCK):
        _delete(beside)


def _write(beside: Path, target: Path, files: Mapping[str, bytes]) -> None:
    make_private_folder(beside)
    held = hold_folder(beside / _LOCK)
    try:
        with held:
            for name, content in files.items():
                with open_private(beside / name, "xb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
        (beside / _LOCK).unlink()
        put_folder_in_place(beside, target)
    except BaseException:
        _delete(beside)
        raise


def _delete(folder: Path) -> None:
    for each in folder.iterdir():
        each.unlink()
    folder.rmdir()
