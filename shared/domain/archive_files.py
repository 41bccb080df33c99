"""The files of an archive that was read whole before: which there are, and one of them at a time.

A directory and one file are read of an archive, and not all of it, so browsing costs little.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Self

from shared.domain.archive import Archive
from shared.domain.limits import KIB, MIB
from shared.domain.zip_records import (
    DirectorySpan,
    Entry,
    directory_entries,
    directory_span,
    entry_with_data,
)

TAIL_BYTES = 64 * KIB  # The directory of a thousand files, and its end.
MOST_FILE_BYTES = 16 * MIB  # Unpacked; larger ones are read by those who pull the archive.


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of an archive."""

    start: int
    count: int


@dataclass(frozen=True, slots=True)
class Folder:
    """What lies in one folder of an archive; `path` has no slash at its end, the root is empty."""

    path: str
    folders: tuple[str, ...]
    files: tuple[tuple[str, int], ...]  # Names with sizes in bytes.


@dataclass(frozen=True, slots=True)
class FileList:
    """Every entry of one archive, by name, and where each begins."""

    entries: dict[str, Entry]
    starts: tuple[int, ...]  # In order, and then the beginning of the directory.
    files: frozenset[str]  # The names of what is no folder.

    @classmethod
    def of(cls, entries: tuple[Entry, ...], directory: DirectorySpan) -> Self:
        """Return the list of these entries."""
        starts = sorted(entry.start for entry in entries)
        by_name = {entry.name: entry for entry in entries}
        files = frozenset(name for name in by_name if not name.endswith("/"))
        return cls(by_name, (*starts, directory.start), files)

    def file(self, path: str) -> Entry | None:
        """Return the file at the path, or None."""
        return self.entries[path] if path in self.files else None

    def span(self, entry: Entry) -> Span:
        """Return where the file lies, with its header."""
        end = self.starts[bisect_right(self.starts, entry.start)]
        return Span(entry.start, end - entry.start)

    def folder(self, path: str) -> Folder | None:
        """Return what lies in the folder, in order of name; None where nothing does."""
        beginning = f"{path}/" if path else ""
        folders, files = set[str](), list[tuple[str, int]]()
        for entry in self.entries.values():
            inside = entry.name.removeprefix(beginning) if entry.name.startswith(beginning) else ""
            name, slash, _ = inside.partition("/")
            if slash:
                folders.add(name)
            elif name:
                files.append((name, entry.unpacked_bytes))
        if not folders and not files:
            return None
        return Folder(path, tuple(sorted(folders)), tuple(sorted(files)))


def tail_of(size: int) -> Span:
    """Return which end of an archive of `size` bytes to read first."""
    start = max(0, size - TAIL_BYTES)
    return Span(start, size - start)


def missing_directory(tail: bytes, size: int) -> Span | None:
    """Return what of the directory lies before the tail, or None when the tail has all of it."""
    begin, start = size - len(tail), directory_span(memoryview(tail), size).start
    return Span(start, begin - start) if start < begin else None


def list_files(tail: bytes, size: int) -> FileList:
    """Return what the directory names; `tail` ends the archive and has all of the directory."""
    span = directory_span(memoryview(tail), size)
    begin = size - len(tail)
    directory = memoryview(tail)[span.start - begin : span.end - begin]
    return FileList.of(directory_entries(directory, span.count), span)


def unpacked(region: bytes, entry: Entry) -> bytes:
    """Return the content of a file from the bytes of its span."""
    located = entry_with_data(memoryview(region), entry)
    return Archive((located,)).read(entry.name)
