"""Unpacking: the files of an archive for those who look before they pull."""

import asyncio

from shared.auth.recent import Recent
from shared.domain.archive_files import (
    MOST_FILE_BYTES,
    FileList,
    Span,
    list_files,
    missing_directory,
    tail_of,
    unpacked,
)
from shared.domain.errors import FileNotInArchive, FileTooLargeToShow
from shared.domain.package import Release
from shared.ports import ArchiveStore

# Lists that are remembered, and of how many files one is long; all together have some 40 MB.
REMEMBERED, REMEMBERED_LONG, LONG = 32, 2, 2_000
ON_THE_LOOP_BYTES = 64 * 1024  # Unpacking as much takes less than a millisecond.


class Unpacking:
    """Lists and reads the files of archives.

    A list costs one read of the end of the archive, or two where it has thousands of files; a file
    costs one more.
    """

    def __init__(self, archives: ArchiveStore) -> None:
        """Read from these archives."""
        self._archives = archives
        self._lists = Recent[FileList](REMEMBERED)
        self._long = Recent[FileList](REMEMBERED_LONG)

    async def files(self, release: Release) -> FileList:
        """Return what the archive of a release holds."""
        known = self._lists.get(release.digest) or self._long.get(release.digest)
        if known is None:
            known = await self._list(release)
            lists = self._long if len(known.entries) > LONG else self._lists
            lists.put(release.digest, known)
        return known

    async def file(self, release: Release, path: str) -> bytes:
        """Return one file; raise `FileNotInArchive` or `FileTooLargeToShow`."""
        files = await self.files(release)
        entry = files.file(path)
        if entry is None:
            raise FileNotInArchive(release.coordinate, path)
        if entry.unpacked_bytes > MOST_FILE_BYTES:
            raise FileTooLargeToShow(path, entry.unpacked_bytes, MOST_FILE_BYTES)
        region = await self._read(release, files.span(entry))
        if max(len(region), entry.unpacked_bytes) <= ON_THE_LOOP_BYTES:
            return unpacked(region, entry)
        return await asyncio.to_thread(unpacked, region, entry)

    async def _list(self, release: Release) -> FileList:
        size = release.size_bytes
        tail = await self._read(release, tail_of(size))
        missing = missing_directory(tail, size)
        if missing is not None:
            tail = await self._read(release, missing) + tail
        return await asyncio.to_thread(list_files, tail, size)

    async def _read(self, release: Release, span: Span) -> bytes:
        return await self._archives.read(release.archive, span.start, span.count)
