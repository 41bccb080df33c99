"""Backup and restore of a data folder, while the registry runs or stands.

The databases are copied first and the archives second. An archive is stored before the record that
names it, so every archive that the copied records name is there by then.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from shared.adapters.paths import ArchiveFolder, DataFolder


class TargetNotEmpty(Exception):
    """There is something where the copy was to go, and nothing is ever overwritten."""

    def __init__(self, target: Path) -> None:
        """Name the folder."""
        super().__init__(f"{target} is not empty. Name a folder that does not exist yet.")


class NoRegistry(Exception):
    """There is no registry to copy."""

    def __init__(self, source: Path) -> None:
        """Name the folder."""
        super().__init__(f"{source} holds no registry: it has no ballroom.db. Name its folder.")


def backup(data: Path, target: Path) -> None:
    """Copy a registry, running or not, to a folder that is new or empty.

    The copy holds the keys as well, so it is as secret as the original. Archives are linked where
    both folders are on one disk, and then take no room.
    """
    source, copy = DataFolder(data), DataFolder(target)
    if not source.database.exists():
        raise NoRegistry(data)
    if target.exists() and any(target.iterdir()):
        raise TargetNotEmpty(target)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for database in _databases(source):
        _copy_database(database, target / database.name)
    _copy_archives(source.archives, copy.archives)
    _copy_keys(source.keys, copy.keys)


def restore(source: Path, data: Path) -> None:
    """Copy a backup to a folder that is new or empty, which is a registry then."""
    backup(source, data)


def _databases(folder: DataFolder) -> Iterator[Path]:
    return (path for path in (folder.database, folder.search) if path.exists())


def _copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(target)) as copy:
        original.backup(copy)
    target.chmod(0o600)


def _copy_archives(source: ArchiveFolder, target: ArchiveFolder) -> None:
    for file in source.content.glob("*/*/*"):
        place = target.root / file.relative_to(source.root)
        place.parent.mkdir(parents=True, exist_ok=True)
        _link_or_copy(file, place)


def _link_or_copy(file: Path, place: Path) -> None:
    try:
        place.hardlink_to(file)
    except OSError:  # Another disk, or one without links.
        shutil.copy2(file, place)


def _copy_keys(source: Path, target: Path) -> None:
    if not source.is_dir():
        return
    target.mkdir(mode=0o700)
    for key in source.iterdir():
        shutil.copy2(key, target / key.name)
        os.chmod(target / key.name, 0o600)  # noqa: PTH101
