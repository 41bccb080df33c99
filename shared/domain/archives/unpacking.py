"""Unpacking an archive within limits: all entries once, or the directory and one file at a time."""

import hashlib
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Self

from msgspec import Struct

from shared.domain.archives.limits import KIB, MIB, ArchiveLimits
from shared.domain.archives.zip_records import (
    METHOD_DEFLATED,
    DirectorySpan,
    ListedEntry,
    ZipEntry,
    directory_span,
    entry_damaged,
    entry_data,
    list_directory,
    read_entries,
)
from shared.domain.errors.base import BadArchive, printable
from shared.domain.secret_forms import is_text, may_have_secret

FindToken = Callable[[bytes], int | None]  # Returns where in a content an access token begins.
MAX_TOKEN_BYTES = 128  # No token is longer.


def find_no_token(content: bytes) -> None:  # noqa: ARG001 - of callers that search for none.
    return None


_STEP = 64 * 1024  # Packed bytes at once. Small, because the rest of a step is copied.
_CHUNK = 256 * 1024  # Unpacked bytes at once: the most that `verify` holds.


class ZipArchive:
    """A strict zip archive. It is not safe to use from two threads at once."""

    def __init__(self, entries: tuple[ZipEntry, ...]) -> None:
        """Take entries whose headers and sizes are checked; their data is not checked yet."""
        self._entries = {entry.name: entry for entry in entries}
        self._kept: dict[str, bytes] = {}
        self._suspects: tuple[str, ...] = ()

    @classmethod
    def open(cls, content: bytes | memoryview, limits: ArchiveLimits) -> Self:
        """Open an archive in memory, or refuse its container or the sizes in its headers."""
        entries = read_entries(memoryview(content).cast("B"), limits.entries)
        _refuse_sizes(entries, limits)
        return cls(entries)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._entries)

    def size(self, name: str) -> int:
        return self._entries[name].unpacked_bytes

    def read(self, name: str) -> bytes:
        """Return the content of an entry. It is unpacked once and cached."""
        if name not in self._kept:
            self._kept[name] = b"".join(_unpacked(self._entries[name], self._entries[name].data))
        return self._kept[name]

    @property
    def suspects(self) -> tuple[str, ...]:
        """The files that may have secrets in them, once all were verified."""
        return self._suspects

    def verify(self, find_token: FindToken = find_no_token) -> str:
        """Unpack all entries that were not read yet, and discard their content; refuse one with
        an access token. Return the `entries_hash` of the files."""
        digests = dict[str, str]()
        suspects = list[str]()
        for name, entry in self._entries.items():
            pieces = (self._kept[name],) if name in self._kept else _unpacked(entry, entry.data)
            hasher = hashlib.sha256()
            look = _SecretLook(find_token)
            start = look.start_of_token(_passed_to(hasher.update, pieces))
            if start is not None:
                raise BadArchive(
                    "token-in-archive",
                    f"{printable(name)} contains an access token of this registry in line "
                    f"{_line_at(entry, start):,}, and whoever pulls the package could use it. "
                    "Revoke the token, remove it and pack again.",
                )
            if look.is_suspect:
                suspects.append(name)
            if not entry.is_folder:
                digests[name] = hasher.hexdigest()
        self._suspects = tuple(suspects)
        return entries_hash(digests)


