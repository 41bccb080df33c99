"""An opened archive: every entry is unpacked once, within limits, and checked."""

import zlib
from collections.abc import Iterator
from typing import Self

from shared.domain.bad_archive import (
    ArchiveRatioTooHigh,
    EntryDamaged,
    RatioTooHigh,
    UnpacksTooLarge,
)
from shared.domain.limits import ArchiveLimits
from shared.domain.zip_records import DEFLATED, Entry, read_entries

_STEP = 64 * 1024  # Packed bytes at once: what is left over of a step is copied, so it is small.
_CHUNK = 256 * 1024  # Unpacked bytes at once: the most that is held of an entry nobody asked for.


class Archive:
    """A strict zip archive; it is not safe to use from two threads at once."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        """Take entries whose headers and sizes are checked; their data is not yet."""
        self._entries = {entry.name: entry for entry in entries}
        self._kept: dict[str, bytes] = {}

    @classmethod
    def open(cls, content: bytes | memoryview, limits: ArchiveLimits) -> Self:
        """Open an archive in memory, or refuse its container or the sizes that its headers say."""
        entries = read_entries(memoryview(content).cast("B"), limits.entries)
        _refuse_sizes(entries, limits)
        return cls(entries)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all entries, in the order of the directory."""
        return tuple(self._entries)

    def size(self, name: str) -> int:
        """Return the unpacked size of an entry."""
        return self._entries[name].unpacked_bytes

    def read(self, name: str) -> bytes:
        """Return the content of an entry, which is unpacked at the first call and then kept."""
        if name not in self._kept:
            self._kept[name] = b"".join(_unpacked(self._entries[name]))
        return self._kept[name]

    def verify(self) -> None:
        """Unpack what was not read yet, and keep nothing of it."""
        for name, entry in self._entries.items():
            if name not in self._kept:
                for _ in _unpacked(entry):
                    pass


def _refuse_sizes(entries: tuple[Entry, ...], limits: ArchiveLimits) -> None:
    """Refuse what would unpack to too much; `_unpacked` enforces the sizes of the headers."""
    for entry in entries:
        if entry.unpacked_bytes > max(limits.ratio_from_bytes, limits.ratio * entry.packed_bytes):
            raise RatioTooHigh(entry.name, limits.ratio)
    packed_bytes = sum(entry.packed_bytes for entry in entries)
    unpacked_bytes = sum(entry.unpacked_bytes for entry in entries)
    if unpacked_bytes > limits.unpacked_bytes:
        raise UnpacksTooLarge(limits.unpacked_bytes)
    if unpacked_bytes > max(limits.archive_ratio_from_bytes, limits.ratio * packed_bytes):
        raise ArchiveRatioTooHigh(unpacked_bytes, limits.ratio)


def _unpacked(entry: Entry) -> Iterator[bytes | memoryview]:
    crc = size = 0
    for piece in _pieces(entry):
        size += len(piece)
        if size > entry.unpacked_bytes:
            raise EntryDamaged(entry.name, "it is larger than its header says")
        crc = zlib.crc32(piece, crc)
        yield piece
    if (crc, size) != (entry.crc, entry.unpacked_bytes):
        raise EntryDamaged(entry.name, "its content is not what its CRC or size says")


def _pieces(entry: Entry) -> Iterator[bytes | memoryview]:
    return _inflated(entry) if entry.method == DEFLATED else _sliced(entry.data)


def _sliced(data: memoryview) -> Iterator[memoryview]:
    for at in range(0, len(data), _CHUNK):
        yield data[at : at + _CHUNK]


def _inflated(entry: Entry) -> Iterator[bytes]:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    rest = entry.data
    try:
        while rest and not stream.eof:
            piece = stream.decompress(rest[:_STEP], _CHUNK)
            rest = rest[_STEP:]
            while piece:
                yield piece
                piece = stream.decompress(stream.unconsumed_tail, _CHUNK)
    except zlib.error:
        raise EntryDamaged(entry.name, "its data cannot be unpacked") from None
    if not stream.eof:
        raise EntryDamaged(entry.name, "its data is cut off")
    if rest or stream.unused_data:
        raise EntryDamaged(entry.name, "there are bytes behind its packed data")
