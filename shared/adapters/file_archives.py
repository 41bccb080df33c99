"""Archives as files of the data folder."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from shared.adapters.data_folder import ArchiveFolder, make_folders
from shared.adapters.disk_errors import translate_disk_errors
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.digests import Digest
from shared.domain.archives.names import ArchiveName
from shared.domain.errors.packages import ArchiveLost
from shared.ports.archive_store import StoredArchive
from shared.ports.system import Clock
from shared.runtime.file_replacement import (
    opened_folder,
    sync_folder,
    sync_opened_folder,
)
from shared.runtime.private_files import (
    FileLock,
    hold_file_lock,
    make_private_folder,
    open_file_lock,
)
from shared.telemetry.log import log

SMALL_BYTES = 64 * 1024  # Writing them into memory takes a tenth of a millisecond.
_PIECE_BYTES = 1024 * 1024
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
            if self._has(digest, content) and self._renew(digest, len(content)):
                return
            with self._unsynced(content) as (temporary, descriptor):
                os.fsync(descriptor)
                self._move_here(temporary, digest)

    def _written_here(self, digest: Digest, content: bytes | memoryview) -> "_Written | None":
        """Write a small new archive on the event loop; return None for all others.

        While readers keep the loop busy, a thread waits for the interpreter after each system call.
        So a thread makes only the calls that wait for the disk.
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

    def _has(self, digest: Digest, content: bytes | memoryview) -> bool:
        """Check whether the archive is stored with this content; not so if it cannot be read."""
        rest = memoryview(content)
        try:
            with self._folder.archive(digest).open("rb") as file:
                while piece := file.read(_PIECE_BYTES):
                    if memoryview(piece) != rest[: len(piece)]:
                        return False
                    rest = rest[len(piece) :]
        except OSError:
            return False
        return not rest

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


def _made_folders(folder: Path) -> list[Path]:
    """Create the folder and its parents; return those to sync, the folder last."""
    if folder.is_dir():
        return [folder]
    above = _made_folders(folder.parent)
    make_private_folder(folder)
    return [*above, folder]
