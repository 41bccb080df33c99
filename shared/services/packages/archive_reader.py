"""Reads archives: uploads, of which a process reads a bounded number at a time, and files inside of
stored archives.
"""

import asyncio
import dataclasses
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from sys import getsizeof

from msgspec.structs import replace

from shared.auth.access_tokens import TokenSearch
from shared.domain.archives.bala import Bala, read_bala
from shared.domain.archives.entry_names import MAX_NAMES_BYTES
from shared.domain.archives.limits import ArchiveLimits, Documentation
from shared.domain.archives.unpacking import (
    MAX_FILE_BYTES,
    ArchiveDirectory,
    ByteSpan,
    ZipArchive,
    directory_tail,
    find_no_token,
    list_files,
    missing_directory,
    unpack_file,
)
from shared.domain.archives.zip_records import MAX_EXTRA_BYTES
from shared.domain.errors.base import TooLarge, quoted
from shared.domain.errors.packages import file_not_in_archive, file_too_large
from shared.domain.errors.requests import NoRoomForUpload, UploadTrouble
from shared.domain.packages import Release
from shared.ports.archive_store import ArchiveStore
from shared.runtime.lru_cache import LruCache

ARCHIVE_READERS = 2  # Threads of one process: with more, the event loop would rarely run.
# Smaller uploads are not counted: even hundreds of them take little memory.
SMALL_ARCHIVE_BYTES = 64 * 1024


def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(ARCHIVE_READERS, thread_name_prefix="bala")


@dataclass
class ArchiveReader:
    """Reads uploads within the limits of this registry.

    The uploads that a process reads at a time take no more memory than `max_archives_in_hand`
    archives of the maximum size. The local host bounds them before it reads them; a Functions host
    may pass on any number at once.
    """

    limits: ArchiveLimits
    max_archives_in_hand: int
    environment: str  # Archives that contain a token of this environment are refused, unless empty.
    _bytes_in_hand: int = 0
    _threads: ThreadPoolExecutor = field(default_factory=_readers, repr=False)

    @property
    def of_mirrored(self) -> "ArchiveReader":
        """The reader of archives of other registries. It keeps the limits that protect this
        registry, and leaves out the rules about what a package should contain. A token of this
        registry is no secret any more there: it is shown to those who manage the release."""
        limits = replace(self.limits, documentation=Documentation.OPTIONAL)
        return dataclasses.replace(self, limits=limits, environment="")

    def of(self, release: Release) -> "ArchiveReader":
        """Return the reader whose rules the archive of a stored release had to keep."""
        return self if release.upstream is None else self.of_mirrored

    async def read(self, content: bytes | memoryview) -> Bala:
        """Return the contents of an archive; raise `archive-too-large` or a `BadArchive`."""
        self.limits.require_archive_size(len(content))
        loop = asyncio.get_running_loop()
        find_token = TokenSearch(self.environment).find if self.environment else find_no_token
        reading = partial(read_bala, content, self.limits, find_token)
        return await loop.run_in_executor(self._threads, reading)

    async def entries_hash(self, content: bytes) -> str:
        """Return the hash of the files of a stored archive; raise a `BadArchive`."""
        reading = partial(_entries_hash, content, self.limits)
        return await asyncio.get_running_loop().run_in_executor(self._threads, reading)

    async def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def in_hand(self, size_bytes: int) -> Generator[None]:
        """Count an upload until the block ends; raise `NoRoomForUpload` if too many are read
        already."""
        counted = size_bytes if size_bytes > SMALL_ARCHIVE_BYTES else 0
        if self._bytes_in_hand + counted > self.max_archives_in_hand * self.limits.archive_bytes:
            raise NoRoomForUpload(UploadTrouble.TAKEN)
        self._bytes_in_hand += counted
        try:
            yield
        finally:
            self._bytes_in_hand -= counted


def _entries_hash(content: bytes, limits: ArchiveLimits) -> str:
    return ZipArchive.open(content, limits).verify()


FILE_LISTS_CACHED_BYTES = 16 * 1024 * 1024  # The longest list, with 20,000 files, fits as well.
# The longest directory of an archive that may be pushed: headers of 46 bytes, extra fields, and
# names, which the archive may have twice. Older archives may have a longer directory.
MAX_DIRECTORY_BYTES = 20_000 * (46 + MAX_EXTRA_BYTES) + 2 * MAX_NAMES_BYTES
_FILE_BYTES = 230  # Memory of one file in a list without its name, measured.
ON_THE_LOOP_BYTES = 64 * 1024  # Unpacked in less than a millisecond.


class ArchiveFiles:
    """Lists and reads the files of archives.

    A list costs one read of the end of the archive, or two where it has thousands of files; a file
    costs one more.
    """

    def __init__(self, archives: ArchiveStore) -> None:
        self._archives = archives
        self._lists = LruCache[str, ArchiveDirectory](
            FILE_LISTS_CACHED_BYTES, weigh=lambda _, files: memory_of_files(files)
        )

    async def list(self, release: Release) -> ArchiveDirectory:
        files = self._lists.get(release.digest)
        if files is None:
            files = await self._list(release)
            self._lists.put(release.digest, files)
        return files

    async def read(self, release: Release, path: str) -> bytes:
        """Return one file; raise `file-not-in-archive` or `file-too-large-to-show`."""
        files = await self.list(release)
        entry = files.file(path)
        if entry is None:
            raise file_not_in_archive(release.coordinate, path)
        if entry.unpacked_bytes > MAX_FILE_BYTES:
            raise TooLarge(
                "file-too-large-to-show",
                f"The file {quoted(path)} has {entry.unpacked_bytes:,} bytes, and files of up to "
                f"{MAX_FILE_BYTES:,} are sent one by one. Pull the archive to read it.",
            )
        region = await self._read(release, files.span(entry))
        if max(len(region), entry.unpacked_bytes) <= ON_THE_LOOP_BYTES:
            return unpack_file(region, entry)
        return await asyncio.to_thread(unpack_file, region, entry)

    async def _list(self, release: Release) -> ArchiveDirectory:
        size = release.size_bytes
        tail = await self._read(release, directory_tail(size))
        missing = missing_directory(tail, size)
        if missing is not None:
            if missing.count > MAX_DIRECTORY_BYTES:
                name = "list of files of the archive"
                way_out = "Pull the archive to see its files."
                raise file_too_large(name, missing.count, MAX_DIRECTORY_BYTES, way_out)
            tail = await self._read(release, missing) + tail
        return await asyncio.to_thread(list_files, tail, size)

    async def _read(self, release: Release, span: ByteSpan) -> bytes:
        return await self._archives.read(release.archive, span.start, span.count)


def memory_of_files(files: ArchiveDirectory) -> int:
    """Return about how many bytes of memory a list of files takes."""
    return sum(_FILE_BYTES + getsizeof(name) for name in files.entries)
