"""Locks between processes: a locked file, which the system unlocks when its process ends."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def hold_file_lock(path: Path) -> Generator[None]:
    """Hold the lock at `path`; waits until it is free. The empty file is not deleted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        _lock(file)
        yield


def try_file_lock(path: Path) -> BinaryIO | None:
    """Return the lock at `path`, which is released when it is closed; None if it is held.

    The lock excludes other holders in this process too.
    """
    file = path.open("ab")
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
