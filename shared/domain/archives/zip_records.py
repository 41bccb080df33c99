"""The records of a zip file, checked until every reader of it sees the same entries.

    [local header, data, descriptor?]*  [central header]*  end record

Readers disagree on archives with gaps, overlaps, duplicates or differing headers: one trusts the
central directory, another the local headers. So these records must tile the file exactly and
repeat the same facts; then nothing is left to disagree on.
"""

import stat
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.archives.entry_names import (
    decode_name,
    refuse_costly,
    refuse_duplicates,
    refuse_invisible,
    refuse_unportable,
    unsafe_name,
)
from shared.domain.errors.base import BadArchive, printable
from shared.domain.sentences import counted

METHOD_STORED = 0
METHOD_DEFLATED = 8

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
# Reads only some fields of a central record: flags, method, CRC, two sizes, three lengths and the
# offset of the local record.
_LISTED = struct.Struct("<8x2H4x3I3H8xI")
_END = struct.Struct("<4s4H2IH")
END_BYTES = _END.size
_SIZES = struct.Struct("<3I")  # CRC, packed size, unpacked size: the body of a descriptor.
_EXTRA = struct.Struct("<2H")
_ZIP64_SIZES = struct.Struct("<2Q")  # Unpacked size, packed size: a local zip64 field.

_LOCAL_SIGNATURE = b"PK\x03\x04"
_CENTRAL_SIGNATURE = b"PK\x01\x02"
_END_SIGNATURE = b"PK\x05\x06"
_DESCRIPTOR_SIGNATURE = b"PK\x07\x08"
_ZIP64_LOCATOR_SIGNATURE = b"PK\x06\x07"
_ZIP64_LOCATOR_LENGTH = 20

_FULL_16 = 0xFFFF  # These mark a value that is in a zip64 record.
_FULL_32 = 0xFFFF_FFFF
_COMMENT_LENGTH = 0xFFFF  # The longest comment, so the earliest place of the end record.
_NEWEST_FORMAT = 63  # Zip 6.3; Python refuses archives that ask for more.

_ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13  # Plain, strong, and masked headers.
_DESCRIBED = 1 << 3
_UTF8 = 1 << 11
_KNOWN_FLAGS = 1 << 1 | 1 << 2 | _DESCRIBED | _UTF8  # The first two are compression levels.

_EXTRA_ZIP64 = 0x0001
_EXTRA_UNICODE_PATH = 0x7075
_EXTRA_LINKS = frozenset({0x000D, 0x756E})  # Two old Unix fields that can hold a link's target.

_NO_DATA = memoryview(b"")
_DOS_FOLDER = 0x10
_LONGEST_HEADER = 0xFFFF  # Bytes with name, extra fields and comment: Java reads no more.
# Bytes of an entry's extra fields and comment, without a repeated name. Info-ZIP writes 24, with
# times and the ids of a user; Java writes 9, and `bal` none.
MAX_EXTRA_BYTES = 64


class ZipEntry(Struct, frozen=True):
    """A file or folder, as the central directory describes it."""

    name: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed_bytes: int
    unpacked_bytes: int
    start: int
    data: memoryview = _NO_DATA  # Known once the local header is read.

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")

    @property
    def is_described(self) -> bool:
        """Whether a descriptor with CRC and sizes follows the data."""
        return bool(self.flags & _DESCRIBED)


class DirectorySpan(Struct, frozen=True):
    """The central directory of an archive: how many entries it has, where it starts and ends."""

    count: int
    start: int
    end: int


def read_entries(content: memoryview, max_entries: int) -> tuple[ZipEntry, ...]:
    """Return the entries in the order of the directory, or refuse an archive that is not strict."""
    directory = _find_directory(content, max_entries)
    entries = tuple(_central_headers(content, directory))
    refuse_costly(entry.raw_name for entry in entries)
    refuse_unportable(entry.name for entry in entries)
    refuse_invisible([entry.name for entry in entries])
    refuse_duplicates(entry.name for entry in entries)
    ordered = sorted(entries, key=lambda entry: entry.start)
    starts = [*(entry.start for entry in ordered), directory.start]
    if starts[0] > 0:
        raise _bytes_before(starts[0])
    located = {
        entry.start: _located(content[entry.start : end], entry)
        for entry, end in zip(ordered, starts[1:], strict=True)
    }
    return tuple(located[entry.start] for entry in entries)


# --- parts of a stored archive, which was checked before ------------------------------------------


def directory_span(tail: memoryview, size: int) -> DirectorySpan:
    """Return the directory of an archive of `size` bytes that ends in `tail`."""
    at = len(tail) - END_BYTES
    if at < 0 or _signature(tail, at) != _END_SIGNATURE:
        raise _truncated()
    _, _, _, _, count, length, start, _ = _END.unpack_from(tail, at)
    end = size - END_BYTES
    if start + length != end:
        raise _directory_damaged(reason="it does not end where the end record begins")
    return DirectorySpan(count, start, end)