def entries_hash(digests: Mapping[str, str]) -> str:
    """Return the hash of the content of an archive, from the SHA-256 of each file by its name.

    It is the SHA-256 of what `sha256sum` prints of the files, sorted by name. Order, times, modes,
    compression and folders are no part of it. No name has a line break, so each list of files has
    one text.
    """
    lines = (f"{digests[name]}  {name}\n" for name in sorted(digests))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _refuse_sizes(entries: tuple[ZipEntry, ...], limits: ArchiveLimits) -> None:
    """Refuse archives that unpack to too much; `_unpacked` enforces the sizes in the headers."""
    for entry in entries:
        if entry.unpacked_bytes > max(limits.ratio_from_bytes, limits.ratio * entry.packed_bytes):
            raise BadArchive(
                "ratio-too-high",
                f"The entry {printable(entry.name)} unpacks to more than {limits.ratio} times its "
                "packed size. Shorten what repeats in it, or leave it out.",
            )
    packed_bytes = sum(entry.packed_bytes for entry in entries)
    unpacked_bytes = sum(entry.unpacked_bytes for entry in entries)
    if unpacked_bytes > limits.unpacked_bytes:
        raise BadArchive(
            "unpacks-too-large",
            f"The archive unpacks to more than {limits.unpacked_bytes:,} bytes, the most that "
            "this registry takes. Leave out what the package does not need.",
        )
    if unpacked_bytes > max(limits.archive_ratio_from_bytes, limits.ratio * packed_bytes):
        raise BadArchive(
            "archive-ratio-too-high",
            f"The entries of the archive unpack to {unpacked_bytes:,} bytes, more than "
            f"{limits.ratio} times their packed size. Shorten what repeats in them, or leave it "
            "out.",
        )


def _unpacked(entry: ZipEntry | ListedEntry, data: memoryview) -> Iterator[bytes | memoryview]:
    crc = size = 0
    stored = (data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK))
    for piece in _inflated(entry.name, data) if entry.method == METHOD_DEFLATED else stored:
        size += len(piece)
        if size > entry.unpacked_bytes:
            raise entry_damaged(entry.name, "it is larger than its header says")
        crc = zlib.crc32(piece, crc)
        yield piece
    if (crc, size) != (entry.crc, entry.unpacked_bytes):
        raise entry_damaged(entry.name, "its content is not what its CRC or size says")


def _passed_to(
    update: Callable[[bytes | memoryview], None], pieces: Iterable[bytes | memoryview]
) -> Iterator[bytes | memoryview]:
    for piece in pieces:
        update(piece)
        yield piece


class _SecretLook:
    """Looks for access tokens of this registry in a file, and notes whether it may have a secret of
    another form: the file is then read closely by who asks for that."""

    def __init__(self, find_token: FindToken) -> None:
        self._find_token = find_token
        self.is_suspect = False

    def start_of_token(self, pieces: Iterable[bytes | memoryview]) -> int | None:
        """Return where the first token begins, also one that two pieces share."""
        size = 0  # Bytes in the earlier pieces.
        end = b""  # The last bytes of the earlier pieces.
        is_text_file = True
        for piece in pieces:
            content = end + piece
            found = self._find_token(content)
            if found is not None:
                return size - len(end) + found
            is_text_file = is_text_file and (size > 0 or is_text(content))
            if is_text_file and not self.is_suspect:
                self.is_suspect = may_have_secret(content)
            size += len(piece)
            end = content[-MAX_TOKEN_BYTES:]
        return None


def _line_at(entry: ZipEntry, position: int) -> int:
    line = 1
    for piece in _unpacked(entry, entry.data):
        line += bytes(piece[:position]).count(b"\n")
        position = max(0, position - len(piece))
    return line


def _inflated(name: str, rest: memoryview) -> Iterator[bytes]:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        while rest and not stream.eof:
            piece = stream.decompress(rest[:_STEP], _CHUNK)
            rest = rest[_STEP:]
            while piece:
                yield piece
                piece = stream.decompress(stream.unconsumed_tail, _CHUNK)
    except zlib.error:
        raise entry_damaged(name, "its data cannot be unpacked") from None
    if not stream.eof:
        raise entry_damaged(name, "its data is cut off")
    if rest or stream.unused_data:
        raise entry_damaged(name, "there are bytes behind its packed data")


TAIL_BYTES = 64 * KIB  # The directory of a thousand files, and its end.
MAX_FILE_BYTES = 6 * MIB  # Unpacked; for larger ones clients pull the archive.


class ByteSpan(Struct, frozen=True):
    start: int
    count: int


class FolderListing(Struct, frozen=True):
    """The content of one folder; `path` has no slash at the end, the root is empty."""

    path: str
    folders: tuple[str, ...]
    files: tuple[tuple[str, int], ...]  # Names with sizes in bytes.


