"""The files inside an archive, and readmes and sources rendered as HTML."""

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from hashlib import sha256
from sys import getsizeof
from time import thread_time

from shared.caching import LruCache, SingleFlight
from shared.domain.archives.names import Digest
from shared.domain.archives.unpacking import (
    MAX_FILE_BYTES,
    ArchiveDirectory,
    ByteSpan,
    directory_tail,
    list_files,
    missing_directory,
    unpack_file,
)
from shared.domain.archives.zip_records import ZipEntry
from shared.domain.errors.base import Unavailable
from shared.domain.errors.packages import FileNotInArchive, FileTooLargeToShow
from shared.domain.packages import Release
from shared.ports import ArchiveStore, DocumentStore
from shared.prose.rendering import SafeHtml, TextPlace, highlight, render_markdown, renderer_version

FILE_LISTS_CACHED_BYTES = 16 * 1024 * 1024  # Also the longest list, of 20,000 files, fits.
_FILE_BYTES = 400  # Of memory, measured; besides the name, which is there twice.
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
        """Return the list of the files in the archive of a release."""
        files = self._lists.get(release.digest)
        if files is None:
            files = await self._list(release)
            self._lists.put(release.digest, files)
        return files

    async def read(self, release: Release, path: str) -> bytes:
        """Return one file; raise `FileNotInArchive` or `FileTooLargeToShow`."""
        files = await self.list(release)
        entry = files.file(path)
        if entry is None:
            raise FileNotInArchive(release.coordinate, path)
        if entry.unpacked_bytes > MAX_FILE_BYTES:
            raise FileTooLargeToShow(path, entry.unpacked_bytes, MAX_FILE_BYTES)
        region = await self._read(release, files.span(entry))
        if max(len(region), entry.unpacked_bytes) <= ON_THE_LOOP_BYTES:
            return unpack_file(region, entry)
        return await asyncio.to_thread(unpack_file, region, entry)

    async def read_all(self, release: Release, paths: Sequence[str]) -> dict[str, bytes]:
        """Return files of the list, by one read of the part of the archive that has them."""
        if not paths:
            return {}
        files = await self.list(release)
        entries = [files.entries[path] for path in paths]
        spans = [files.span(entry) for entry in entries]
        start = min(span.start for span in spans)
        end = max(span.start + span.count for span in spans)
        region = await self._read(release, ByteSpan(start, end - start))
        return await asyncio.to_thread(
            _unpack_all, region, start, list(zip(entries, spans, strict=True))
        )

    async def _list(self, release: Release) -> ArchiveDirectory:
        size = release.size_bytes
        tail = await self._read(release, directory_tail(size))
        missing = missing_directory(tail, size)
        if missing is not None:
            tail = await self._read(release, missing) + tail
        return await asyncio.to_thread(list_files, tail, size)

    async def _read(self, release: Release, span: ByteSpan) -> bytes:
        return await self._archives.read(release.archive, span.start, span.count)


def _unpack_all(
    region: bytes, start: int, files: Iterable[tuple[ZipEntry, ByteSpan]]
) -> dict[str, bytes]:
    contents = dict[str, bytes]()
    for entry, span in files:
        begin = span.start - start
        contents[entry.name] = unpack_file(region[begin : begin + span.count], entry)
    return contents


def memory_of_files(files: ArchiveDirectory) -> int:
    """Return about how many bytes of memory a list of files takes."""
    return sum(_FILE_BYTES + 3 * len(name) for name in files.entries)


RENDERED_ON_THE_LOOP = 1_024  # Characters; they take a millisecond, and 15 at worst.
RENDERINGS_KEPT_BYTES = 24 * 1024 * 1024  # Of memory: readmes of 9 KB of some 2,600 releases.
_RENDERING_BYTES = 300  # Of memory, besides the HTML: its name, and the entry of the cache.
STORED_IF_SLOWER_THAN = timedelta(milliseconds=1)  # Reading one takes a tenth of that from a file.
_PREFIX = "readme"  # Of every id in a text.


class RenderedTexts:
    """Renders texts and sources of archives as HTML.

    Rendering in Python holds the interpreter. So one thread of a process does it, each text takes
    at most about 200 ms (`shared/prose/rendering.py`), and the HTML of a slow one is stored for all
    processes and instances, beside the other documents of its archive.
    """

    def __init__(
        self, documents: DocumentStore, stored_from: timedelta = STORED_IF_SLOWER_THAN
    ) -> None:
        self._documents = documents
        self._stored_from = stored_from
        self._cached = LruCache[str, SafeHtml](
            RENDERINGS_KEPT_BYTES, weigh=lambda _, html: _RENDERING_BYTES + getsizeof(html)
        )
        self._single_flight = SingleFlight[SafeHtml]()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="prose")

    async def render(self, archive: Digest, text: str, place: TextPlace) -> SafeHtml:
        """Return a text of the archive as HTML that is safe in the registry's pages."""
        name = _name(archive, text, place)
        html = self._cached.get(name)
        if html is None:
            if len(text) <= RENDERED_ON_THE_LOOP:
                html = render_markdown(text, place, _PREFIX)
            else:
                make = partial(self._stored_or_rendered, archive, name, text, place)
                html = await self._single_flight.answer(name, make)
            self._cached.put(name, html)
        return html

    async def highlight(self, path: str, text: str) -> SafeHtml:
        """Return a file of an archive with its syntax highlighted; simultaneous calls share one."""
        if len(text) <= RENDERED_ON_THE_LOOP:
            return highlight(path, text)
        return await self._single_flight.answer(
            (path, text), partial(self._highlight_on_thread, path, text)
        )

    async def close(self) -> None:
        """Stop the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _highlight_on_thread(self, path: str, text: str) -> SafeHtml:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, highlight, path, text)

    async def _stored_or_rendered(
        self, archive: Digest, name: str, text: str, place: TextPlace
    ) -> SafeHtml:
        version = renderer_version().encode()
        with suppress(Unavailable):
            stored = await self._documents.rendering(archive, name)
            if stored is not None and stored.startswith(version):
                return SafeHtml(stored[len(version) :].decode())
        loop = asyncio.get_running_loop()
        html, seconds = await loop.run_in_executor(self._thread, _timed, text, place)
        if seconds >= self._stored_from.total_seconds():
            with suppress(Unavailable):
                await self._documents.put_rendering(archive, name, version + html.encode())
        return html


def _timed(text: str, place: TextPlace) -> tuple[SafeHtml, float]:
    began = thread_time()
    html = render_markdown(text, place, _PREFIX)
    return html, thread_time() - began


def _name(archive: Digest, text: str, place: TextPlace) -> str:
    """Return the name of a rendering: a hash of its input.

    The file names to link to are those of the archive, unless the archive is lost.
    """
    count = -1 if place.names is None else len(place.names)
    parts = (archive.hex, place.files, place.folder, place.pages, str(count), text)
    return sha256("\0".join(parts).encode(errors="replace")).hexdigest()
