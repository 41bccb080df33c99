"""Files and folders that only their owner may read, whatever the umask: keys, hashes of tokens,
private packages; and locks that processes of this machine hold on files.

The operating system releases the lock of a process that ends.
"""

import os
import shutil
import stat
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Literal

from msgspec import Struct

from shared.runtime.file_replacement import Durability, replacing

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_FILE_MODE = stat.S_IRUSR | stat.S_IWUSR


def make_private_folder(folder: Path) -> None:
    """Create the folder and its missing parents; an existing one keeps its permissions."""
    try:
        folder.mkdir(mode=stat.S_IRWXU, exist_ok=True)
    except FileNotFoundError:
        make_private_folder(folder.parent)
        folder.mkdir(mode=stat.S_IRWXU, exist_ok=True)


def open_private(file: Path, mode: Literal["wb", "ab", "xb"]) -> BinaryIO:
    """Open a file as `open` does; if it is created, then for its owner."""

    def opener(path: str, flags: int) -> int:
        return os.open(path, flags, _FILE_MODE)

    return open(file, mode, opener=opener)


@contextmanager
def new_private_file(file: Path) -> Generator[BinaryIO]:
    """Create a file for its owner; delete it if the block raises. Raise `FileExistsError`."""
    stream = open_private(file, "xb")
    try:
        with stream:  # Windows deletes no file that is open.
            yield stream
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def replace_private(file: Path, content: bytes, durability: Durability = Durability.SYNCED) -> None:
    """Replace the file at once, so that nobody ever reads an incomplete one."""
    with (
        replacing(file, durability) as partial,
        open_private(partial, "xb") as stream,
    ):
        stream.write(content)


def copy_private(file: Path, target: Path) -> None:
    """Copy a file with its times to a new one."""
    with file.open("rb") as source, open_private(target, "xb") as copy:
        shutil.copyfileobj(source, copy)
        found = os.fstat(source.fileno())
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))


def remove_permissions_of_others(path: Path) -> None:
    """Take the permissions of everybody but the owner from a file or folder."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _OTHERS:
        path.chmod(mode & ~_OTHERS)


def paths_readable_by_others(folder: Path) -> Iterator[Path]:
    """Yield the folder and what it holds, as far as others than the owner have permissions."""
    for root, _, names in os.walk(folder):
        for path in (Path(root), *(Path(root, name) for name in names)):
            with suppress(FileNotFoundError):  # It was deleted meanwhile, or leads nowhere.
                if path.stat().st_mode & _OTHERS:
                    yield path


# --- Locks ---------------------------------------------------------------------------------------


@contextmanager
def hold_file_lock(path: Path) -> Generator[None]:
    """Hold the lock at `path`; waits until it is free. The empty file is not deleted."""
    with open_file_lock(path) as lock:
        lock.acquire()
        yield


class FileLock(Struct, frozen=True):
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
