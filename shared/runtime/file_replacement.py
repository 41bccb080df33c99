"""Replacing a file as a whole: it is made beside its place, and then gets its name, so that nobody
ever reads an incomplete one."""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path


class Durability(Enum):
    """What is left of a replacement after a power failure. The end of a process harms neither."""

    SYNCED = auto()  # The new file once the block has ended; before that, the old or the new one.
    # Does not wait for the disk. The file may be damaged after a crash, so it is checked when it is
    # read, or made again.
    UNSYNCED = auto()


@contextmanager
def replacing(
    file: Path, durability: Durability, *, partial: Path | None = None
) -> Generator[Path]:
    """Provide the path at which the block creates the file that then replaces `file`.

    If the block raises, `file` is as it was. Writers that may run at the same time, since they hold
    no lock, each name a `partial` of their own. It stays if the process is killed.
    """
    partial = partial or partial_path(file)
    partial.unlink(missing_ok=True)
    try:
        yield partial
        if durability is Durability.SYNCED:
            sync_file(partial)
        partial.replace(file)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    if durability is Durability.SYNCED:
        sync_folder(file.parent)


def partial_path(file: Path) -> Path:
    """Return the name of `file` while it is being made."""
    return file.with_name(f"{file.name}.partial")


def sync_file(file: Path) -> None:
    """Wait until the content of the file is on the disk."""
    # Windows cannot sync a file that is open only for reading.
    descriptor = os.open(file, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Wait until the names in the folder are on the disk, if the system can open a folder and the
    file system can sync one."""
    with opened_folder(folder) as descriptor:
        sync_opened_folder(descriptor)


def sync_opened_folder(descriptor: int | None) -> None:
    """Do the same for a folder that `opened_folder` opened."""
    if descriptor is None:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC_FOLDERS:
            raise


_CANNOT_SYNC_FOLDERS = (errno.EINVAL, errno.EBADF, errno.ENOTSUP)  # As network shares say.


@contextmanager
def opened_folder(folder: Path) -> Generator[int | None]:
    """Open a folder to sync it; yield None on systems that cannot."""
    if os.name == "nt":
        yield None
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
