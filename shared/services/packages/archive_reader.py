"""Reads archives: refuses those that are too large, and bounds how many are read at once."""

import asyncio
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from shared.auth.tokens import TokenSearch
from shared.domain.archives.bala import Bala, read_bala
from shared.domain.archives.unpacking import ArchiveLimits, Documentation
from shared.domain.errors.packages import archive_too_large
from shared.domain.errors.requests import NoRoomForUpload, UploadTrouble
from shared.domain.packages import Release

ARCHIVE_READERS = 2  # Threads of a process: more would starve the event loop of the interpreter.
SMALL_ARCHIVE_BYTES = 64 * 1024  # Not counted: hundreds of them are no reason to refuse one.


def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(ARCHIVE_READERS, thread_name_prefix="bala")


@dataclass
class ArchiveReader:
    """Reads uploads within the limits of this registry.

    All uploads that a process has in hand take no more memory than `max_archives_in_hand` of the
    largest would. The local host bounds them before it reads them; a Functions host may pass on any
    number at once.
    """

    limits: ArchiveLimits
    max_archive_bytes: int
    max_archives_in_hand: int
    environment: str  # Its tokens are refused in archives.
    _bytes_in_hand: int = 0
    _threads: ThreadPoolExecutor = field(default_factory=_readers, repr=False)

    @property
    def of_mirrored(self) -> "ArchiveReader":
        """The reader of archives of other registries: of the same limits, without the rules that
        are no safety."""
        limits = replace(self.limits, documentation=Documentation.OPTIONAL)
        return replace(self, limits=limits)

    def of(self, release: Release) -> "ArchiveReader":
        """Return the reader by whose rules the archive of a stored release was accepted."""
        return self if release.upstream is None else self.of_mirrored

    async def read(self, content: bytes | memoryview) -> Bala:
        """Return the contents of an archive; raise `archive-too-large` or a `BadArchive`."""
        if len(content) > self.max_archive_bytes:
            raise archive_too_large(len(content), self.max_archive_bytes)
        loop = asyncio.get_running_loop()
        find_token = TokenSearch(self.environment).find
        reading = partial(read_bala, content, self.limits, find_token)
        return await loop.run_in_executor(self._threads, reading)

    async def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def in_hand(self, size_bytes: int) -> Generator[None]:
        """Count an upload until the block ends; raise `NoRoomForUpload` if there are too many."""
        counted = size_bytes if size_bytes > SMALL_ARCHIVE_BYTES else 0
        if self._bytes_in_hand + counted > self.max_archives_in_hand * self.max_archive_bytes:
            raise NoRoomForUpload(UploadTrouble.TAKEN)
        self._bytes_in_hand += counted
        try:
            yield
        finally:
            self._bytes_in_hand -= counted
