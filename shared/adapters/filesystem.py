"""Files of the data folder: their names, which no other module makes, archives, snapshots, and the
errors of the disk.
"""

import asyncio
import errno
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from msgspec import Struct

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.digests import Digest
from shared.domain.archives.names import ArchiveName
from shared.domain.errors.packages import ArchiveLost
from shared.domain.errors.requests import Busy, StorageFull
from shared.domain.revocations import Revocation, from_lines, to_lines
from shared.ports.archive_store import StoredArchive
from shared.ports.system import Clock
from shared.runtime.file_replacement import (
    Durability,
    opened_folder,
    partial_path,
    replacing,
    sync_file,
    sync_folder,
    sync_opened_folder,
)
from shared.runtime.private_files import (
    FileLock,
    hold_file_lock,
    make_private_folder,
    open_file_lock,
    open_private,
    try_file_lock,
)
from shared.telemetry.log import log


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
    """The names below the folder that a registry on one machine lives in."""

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


SMALL_BYTES = 64 * 1024  # Writing them into memory takes a tenth of a millisecond.
_NS_PER_MS = 1_000_000


class FileArchives:
    """The ArchiveStore of a registry on one machine: one folder for all archives, by digest."""

    def __init__(self, folder: ArchiveFolder, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def path(self, name: ArchiveName) -> Path:
        """Return the path of an archive, which may not exist."""
        return self._folder.archive(name.digest)

    async def put(
        self,
        name: ArchiveName,
        content: bytes | memoryview,
        container: ArchiveContainer,  # noqa: ARG002 - there is one folder for all archives.
    ) -> None:
        written = self._written_here(name.digest, content)
        if written is None:
            await asyncio.to_thread(self._put, name.digest, content)
        else:  # A caller that is cancelled closes nothing that a thread still uses.
            await asyncio.shield(asyncio.create_task(self._place(written)))

    async def stat(self, name: ArchiveName) -> StoredArchive | None:
        return self._stat(name.digest)  # A thread would cost ten times as much.

    async def read(
        self,
        name: ArchiveName,
        start: int = 0,
        count: int | None = None,
        *,
        first: ArchiveContainer = ArchiveContainer.PUBLIC,  # noqa: ARG002 - there is one folder for all archives.
    ) -> bytes:
        return await asyncio.to_thread(self._read, name, start, count)

    async def move(self, name: ArchiveName, to: ArchiveContainer) -> None:
        """Do nothing: every link leads to the registry, which checks the records."""

    async def list(self, stored_before_ms: int) -> AsyncIterator[StoredArchive]:
        for prefix in await asyncio.to_thread(_names, self._folder.content):
            for archive in await asyncio.to_thread(self._archives, prefix):
                if archive.stored_ms < stored_before_ms:
                    yield archive

    async def delete(self, digest: Digest, stored_before_ms: int) -> bool:
        return await asyncio.to_thread(self._delete, digest, stored_before_ms)

    def sweep_temporary(self, before_ms: int) -> int:
        """Delete files that killed writers left before that time; return how many."""
        with translate_disk_errors():
            names = _names(self._folder.temporary)
            files = [self._folder.temporary / name for name in names]
            return [_remove_older(file, before_ms * _NS_PER_MS) for file in files].count(True)

    def _put(self, digest: Digest, content: bytes | memoryview) -> None:
        with translate_disk_errors():
            if self._renew(digest, len(content)):
                return
            with self._unsynced(content) as (temporary, descriptor):
                os.fsync(descriptor)
                self._move_here(temporary, digest)

    def _written_here(self, digest: Digest, content: bytes | memoryview) -> "_Written | None":
        """Write a small new archive on the event loop; return None for all others.

        While readers keep the loop busy, a thread waits for the interpreter after each call of the
        system: it is left those that wait for the disk.
        """
        if len(content) > SMALL_BYTES or self._stat(digest) is not None:
            return None
        with translate_disk_errors(), ExitStack() as opened:
            temporary = opened.enter_context(self._unsynced(content))
            target = self._folder.archive(digest)
            folders = [
                opened.enter_context(opened_folder(each)) for each in _made_folders(target.parent)
            ]
            lock = opened.enter_context(open_file_lock(self._folder.lock(digest)))
            return _Written(*temporary, target, folders, lock, opened.pop_all())

    async def _place(self, written: "_Written") -> None:
        try:
            await asyncio.to_thread(written.move_durably)
        finally:
            written.close()

    def _move_here(self, temporary: Path, digest: Digest) -> None:
        target = self._folder.archive(digest)
        with hold_file_lock(self._folder.lock(digest)):
            make_folders(target.parent)
            temporary.replace(target)
            sync_folder(target.parent)

    def _renew(self, digest: Digest, size_bytes: int) -> bool:
        """Renew the time of the archive if it is complete; return whether it is.

        A concurrent delete waits for the lock, and then reads the new time.
        """
        with hold_file_lock(self._folder.lock(digest)):
            there = self._stat(digest)
            if there is None or there.size_bytes != size_bytes:
                return False
            self._set_time(self._folder.archive(digest))
            return True

    def _set_time(self, file: Path) -> None:
        now_ns = self._clock.now_ms() * _NS_PER_MS
        os.utime(file, ns=(now_ns, now_ns))

    @contextmanager
    def _unsynced(self, content: bytes | memoryview) -> Generator[tuple[Path, int]]:
        """Yield a temporary file with the content, and its descriptor; delete it if it is not
        moved."""
        make_folders(self._folder.temporary)
        descriptor, name = tempfile.mkstemp(dir=self._folder.temporary)
        temporary = Path(name)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - mkstemp opened it.
                file.write(content)
                file.flush()
                self._set_time(temporary)
                yield temporary, descriptor
        finally:
            temporary.unlink(missing_ok=True)

    def _stat(self, digest: Digest) -> StoredArchive | None:
        with translate_disk_errors(), suppress(FileNotFoundError):
            stat = self._folder.archive(digest).stat()
            return StoredArchive(digest, stat.st_size, stat.st_mtime_ns // _NS_PER_MS)
        return None

    def _read(self, name: ArchiveName, start: int, count: int | None) -> bytes:
        path = self._folder.archive(name.digest)
        with translate_disk_errors(), suppress(FileNotFoundError), path.open("rb") as file:
            file.seek(start)
            return file.read(-1 if count is None else count)
        log.error("archive.lost", coordinate=str(name.coordinate), digest=name.digest.hex)
        raise ArchiveLost(name.coordinate)

    def _archives(self, prefix: str) -> Sequence[StoredArchive]:
        folder = self._folder.content / prefix
        files = (name for part in _names(folder) for name in _names(folder / part))
        stats = (self._stat(Digest(name)) for name in files)
        return [stat for stat in stats if stat is not None]

    def _delete(self, digest: Digest, stored_before_ms: int) -> bool:
        with translate_disk_errors(), hold_file_lock(self._folder.lock(digest)):
            there = self._stat(digest)
            if there is None:
                return True
            if there.stored_ms >= stored_before_ms:
                return False
            file = self._folder.archive(digest)
            file.unlink()
            sync_folder(file.parent)
            return True


class FileRevocations:
    """The RevocationStore of a registry on one machine: a file to which lines are appended."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def add(self, revocations: Sequence[Revocation]) -> None:
        await asyncio.to_thread(self._add, to_lines(revocations))

    async def read(self) -> list[Revocation]:
        return await asyncio.to_thread(read_revocations, self._file)

    async def compact(self) -> None:
        """Do nothing: it is one file."""

    def _add(self, lines: bytes) -> None:
        with translate_disk_errors(), open_private(self._file, "ab") as file:
            if file.tell() and not _ends_with_a_line(self._file):
                lines = b"\n" + lines  # A writer was killed before it had written its last line.
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())


def _ends_with_a_line(file: Path) -> bool:
    with file.open("rb") as opened:
        opened.seek(-1, os.SEEK_END)
        return opened.read(1) == b"\n"


def read_revocations(file: Path) -> list[Revocation]:
    """Return the entries of a list; none if there is no such file."""
    with translate_disk_errors(), suppress(FileNotFoundError):
        return from_lines(file.read_bytes())
    return []


class _Written(Struct, frozen=True):
    """A temporary file that is not on the disk yet, and the place that it is moved to."""

    path: Path
    descriptor: int
    target: Path
    folders: Sequence[int | None]  # Descriptors: each holds the next, and the last the target.
    lock: FileLock
    opened: ExitStack

    def move_durably(self) -> None:
        """Wait for the disk, and move the file."""
        *parents, folder = self.folders
        with translate_disk_errors():
            os.fsync(self.descriptor)
            for each in parents:
                sync_opened_folder(each)
            # Not earlier: who waits for the lock keeps a thread, and this may wait for one.
            self.lock.acquire()
            self.path.replace(self.target)
            sync_opened_folder(folder)

    def close(self) -> None:
        """Release the lock, close everything, and delete the temporary file if it was not moved."""
        self.opened.close()


class FilePieces:
    """Files with the pieces of the documentation of archives; none of them ever changes."""

    def __init__(self, folder: PiecesFolder) -> None:
        self._folder = folder

    def put(self, digest: Digest, name: str, file: Path) -> None:
        """Store a file, which may be moved from where it is."""
        target = self._folder.file(digest, name)
        with translate_disk_errors():
            make_folders(target.parent)
            # Two processes may document one archive at once.
            partial = partial_path(target.with_name(f"{target.name}.{uuid4().hex}"))
            with replacing(target, Durability.SYNCED, partial=partial):
                shutil.move(file, partial)

    def read(self, digest: Digest, name: str, start: int, count: int) -> bytes | None:
        """Return a range of a file; None if it was deleted."""
        path = self._folder.file(digest, name)
        # Unbuffered: a buffer would read more than is asked for.
        with translate_disk_errors(), suppress(FileNotFoundError), path.open("rb", 0) as file:
            file.seek(start)
            return file.read(count)
        return None

    def delete_others(self, digest: Digest, name: str = "") -> None:
        """Delete the files of an archive but the one with this name."""
        with translate_disk_errors():
            for file in self._folder.files(digest):
                if not name or file != self._folder.file(digest, name):
                    file.unlink(missing_ok=True)


def _names(folder: Path) -> list[str]:
    with translate_disk_errors(), suppress(FileNotFoundError):
        return sorted(entry.name for entry in folder.iterdir())
    return []


def _remove_older(file: Path, before_ns: int) -> bool:
    with suppress(FileNotFoundError):  # Its writer has moved it meanwhile.
        if file.stat().st_mtime_ns < before_ns:
            file.unlink()
            return True
    return False


def make_folders(folder: Path) -> None:
    """Create the folder and its parents durably."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    make_private_folder(folder)
    sync_folder(folder.parent)


def _made_folders(folder: Path) -> list[Path]:
    """Create the folder and its parents; return those to sync, the folder last."""
    if folder.is_dir():
        return [folder]
    above = _made_folders(folder.parent)
    make_private_folder(folder)
    return [*above, folder]


PIECE_BYTES = 256 * 1024  # Read at once.


class SnapshotFolder:
    """The SnapshotStore of a registry on one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def write(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        file = self._folder / name
        with translate_disk_errors():
            make_private_folder(file.parent)
            with replacing(file, Durability.SYNCED) as partial:
                with open_private(partial, "xb") as opened:
                    async for piece in pieces:
                        await asyncio.to_thread(opened.write, piece)
                # Here already, since the block ends on the event loop.
                await asyncio.to_thread(sync_file, partial)

    async def read(self, name: str) -> AsyncGenerator[bytes]:
        file = self._folder / name
        if not file.is_file():
            return
        with file.open("rb") as opened:
            while piece := await asyncio.to_thread(opened.read, PIECE_BYTES):
                yield piece

    async def list(self) -> list[str]:
        files = [file for file in self._folder.glob("*/*") if file.suffix != ".partial"]
        return [file.relative_to(self._folder).as_posix() for file in files]

    async def delete(self, name: str) -> None:
        file = self._folder / name
        file.unlink(missing_ok=True)
        if file.parent.is_dir() and not any(file.parent.iterdir()):
            file.parent.rmdir()


FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def translate_disk_errors() -> Generator[None]:
    """Raise `StorageFull` if the disk is full, and `Busy` for other errors of the disk."""
    try:
        with translate_full_disk():
            yield
    except OSError as error:
        raise Busy from error


@contextmanager
def translate_full_disk() -> Generator[None]:
    """Raise `StorageFull` if the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL_DISK:
            raise
        raise StorageFull from error
