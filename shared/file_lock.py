"""Locks between processes: a file that one process holds, released by the system when it ends."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def hold_file_lock(path: Path) -> Generator[None]:
    """Hold the lock of this name; waits for its holder. The file stays, empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        _acquire(file)
        yield  # Closing the file frees the lock, also when the process is killed.


def try_file_lock(path: Path) -> BinaryIO | None:
    """Return the lock of this name, which closing it frees; None while another process holds it."""
    file = path.open("ab")
    try:
        _seize(file)
    except OSError:
        file.close()
        return None
    return file


if sys.platform == "win32":
    import msvcrt

    def _seize(file: BinaryIO) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def _acquire(file: BinaryIO) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _seize(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _acquire(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)