class ListedEntry(NamedTuple):
    """The facts of an entry that a list of files shows, or that unpack it."""

    name: str
    flags: int
    method: int
    crc: int
    packed_bytes: int
    unpacked_bytes: int
    start: int

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")


def list_directory(directory: bytes, count: int) -> Iterator[ListedEntry]:
    """Yield the entries of a directory that was checked before."""
    at = 0
    size = len(directory) - _LISTED.size
    for _ in range(count):
        if at > size or not directory.startswith(_CENTRAL_SIGNATURE, at):
            raise _directory_damaged(reason="it holds fewer entries than the end record says")
        header = _LISTED.unpack_from(directory, at)
        flags, method, crc, packed, unpacked, name_length, extra, comment, start = header
        name_at = at + _LISTED.size
        name = directory[name_at : name_at + name_length].decode(errors="replace")
        yield ListedEntry(name, flags, method, crc, packed, unpacked, start)
        at = name_at + name_length + extra + comment


def entry_data(region: memoryview, listed: ListedEntry) -> memoryview:
    """Return the packed data of the entry; `region` begins with its local header."""
    if len(region) < _LOCAL.size or _signature(region, 0) != _LOCAL_SIGNATURE:
        raise entry_damaged(listed.name, "its local header is missing")
    header = _LOCAL.unpack_from(region)
    start = _LOCAL.size + header[9] + header[10]
    return region[start : start + listed.packed_bytes]


# --- the end record ----------------------------------------------------------------------------


def _find_directory(content: memoryview, max_entries: int) -> DirectorySpan:
    at = len(content) - _END.size
    if at < 0 or _signature(content, at) != _END_SIGNATURE:
        raise _why_no_end(content)
    _, disk, start_disk, here, count, size, start, comment = _END.unpack_from(content, at)
    # Zip64 is refused: the limits are far below it, and readers differ most about it.
    located = _signature(content, max(at - _ZIP64_LOCATOR_LENGTH, 0)) == _ZIP64_LOCATOR_SIGNATURE
    if located or _FULL_16 in (here, count) or _FULL_32 in (size, start):
        raise _zip64_used(where="The archive")
    if disk or start_disk or here != count:
        raise _split_archive()
    if comment:
        raise _truncated()
    if count > max_entries:
        raise BadArchive(
            "too-many-entries",
            f"The archive has {count:,} entries, and this registry reads {max_entries:,} at most. "
            "Leave out what the package does not need.",
        )
    shift = at - size - start
    if shift < 0:
        raise _directory_damaged(reason="it would reach beyond the end of the archive")
    if shift > 0:
        shifted = _signature(content, at - size) in (_CENTRAL_SIGNATURE, _END_SIGNATURE)
        raise _bytes_before(shift) if shifted else _bytes_between(shift, "the central directory")
    return DirectorySpan(count, start, at)


def _signature(content: memoryview, at: int) -> bytes:
    return bytes(content[at : at + 4])


def _why_no_end(content: memoryview) -> BadArchive:
    tail = bytes(content[-(_END.size + _COMMENT_LENGTH) :])
    found = tail.rfind(_END_SIGNATURE)
    if found < 0:
        if bytes(content[:2]) == b"PK":
            return _truncated()
        return BadArchive(
            "not-a-zip",
            "The upload is not a zip archive, and a bala is one. Pack it again with bal pack.",
        )
    behind = len(tail) - found - _END.size
    if behind < 0:
        return _truncated()
    return BadArchive(
        "bytes-after",
        f"The archive has {counted(behind, 'byte')} after its end. Pack it again with bal pack.",
    )


# --- the central directory ---------------------------------------------------------------------


def _central_headers(content: memoryview, directory: DirectorySpan) -> Iterator[ZipEntry]:
    at = directory.start
    for _ in range(directory.count):
        if at + _CENTRAL.size > directory.end or _signature(content, at) != _CENTRAL_SIGNATURE:
            raise _directory_damaged(reason="it holds fewer entries than the end record says")
        header = _CENTRAL.unpack_from(content, at)
        start = at + _CENTRAL.size
        end = at + _CENTRAL.size + sum(header[10:13])
        if end > directory.end:
            raise _directory_damaged(reason="an entry reaches beyond its end")
        if end - at > _LONGEST_HEADER:
            raise _directory_damaged(reason="an entry has more than 65,535 bytes in it")
        yield _central_entry(header, bytes(content[start:end]))
        at = end
    if at != directory.end:
        raise _directory_damaged(reason="it holds more than the entries that the end record counts")


