"""The processes that serve a data folder.

Each holds the lock of a file of its own in the folder, which says what it is. The operating system
releases the lock of a process that ends, however it ends, and its file is used again by the next.
"""

import os
import socket
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from itertools import count
from pathlib import Path

import msgspec
from msgspec import Struct

from shared.adapters.data_folder import DataFolder, FolderUnusable, lock_path
from shared.adapters.disk_errors import translate_full_disk
from shared.domain.errors.requests import StorageFull
from shared.runtime.private_files import hold_file_lock, make_private_folder, try_file_lock

# Workers whose parent was killed end their requests within ten seconds, and then themselves.
ORPHANS_END_WITHIN = timedelta(seconds=15)
_LOOK_AGAIN_AFTER = timedelta(milliseconds=50)

_LABEL_BYTES = 512  # A fixed size, so that rewriting the file needs no more space on a full disk.


class ServingProcess(Struct, frozen=True):
    """What the file of a process says of it; `parent` is the process that started a worker."""

    pid: int
    host: str = ""
    what: str = ""  # "Ballroom 0.3.0 at http://127.0.0.1:7071".
    parent: int = 0
    address: str = ""  # The public address; empty in a file of an earlier version.

    @classmethod
    def this(cls, what: str, address: str, parent: int = 0) -> "ServingProcess":
        return cls(os.getpid(), socket.gethostname(), what, parent, address)

    @property
    def is_this(self) -> bool:
        return (self.pid, self.host) == (os.getpid(), socket.gethostname())

    def __str__(self) -> str:
        if not self.pid:
            return "Another process"
        elsewhere = "" if self.host == socket.gethostname() else f" on {self.host}"
        return f"Process {self.pid}{elsewhere} ({self.what})"


_UNKNOWN = ServingProcess(0)


class FolderInUse(FolderUnusable):
    """Another process serves the data folder."""

    def __init__(self, data: Path, processes: Sequence[ServingProcess]) -> None:
        # Workers end with the process that started them, so that is the one to stop.
        first = min(processes, key=lambda process: bool(process.parent))
        super().__init__(
            f"{first} serves the data folder {data.absolute()} already. Stop it first, or set "
            "BALLROOM_DATA to another folder."
        )


def require_alone(data: Path) -> None:
    """Raise `FolderInUse` if other processes serve the folder, after a wait for workers whose
    parent was killed."""
    deadline = time.monotonic() + ORPHANS_END_WITHIN.total_seconds()
    while others := _others(DataFolder(data)):
        parents = {each.pid for each in others if not each.parent}
        are_orphans = all(each.parent and each.parent not in parents for each in others)
        if not are_orphans or time.monotonic() >= deadline:
            raise FolderInUse(data, others)
        time.sleep(_LOOK_AGAIN_AFTER.total_seconds())


def served_address(data: Path) -> str:
    """Return the public address of the registry that other processes serve from the folder; empty
    if none serves it, or they do not say."""
    addresses = (each.address for each in _others(DataFolder(data)))
    return next(filter(None, addresses), "")


@contextmanager
def serving(data: Path, process: ServingProcess) -> Generator[None]:
    """Serve the folder in this process until the block ends; wait while it is being migrated."""
    folder = DataFolder(data)
    with ExitStack() as held:
        with hold_file_lock(lock_path(folder.settings)):
            _join(folder, process, held)
        yield


@contextmanager
def serving_alone(data: Path, process: ServingProcess) -> Generator[None]:
    """Serve the folder as `serving` does; raise `FolderInUse` if others serve it."""
    folder = DataFolder(data)
    with ExitStack() as held:
        with hold_file_lock(lock_path(folder.settings)):
            require_alone(data)
            _join(folder, process, held)
        yield


def _join(folder: DataFolder, process: ServingProcess, held: ExitStack) -> None:
    """Hold the first file that no process holds; on a full disk without any, hold none."""
    with suppress(StorageFull), translate_full_disk():
        make_private_folder(folder.processes)
        for number in count(1):
            path = folder.processes / str(number)
            lock = try_file_lock(path)
            if lock is None:
                continue
            # The lock is released again if the label cannot be written.
            with ExitStack() as locked:
                locked.enter_context(lock)
                with path.open("r+b", buffering=0) as file:
                    file.write(msgspec.json.encode(process).ljust(_LABEL_BYTES))
                held.enter_context(locked.pop_all())
            return


def _others(folder: DataFolder) -> list[ServingProcess]:
    """Return the processes that serve the folder, without this one."""
    files = sorted(folder.processes.iterdir()) if folder.processes.is_dir() else []
    found = [_read(file) for file in files if _is_held(file)]
    return [each for each in found if not each.is_this]


def _is_held(file: Path) -> bool:
    lock = try_file_lock(file)
    if lock is None:
        return True
    lock.close()
    return False


def _read(file: Path) -> ServingProcess:
    try:
        return msgspec.json.decode(file.read_bytes(), type=ServingProcess)
    except (OSError, msgspec.DecodeError):  # It is being written, or the disk was full.
        return _UNKNOWN
