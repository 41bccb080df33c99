"""The data folder: the names of its files, which no other module makes, and its locks."""

import os
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from shared.domain.archives.digests import Digest
from shared.runtime.file_replacement import (
    sync_folder,
)
from shared.runtime.private_files import (
    make_private_folder,
    try_file_lock,
)


class FolderUnusable(Exception):
    """A folder that an operator named cannot be used; `str()` is the sentence for them."""


class ArchiveFolder(Struct, frozen=True):
    """The names below the folder of the archives."""

    root: Path

    @property
    def temporary(self) -> Path:
        """The folder of archives that are being written."""
        return self.root / "tmp"

    @property
    def content(self) -> Path:
        """The folder that holds the archives, fanned out twice."""
        return self.root / "sha256"

    def archive(self, digest: Digest) -> Path:
        return self.content.joinpath(digest.hex[:2], digest.hex[2:4], digest.hex)

    def lock(self, digest: Digest) -> Path:
        """Return the lock of an archive, which 1/256 of the archives share."""
        return self.root / "locks" / digest.hex[:2]


class PiecesFolder(Struct, frozen=True):
    """The names below the folder of the pieces of documentation."""

    root: Path

    def file(self, digest: Digest, name: str) -> Path:
        return self._of(digest) / f"{digest.hex}.{name}"

    def files(self, digest: Digest) -> list[Path]:
        """Return the files of an archive that exist."""
        return list(self._of(digest).glob(f"{digest.hex}.*"))

    def _of(self, digest: Digest) -> Path:
        return self.root / digest.hex[:2]


class LogFolder(Struct, frozen=True):
    """The names below the folder of the transparency log."""

    root: Path

    def file(self, path: str) -> Path:
        return self.root.joinpath(*path.split("/"))

    def staged(self, name: str) -> Path:
        return self.staged_files / name

    @property
    def staged_files(self) -> Path:
        """The folder of the files that are not published yet; no log has its name."""
        return self.root / "staged"

    @property
    def lock(self) -> Path:
        return self.root / "lock"


REVOCATIONS = "revocations.jsonl"


class DataFolder(Struct, frozen=True):
    """The names of what is in the data folder of a registry on one machine."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "ballroom.db"

    @property
    def search(self) -> Path:
        return self.root / "search.db"

    @property
    def settings(self) -> Path:
        """The settings of a client, which the first start writes."""
        return self.root / "Settings.toml"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots"

    @property
    def revocations(self) -> Path:
        """The list of revocations; a backup has a copy of it, and one beside it."""
        return self.root / REVOCATIONS

    @property
    def log(self) -> LogFolder:
        return LogFolder(self.root / "transparency")

    @property
    def unapplied(self) -> Path:
        """A mark of a restore whose list of revocations is not applied yet: its backup."""
        return self.root / "revocations.unapplied"

    @property
    def copy_mark(self) -> Path:
        """A mark of a folder in which a copy is made; the process that makes it holds its lock."""
        return self.root / "copy.lock"

    @property
    def upgrades(self) -> Path:
        """The folder of the backup from before the last change of the schema."""
        return self.root / "upgrades"

    @property
    def processes(self) -> Path:
        """The folder of the files that the processes which serve the registry hold."""
        return self.root / "processes"

    @property
    def archives(self) -> ArchiveFolder:
        return ArchiveFolder(self.root / "archives")

    @property
    def confined(self) -> Path:
        """The folder of the lock that one confined process of the machine holds."""
        return self.root / "confined"

    @property
    def pieces(self) -> PiecesFolder:
        return PiecesFolder(self.root / "pieces")


def lock_path(file: Path) -> Path:
    """Return the lock that is held while `file` is made or changed as a whole."""
    return file.with_name(f"{file.name}.lock")


def hold_folder(lock: Path) -> BinaryIO:
    """Return the lock of a folder, which is in it; raise `FolderUnusable` while another process
    holds it."""
    held = try_file_lock(lock)
    if held is None:
        message = f"Another process is at work in {lock.parent}. Wait until it has ended."
        raise FolderUnusable(message)
    return held


def put_folder_in_place(made: Path, target: Path) -> None:
    """Give a folder that was made beside the target its name; the target is empty or not there."""
    if os.name == "nt" and target.exists():
        target.rmdir()
    made.replace(target)


def data_version_path(file: Path) -> Path:
    """Return the mark that every process changes when it has written to `file`."""
    return file.with_name(f"{file.name}.mark")


def make_folders(folder: Path) -> None:
    """Create the folder and its parents durably."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    make_private_folder(folder)
    sync_folder(folder.parent)