def _central_entry(header: tuple[int, ...], rest: bytes) -> ZipEntry:
    """Return the entry of a header and the `rest` of it: name, extra fields and comment."""
    _, _, needed, flags, method, _, _, crc, packed, unpacked, name_length, extra_length = header[
        :12
    ]
    disk, _, attributes, start = header[13:]
    raw_name = rest[:name_length]
    comment = rest[name_length + extra_length :]
    name = decode_name(raw_name)
    if not name.isascii() and not flags & _UTF8:
        raise unsafe_name(name, "is not marked as UTF-8, so readers differ in its letters")
    if _FULL_32 in (packed, unpacked, start) or disk == _FULL_16:
        raise _zip64_used(where=f"The entry {name}")
    if disk:
        raise _split_archive()
    _refuse_unsupported(name, flags, method, needed)
    _refuse_special(name, attributes, unpacked)
    try:
        comment.decode()
    except UnicodeDecodeError:  # Java's ZipFile fails on the whole entry.
        raise _entry_unsupported(name, "a comment that is not UTF-8") from None
    extra = rest[name_length : name_length + extra_length]
    repeated = _check_extras(name, raw_name, extra)
    if len(rest) - name_length - repeated > MAX_EXTRA_BYTES:
        raise _entry_unsupported(
            name, f"more than {MAX_EXTRA_BYTES} bytes of extra fields and comment"
        )
    return ZipEntry(name, raw_name, flags, method, crc, packed, unpacked, start)


def _refuse_unsupported(name: str, flags: int, method: int, needed: int) -> None:
    if flags & _ENCRYPTED:
        raise BadArchive(
            "entry-encrypted",
            f"The entry {printable(name)} is encrypted, so no client could read it. Pack it again "
            "with bal pack.",
        )
    if method not in (METHOD_STORED, METHOD_DEFLATED):
        raise _entry_unsupported(name, f"compression method {method}")
    if flags & ~_KNOWN_FLAGS:
        raise _entry_unsupported(name, f"the flags {flags:#06x}")
    if flags & _DESCRIBED and method == METHOD_STORED:
        # Readers of streams, such as Java's ZipInputStream, cannot find where it ends.
        raise _entry_unsupported(name, "a descriptor without compression")
    if needed > _NEWEST_FORMAT:
        raise _entry_unsupported(name, f"version {needed / 10} of the zip format")


def _refuse_special(name: str, attributes: int, unpacked: int) -> None:
    """Refuse entries that are neither plain files nor folders on any system."""
    is_folder = name.endswith("/")
    kind = stat.S_IFMT(attributes >> 16)
    if stat.S_ISLNK(kind):
        raise _special_entry(name, "a symbolic link")
    if kind not in (0, stat.S_IFDIR if is_folder else stat.S_IFREG):
        raise _special_entry(name, "neither a file nor a folder by its attributes")
    if attributes & _DOS_FOLDER and not is_folder:
        raise _special_entry(name, "a folder by its attributes and a file by its name")
    if is_folder and unpacked:
        raise _special_entry(name, "a folder with content")