class ArchiveDirectory(Struct, frozen=True):
    """All entries of an archive by name, and where each begins."""

    entries: dict[str, ListedEntry]
    starts: tuple[int, ...]  # Sorted; the last one is the start of the directory.

    @classmethod
    def of(cls, directory: bytes, span: DirectorySpan) -> Self:
        entries = {each.name: each for each in list_directory(directory, span.count)}
        return cls(entries, (*sorted(each.start for each in entries.values()), span.start))

    @property
    def files(self) -> frozenset[str]:
        """The names of entries that are no folders, made anew at each call."""
        return frozenset(name for name, entry in self.entries.items() if not entry.is_folder)

    def file(self, path: str) -> ListedEntry | None:
        entry = self.entries.get(path)
        return None if entry is None or entry.is_folder else entry

    def span(self, entry: ListedEntry) -> ByteSpan:
        """Return where the file is in the archive, with its header."""
        end = self.starts[bisect_right(self.starts, entry.start)]
        return ByteSpan(entry.start, end - entry.start)

    def folder(self, path: str) -> FolderListing | None:
        """Return the content of a folder, sorted by name; None where there is none."""
        beginning = f"{path}/" if path else ""
        folders = set[str]()
        files = list[tuple[str, int]]()
        for entry in self.entries.values():
            inside = entry.name.removeprefix(beginning) if entry.name.startswith(beginning) else ""
            name, slash, _ = inside.partition("/")
            if slash:
                folders.add(name)
            elif name:
                files.append((name, entry.unpacked_bytes))
        if not folders and not files:
            return None
        return FolderListing(path, tuple(sorted(folders)), tuple(sorted(files)))


def directory_tail(size: int) -> ByteSpan:
    """Return which part of the end of an archive of `size` bytes to read first."""
    start = max(0, size - TAIL_BYTES)
    return ByteSpan(start, size - start)


def missing_directory(tail: bytes, size: int) -> ByteSpan | None:
    """Return the part of the directory before the tail; None when the tail has all of it."""
    begin = size - len(tail)
    start = directory_span(memoryview(tail), size).start
    return ByteSpan(start, begin - start) if start < begin else None


def list_files(tail: bytes, size: int) -> ArchiveDirectory:
    """Return the directory; `tail` ends the archive and has all of the directory."""
    span = directory_span(memoryview(tail), size)
    begin = size - len(tail)
    return ArchiveDirectory.of(tail[span.start - begin : span.end - begin], span)


def list_all_files(content: bytes | memoryview) -> ArchiveDirectory:
    """Return the directory of a whole archive."""
    archive = memoryview(content)
    span = directory_span(archive, len(archive))
    return ArchiveDirectory.of(bytes(archive[span.start : span.end]), span)


class EntryChange(Enum):
    """How a file of one archive differs from that of another one."""

    CHANGED = "changed"
    MISSING = "missing"
    NEW = "new"


def changed_entries(
    before: ArchiveDirectory, after: ArchiveDirectory
) -> tuple[tuple[str, EntryChange], ...]:
    """Return the files of `after` that differ from those of `before`, sorted by name.

    Only their sizes and CRCs are compared, since the directories have nothing else: files that
    differ may be taken for equal.
    """
    changes = list[tuple[str, EntryChange]]()
    for name in sorted(before.files | after.files):
        earlier = before.file(name)
        later = after.file(name)
        if earlier is None:
            changes.append((name, EntryChange.NEW))
        elif later is None:
            changes.append((name, EntryChange.MISSING))
        elif (earlier.unpacked_bytes, earlier.crc) != (later.unpacked_bytes, later.crc):
            changes.append((name, EntryChange.CHANGED))
    return tuple(changes)


def unpack_file(region: bytes, entry: ListedEntry) -> bytes:
    """Return the content of a file from the bytes of its span."""
    return b"".join(unpack_pieces(region, entry))


def unpack_pieces(region: bytes, entry: ListedEntry) -> Iterator[bytes | memoryview]:
    """Yield the content of a file from the bytes of its span, a part at a time."""
    return _unpacked(entry, entry_data(memoryview(region), entry))


def text_of(content: bytes) -> str | None:
    """Return the content as text, or None for a binary file."""
    try:
        return None if b"\0" in content else content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
