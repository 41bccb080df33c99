"""The budget of what a process fetches from other registries at the same time."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from mmap import ACCESS_READ, mmap
from pathlib import Path

from shared.adapters.disk_errors import translate_disk_errors
from shared.domain.archives.digests import Digest
from shared.ports.http_client import NoRoomToFetch

ARCHIVES = 4  # Archives fetched at once; each is in a file of at most the limit of archives.
DOCUMENT_BYTES = 64 * 1024 * 1024  # Memory for documents: eight of the largest.
# The wait for another archive to end; `bal` gives up after 60 seconds.
WAIT_FOR_ROOM = timedelta(seconds=20)


class FetchedFile:
    """The bytes of an archive, in a file without a name, and their digest.

    The system deletes the file when nobody uses it any more, also after the process was killed.
    """

    def __init__(self, folder: Path) -> None:
        with translate_disk_errors():
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        self._digest = hashlib.sha256()
        self._content = memoryview(b"")

    def write(self, piece: bytes) -> None:
        """Append a piece; raise `StorageFull`."""
        self._digest.update(piece)
        with translate_disk_errors():
            rest = memoryview(piece)
            while rest:  # A disk that becomes full accepts only a part of the piece.
                rest = rest[self._file.write(rest) :]

    @property
    def digest(self) -> Digest:
        return Digest(self._digest.hexdigest())

    def content(self) -> memoryview:
        """Map the file: its pages belong to the cache of the system, not to the process."""
        if self._file.tell():
            with translate_disk_errors():
                self._content = memoryview(mmap(self._file.fileno(), 0, access=ACCESS_READ))
        return self._content

    def close(self) -> None:
        """Give the file back, whoever still has the content."""
        self._content.release()
        self._file.close()


class FetchBudget:
    """Bounds the archives, and the bytes of documents, that a process has in hand."""

    def __init__(
        self,
        folder: Path,
        *,
        archives: int = ARCHIVES,
        document_bytes: int = DOCUMENT_BYTES,
        wait: timedelta = WAIT_FOR_ROOM,
    ) -> None:
        """`folder` gets the files of archives."""
        self._folder = folder
        self._archives = asyncio.Semaphore(archives)
        self._document_bytes = document_bytes
        self._wait = wait

    @asynccontextmanager
    async def archive(self) -> AsyncGenerator[FetchedFile]:
        """Wait for the place of an archive, and keep it until the block ends; raise
        `NoRoomToFetch`."""
        try:
            async with asyncio.timeout(self._wait.total_seconds()):
                await self._archives.acquire()
        except TimeoutError:
            raise NoRoomToFetch from None
        try:
            file = FetchedFile(self._folder)
            try:
                yield file
            finally:
                file.close()
        finally:
            self._archives.release()

    def count_document(self, count: int) -> None:
        """Count bytes of a document that arrived, or, as a negative number, all that it had; raise
        `NoRoomToFetch` if they are too many."""
        if count > self._document_bytes:
            raise NoRoomToFetch
        self._document_bytes -= count