def _extra_fields(name: str, extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(extra):
        if at + _EXTRA.size > len(extra):
            raise _entry_unsupported(name, "a malformed extra field")
        kind, length = _EXTRA.unpack_from(extra, at)
        at += _EXTRA.size
        if at + length > len(extra):
            raise _entry_unsupported(name, "a malformed extra field")
        yield kind, extra[at : at + length]
        at += length


def _check_extras(name: str, raw_name: bytes, extra: bytes, idle: tuple[bytes, ...] = ()) -> int:
    """Refuse extra fields that could change what an entry is, but `idle` zip64 fields; all others
    are ignored. Return the size of one that repeats the name."""
    repeated = b"\x01" + zlib.crc32(raw_name).to_bytes(4, "little") + raw_name
    size = 0
    for kind, value in _extra_fields(name, extra):
        if kind in _EXTRA_LINKS:
            raise _special_entry(name, "perhaps a link, by a Unix extra field")
        if kind == _EXTRA_ZIP64 and value not in idle:
            raise _zip64_used(where=f"The entry {name}")
        if kind == _EXTRA_UNICODE_PATH:
            if value != repeated:
                raise unsafe_name(name, "has a Unicode path field with another name")
            size = _EXTRA.size + len(value)
    return size


# --- the local headers -------------------------------------------------------------------------


def _located(region: memoryview, entry: ZipEntry) -> ZipEntry:
    """Return `entry` with its data, when header, data and descriptor fill `region` exactly."""
    if len(region) < _LOCAL.size:
        raise _entries_overlap(entry.name)
    if _signature(region, 0) != _LOCAL_SIGNATURE:
        raise entry_damaged(entry.name, "its local header is missing")
    header = _LOCAL.unpack_from(region)
    name_end = _LOCAL.size + header[9]
    start = name_end + header[10]
    end = start + entry.packed_bytes
    _match_header(entry, header, bytes(region[_LOCAL.size : name_end]))
    if end > len(region):
        raise _entries_overlap(entry.name)
    # Info-ZIP leaves room for zip64 sizes when it packs from a pipe. No reader looks at them while
    # the plain fields hold the sizes, unless a descriptor follows: it would then be a longer one.
    sizes = _ZIP64_SIZES.pack(entry.unpacked_bytes, entry.packed_bytes)
    idle = () if entry.is_described else (sizes, bytes(_ZIP64_SIZES.size))
    _check_extras(entry.name, entry.raw_name, bytes(region[name_end:start]), idle)
    _match_descriptor(entry, bytes(region[end:]))
    return replace(entry, data=region[start:end])


def _match_header(entry: ZipEntry, header: tuple[int, ...], raw_name: bytes) -> None:
    if raw_name != entry.raw_name:
        raise _headers_differ(entry.name, "name")
    if header[2] != entry.flags:
        raise _headers_differ(entry.name, "set of flags")
    if header[3] != entry.method:
        raise _headers_differ(entry.name, "compression method")
    if _FULL_32 in header[7:9]:
        raise _zip64_used(where=f"The entry {entry.name}")
    central = (entry.crc, entry.packed_bytes, entry.unpacked_bytes)
    names = ("CRC", "packed size", "size")
    for what, ours, theirs in zip(names, header[6:9], central, strict=True):
        if ours != theirs and not (entry.is_described and ours == 0):
            raise _headers_differ(entry.name, what)


def _match_descriptor(entry: ZipEntry, rest: bytes) -> None:
    if not entry.is_described:
        if rest:
            raise _bytes_between(len(rest), f"the data of {entry.name}")
        return
    values = _SIZES.pack(entry.crc, entry.packed_bytes, entry.unpacked_bytes)
    signed = rest == _DESCRIPTOR_SIGNATURE + values
    # Without the signature, a CRC that looks like it would shift what Java reads.
    bare = rest == values and not values.startswith(_DESCRIPTOR_SIGNATURE)
    if not signed and not bare:
        raise BadArchive(
            "descriptor-differs",
            f"Behind the data of the entry {printable(entry.name)} there is no descriptor with "
            "the CRC and sizes of the central directory, or more than that. Pack it again with "
            "bal pack.",
        )


def _truncated() -> BadArchive:
    return BadArchive(
        "truncated",
        "The archive is cut off: its end record is missing. Pack it again with bal pack, and push "
        "it again.",
    )


def _directory_damaged(reason: str) -> BadArchive:
    return BadArchive(
        "directory-damaged",
        f"The archive's central directory is damaged: {reason}. Pack it again with bal pack.",
    )


def _split_archive() -> BadArchive:
    return BadArchive(
        "split-archive", "The archive is one part of a split archive. Push one whole bala."
    )


def _zip64_used(where: str) -> BadArchive:
    return BadArchive(
        "zip64-used",
        f"{printable(where)} uses zip64, which is for archives above 4 GiB and not accepted here. "
        "Pack it again with bal pack.",
    )


def _bytes_before(count: int) -> BadArchive:
    return BadArchive(
        "bytes-before",
        f"The archive has {counted(count, 'byte')} before its first entry. Pack it again with bal "
        "pack.",
    )


def _bytes_between(count: int, where: str) -> BadArchive:
    return BadArchive(
        "bytes-between",
        f"The archive has {counted(count, 'byte')} after {printable(where)} that belong to no "
        "entry. Pack it again with bal pack.",
    )


def _entries_overlap(name: str) -> BadArchive:
    return BadArchive(
        "entries-overlap",
        f"The entry {printable(name)} overlaps what follows it. Pack it again with bal pack.",
    )


def _special_entry(name: str, what: str) -> BadArchive:
    return BadArchive(
        "special-entry",
        f"The entry {printable(name)} is {what}, and a bala holds files and folders only. Replace "
        "it by a file and pack again.",
    )


def _entry_unsupported(name: str, what: str) -> BadArchive:
    return BadArchive(
        "entry-unsupported",
        f"The entry {printable(name)} uses {what}, which not every client reads. Pack it again "
        "with bal pack.",
    )


def _headers_differ(name: str, what: str) -> BadArchive:
    return BadArchive(
        "headers-differ",
        f"The entry {printable(name)} has one {what} in the central directory and another in its "
        "local header. Pack it again with bal pack.",
    )


def entry_damaged(name: str, reason: str) -> BadArchive:
    return BadArchive(
        "entry-damaged",
        f"The entry {printable(name)} is damaged: {reason}. Pack it again with bal pack, and push "
        "it again.",
    )
