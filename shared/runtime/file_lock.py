"""Locks between processes: a locked file, which the system unlocks when its process ends."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from shared.runtime.private_files import make_private_folder, open_private


@contextmanager
def hold_file_lock(path: Path) -> Generator[None]:
    """Hold the lock at `path`; waits until it is free. The empty file is not deleted."""
    with open_file_lock(path) as lock:
        lock.acquire()
        yield


@dataclass(frozen=True, slots=True)
class FileLock:
    """A lock whose file is open."""

    file: BinaryIO

    def acquire(self) -> None:
        """Wait until the lock is free, and hold it until its file is closed."""
        _lock(self.file)


@contextmanager
def open_file_lock(path: Path) -> Generator[FileLock]:
    """Open the lock at `path`, which others may hold; release it at the end of the block."""
    make_private_folder(path.parent)
    with open_private(path, "ab") as file:
        yield FileLock(file)


def try_file_lock(path: Path) -> BinaryIO | None:
    """Return the lock at `path`, which is released when it is closed; None if it is held.

    The lock excludes other holders in this process too.
    """
    file = open_private(path, "ab")
    try:
        _try_lock(file)
    except OSError:
        file.close()
        return None
    return file


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: BinaryIO) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def _lock(file: BinaryIO) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _try_lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)
