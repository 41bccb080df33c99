"""Archives that must be refused, each with the class of its refusal and a word of the sentence."""

import gzip
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.auth.tokens import MAX_LOOKALIKES, AccessToken
from shared.domain.archives.unpacking import DEFAULT_LIMITS, MIB, ArchiveLimits
from shared.domain.errors import archives as bad
from tests.fakes.system import FakeRandomness
from tests.support.archives import Spec, bala, files, noise, zipped
from tests.support.raw_zip import (
    DESCRIBED,
    UTF8,
    Member,
    described,
    descriptor,
    extra_field,
    members_of,
    raw_zip,
)

GREET = "acme/greet:1.0.0"
SOURCE = "modules/greet/greet.bal"
TOKEN = AccessToken.mint("local", "0123456789", FakeRandomness()).text.reveal()
SMALL = ArchiveLimits(entries=50, unpacked_bytes=4 * MIB, manifest_bytes=10_000)


@dataclass(frozen=True)
class Hostile:
    """One archive, what refuses it, and words that its sentence must have."""

    name: str
    build: Callable[[], bytes]
    refusal: type[bad.BadArchive]
    words: str
    limits: ArchiveLimits = DEFAULT_LIMITS


def plain() -> list[Member]:
    """Return the members of a valid bala."""
    return members_of(files(GREET, Spec()))


def _with(*more: Member, **end: Any) -> Callable[[], bytes]:
    return lambda: raw_zip([*plain(), *more], **end)


def _member(name: str | bytes, content: bytes = b"x", **fields: Any) -> Callable[[], bytes]:
    return _with(Member(name=name, content=content, **fields))


def _files(changes: Mapping[str, bytes | str | None], **spec: Any) -> Callable[[], bytes]:
    """Return the builder of a bala with some files changed, or left out where they are None."""

    def build() -> bytes:
        changed = {**files(GREET, Spec(**spec)), **changes}
        return zipped({name: data for name, data in changed.items() if data is not None})

    return build


def _package_json(**fields: object) -> Callable[[], bytes]:
    return lambda: bala(GREET, manifest=fields)


def _json_file(name: str, text: str) -> Callable[[], bytes]:
    return _files({name: text})


def _ballerina_toml(text: str) -> Callable[[], bytes]:
    return _files({"Ballerina.toml": text}, layout=4)


# --- the container -----------------------------------------------------------------------------


def _cut(count: int) -> Callable[[], bytes]:
    return lambda: bala(GREET)[:-count]


def _stub_zip() -> bytes:
    return raw_zip([Member(name="package.json", content=b"{}")])


def _quine_like() -> bytes:
    """Return an archive whose second entry is a part of the first one's data."""
    inner = raw_zip([Member(name="inner.txt", content=b"hidden")])
    first = Member(name="outer.txt", content=inner, method=0)
    start = 30 + len("outer.txt")
    second = Member(name="inner.txt", content=b"hidden", omitted="local", central={"start": start})
    return raw_zip([first, second])


CONTAINER = (
    Hostile("nothing", lambda: b"", bad.NotAZip, "not a zip"),
    Hostile("a text", lambda: b"hello " * 100, bad.NotAZip, "not a zip"),
    Hostile("a gzip", lambda: gzip.compress(bala(), mtime=0), bad.NotAZip, "not a zip"),
    Hostile("cut in the middle", lambda: bala()[:400], bad.Truncated, "cut off"),
    Hostile("cut by a byte", _cut(1), bad.Truncated, "cut off"),
    Hostile("cut in its comment", _with(comment_length=5), bad.Truncated, "cut off"),
    Hostile("bytes in front", _with(prefix=b"#!/bin/sh\n"), bad.BytesBefore, "10 bytes"),
    Hostile(
        "bytes in front that offsets know of",
        _with(prefix=b"#!/bin/sh\n", moved=10),
        bad.BytesBefore,
        "before its first",
    ),
    Hostile("no entry but a prefix", lambda: b"x" * 9 + raw_zip([]), bad.BytesBefore, "9 bytes"),
    Hostile("a byte behind", _with(suffix=b"j"), bad.BytesAfter, "The archive has 1 byte after"),
    Hostile("bytes behind", _with(suffix=b"junk"), bad.BytesAfter, "4 bytes"),
    Hostile(
        "two archives joined",
        lambda: _stub_zip() + bala(),
        bad.BytesBefore,
        "before its first",
    ),
    Hostile("a comment", _with(comment=b"hello"), bad.ArchiveComment, "comment"),
    Hostile(
        "an archive in the comment",
        _with(comment=_stub_zip()),
        bad.BytesBefore,
        "before its first",
    ),
    Hostile(
        "bytes between entries",
        _with(Member(name="a.txt", before=b"gap")),
        bad.BytesBetween,
        "3 bytes",
    ),
    Hostile("bytes before the directory", _with(gap=b"gap!"), bad.BytesBetween, "4 bytes"),
    Hostile("bytes behind the directory", _with(tail=b"gap"), bad.BytesBetween, "3 bytes"),
    Hostile(
        "an entry that the directory hides",
        _with(Member(name="hidden.bal", content=b"x", omitted="central")),
        bad.BytesBetween,
        "belong to no entry",
    ),
    Hostile(
        "two entries with one header",
        lambda: raw_zip([*plain(), Member(name="b", omitted="local", central={"start": 0})]),
        bad.EntriesOverlap,
        "overlaps",
    ),
    Hostile("an entry inside another", _quine_like, bad.EntriesOverlap, "outer.txt"),
    Hostile(
        "data that runs into the next entry",
        lambda: raw_zip(
            [
                Member(name="a", method=0, local={"packed": 40}, central={"packed": 40}),
                Member(name="b"),
            ]
        ),
        bad.EntriesOverlap,
        "The entry a",
    ),
    Hostile(
        "an entry that starts behind the directory",
        _with(Member(name="late", omitted="local", central={"start": 1 << 20})),
        bad.BytesBetween,
        "belong to no entry",
    ),
    Hostile("fewer entries than counted", _with(count=6), bad.DirectoryDamaged, "fewer"),
    Hostile("more entries than counted", _with(count=3), bad.DirectoryDamaged, "more"),
    Hostile(
        "a directory beyond the end", _with(directory_start=1 << 20), bad.DirectoryDamaged, "end"
    ),
    Hostile(
        "a directory entry beyond the end",
        lambda: raw_zip([Member(name="a", comment=b"c" * 9)]).replace(
            b"\x09\x00" + bytes(4), b"\xff\x00" + bytes(4)
        ),
        bad.DirectoryDamaged,
        "beyond",
    ),
    Hostile(
        "a directory entry beyond what Java reads",
        _member("a", comment=b"c" * 65_500),
        bad.DirectoryDamaged,
        "65,535",
    ),
    Hostile("one part of a split archive", _with(disk=1), bad.SplitArchive, "split"),
    Hostile("a directory in two parts", _with(here=2), bad.SplitArchive, "split"),
    Hostile(
        "an entry on another disk", _member("a", central={"disk": 1}), bad.SplitArchive, "split"
    ),
)

# --- zip64 -------------------------------------------------------------------------------------

_LOCATOR = struct.pack("<4sIQI", b"PK\x06\x07", 0, 0, 1)
_BIG = 0xFFFF_FFFF


def _sizes64(size: int, packed: int) -> bytes:
    return extra_field(1, struct.pack("<2Q", size, packed))


def _long_descriptor(signature: bytes) -> bytes:
    member = described("a.txt", b"hello")
    return raw_zip(
        [*plain(), described("a.txt", b"hello", descriptor=descriptor(member, signature, "<I2Q"))]
    )


ZIP64 = (
    Hostile("a zip64 locator", _with(tail=_LOCATOR), bad.Zip64Used, "The archive"),
    Hostile(
        "a zip64 locator in an entry's comment",
        _member("a", comment=_LOCATOR),
        bad.Zip64Used,
        "The archive",
    ),
    Hostile("a zip64 count", _with(count=0xFFFF), bad.Zip64Used, "The archive"),
    Hostile("a zip64 directory", _with(directory_start=_BIG), bad.Zip64Used, "The archive"),
    Hostile("a zip64 size", _member("a", central={"size": _BIG}), bad.Zip64Used, "The entry a"),
    Hostile("a local zip64 size", _member("a", local={"size": _BIG}), bad.Zip64Used, "The entry a"),
    Hostile(
        "a zip64 field", _member("a", central={"extra": _sizes64(1, 3)}), bad.Zip64Used, "entry"
    ),
    Hostile(
        "a local zip64 field with other sizes",
        _member("a", local={"extra": _sizes64(9, 9)}),
        bad.Zip64Used,
        "entry",
    ),
    Hostile(
        "a local zip64 field and a descriptor",
        _with(described("a", b"x", local={"extra": _sizes64(0, 0)})),
        bad.Zip64Used,
        "entry",
    ),
    Hostile(
        "a descriptor of 24 bytes",
        lambda: _long_descriptor(b"PK\x07\x08"),
        bad.DescriptorDiffers,
        "a.txt",
    ),
    Hostile(
        "a descriptor of 20 bytes", lambda: _long_descriptor(b""), bad.DescriptorDiffers, "a.txt"
    ),
)

# --- entries -----------------------------------------------------------------------------------

_SYMLINK = 0o120777 << 16
_DEVICE = 0o060644 << 16
_FIFO = 0o010644 << 16
_SOCKET = 0o140644 << 16
_REGULAR = 0o100644 << 16


def _unicode_path(name: bytes, of: bytes) -> bytes:
    return extra_field(0x7075, b"\x01" + struct.pack("<I", zlib.crc32(of)) + name)


def _deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


def _crc_like_signature() -> bytes:
    """Return an archive with a bare descriptor whose CRC looks like a descriptor's signature."""
    content = b"\xac\nz\xd5"
    member = described("a.txt", content)
    bare = descriptor(member, b"")
    return raw_zip([*plain(), described("a.txt", content, descriptor=bare)])


def _twins(name: str, other: str) -> Callable[[], bytes]:
    return _with(Member(name=name, content=b"1"), Member(name=other, content=b"2"))


NAMES = (
    Hostile("an absolute path", _member("/etc/passwd"), bad.UnsafeName, "absolute"),
    Hostile("a drive letter", _member("C:/windows/x"), bad.UnsafeName, "absolute"),
    Hostile("a drive letter further down", _member("modules/C:/x"), bad.UnsafeName, "colon"),
    Hostile("a colon after a letter", _member("modules/greet/x:y.txt"), bad.UnsafeName, "colon"),
    Hostile("an alternate stream", _member("main.bal::$DATA"), bad.UnsafeName, "colon"),
    Hostile("a name that ends in a dot", _member("main.bal."), bad.UnsafeName, "dot or a space"),
    Hostile("a name that ends in a space", _member("main.bal "), bad.UnsafeName, "dot or a space"),
    Hostile("a folder that ends in a dot", _member("docs./x"), bad.UnsafeName, "dot or a space"),
    Hostile("a name of a device", _member("CON"), bad.UnsafeName, "device"),
    Hostile("a device in small letters", _member("docs/nul"), bad.UnsafeName, "device"),
    Hostile("a device with an extension", _member("aux.bal"), bad.UnsafeName, "device"),
    Hostile("a device with two extensions", _member("LPT1.tar.gz"), bad.UnsafeName, "device"),
    Hostile("a device with a space", _member("COM1 .txt"), bad.UnsafeName, "device"),
    Hostile("a device of a raised digit", _member("COM\u00b9"), bad.UnsafeName, "device"),
    Hostile("a folder that is a device", _member("prn/x"), bad.UnsafeName, "device"),
    Hostile("the console's input", _member("conin$"), bad.UnsafeName, "device"),
    Hostile("a short name", _member("PACKAG~1.JSO"), bad.UnsafeName, "short name"),
    Hostile(
        "a name that turns", _member("docs/\u202egnp.md"), bad.UnsafeName, r"docs/\u202egnp.md"
    ),
    Hostile("an invisible joiner", _member("a\u200db.md"), bad.UnsafeName, r"a\u200db.md"),
    Hostile("an invisible space", _member("README\u200b.md"), bad.UnsafeName, r"README\u200b.md"),
    Hostile("a backslash", _member("modules\\greet\\x.bal"), bad.UnsafeName, "backslash"),
    Hostile("a parent folder", _member("a/../../x"), bad.UnsafeName, "empty, . or .."),
    Hostile("a parent folder at the end", _member("a/.."), bad.UnsafeName, "empty, . or .."),
    Hostile("this folder", _member("./package.json"), bad.UnsafeName, "a part that is empty"),
    Hostile("an empty part", _member("a//b"), bad.UnsafeName, "a part that is empty"),
    Hostile("only a slash", _member("/"), bad.UnsafeName, "absolute"),
    Hostile("a NUL", _member("package.json\0.txt"), bad.UnsafeName, "control character"),
    Hostile("a line break", _member("a\nb"), bad.UnsafeName, "control character"),
    Hostile("an entry without a name", _member(""), bad.UnsafeName, "1 to 4,096"),
    Hostile("a name too long", _member("a" * 4097), bad.UnsafeName, "1 to 4,096"),
    Hostile("a name in Latin-1", _member(b"caf\xe9.md"), bad.UnsafeName, "not UTF-8"),
    Hostile("a name of unknown coding", _member("café.md", flags=0), bad.UnsafeName, "not marked"),
    Hostile("a decomposed name", _member("cafe\u0301.md"), bad.UnsafeName, "form C"),
    Hostile(
        "another Unicode path",
        _member("a.txt", extra=_unicode_path(b"b.txt", b"a.txt")),
        bad.UnsafeName,
        "Unicode path",
    ),
    Hostile(
        "a Unicode path of another version",
        _member("a.txt", extra=extra_field(0x7075, b"\x02")),
        bad.UnsafeName,
        "Unicode path",
    ),
    Hostile("one name twice", _twins("a.txt", "a.txt"), bad.DuplicateEntry, "twice"),
    Hostile("a second package.json", _member("package.json"), bad.DuplicateEntry, "twice"),
    Hostile("names that differ in case", _twins("A.txt", "a.txt"), bad.DuplicateEntry, "same file"),
    Hostile("names that fold alike", _twins("straße", "STRASSE"), bad.DuplicateEntry, "same file"),
    Hostile("folders that differ in case", _twins("Docs/x", "docs/X"), bad.DuplicateEntry, "same"),
    Hostile(
        "a file and a folder of one name",
        _with(Member(name="a", content=b"1"), Member(name="a/")),
        bad.DuplicateEntry,
        "a/",
    ),
    Hostile("a file that is a folder", _twins("a", "a/b"), bad.FileIsFolder, "lies in it"),
    Hostile(
        "a file that is a folder far up", _twins("A", "a/b/c/d"), bad.FileIsFolder, "lies in it"
    ),
)

ENTRIES = (
    Hostile(
        "a symbolic link", _member("a", attributes=_SYMLINK), bad.SpecialEntry, "symbolic link"
    ),
    Hostile("a device", _member("a", attributes=_DEVICE), bad.SpecialEntry, "neither"),
    Hostile("a pipe", _member("a", attributes=_FIFO), bad.SpecialEntry, "neither"),
    Hostile("a socket", _member("a", attributes=_SOCKET), bad.SpecialEntry, "neither"),
    Hostile("a folder like a file", _member("a", attributes=0x10), bad.SpecialEntry, "folder by"),
    Hostile(
        "a file like a folder", _member("a/", b"", attributes=_REGULAR), bad.SpecialEntry, "a/"
    ),
    Hostile("a folder with content", _member("a/"), bad.SpecialEntry, "with content"),
    Hostile(
        "a hard link",
        _member("a", extra=extra_field(0x000D, bytes(12) + b"/etc/passwd")),
        bad.SpecialEntry,
        "link",
    ),
    Hostile("encryption", _member("a", flags=UTF8 | 1), bad.EntryEncrypted, "encrypted"),
    Hostile("strong encryption", _member("a", flags=UTF8 | 0x41), bad.EntryEncrypted, "encrypted"),
    Hostile("masked headers", _member("a", flags=UTF8 | 1 << 13), bad.EntryEncrypted, "encrypted"),
    Hostile("AES", _member("a", method=99, flags=UTF8 | 1), bad.EntryEncrypted, "encrypted"),
    Hostile("deflate64", _member("a", method=9), bad.EntryUnsupported, "method 9"),
    Hostile("bzip2", _member("a", method=12), bad.EntryUnsupported, "method 12"),
    Hostile("zstandard", _member("a", method=93), bad.EntryUnsupported, "method 93"),
    Hostile("patched data", _member("a", flags=UTF8 | 1 << 5), bad.EntryUnsupported, "flags"),
    Hostile(
        "a descriptor behind stored data",
        _member("a", method=0, flags=UTF8 | DESCRIBED),
        bad.EntryUnsupported,
        "without compression",
    ),
    Hostile("a format to come", _member("a", needed=99), bad.EntryUnsupported, "version 9.9"),
    Hostile(
        "a cut extra field", _member("a", extra=b"\x55\x54\x09"), bad.EntryUnsupported, "extra"
    ),
    Hostile(
        "an extra field beyond the header",
        _member("a", extra=b"\x55\x54\x09\x00\x01"),
        bad.EntryUnsupported,
        "extra",
    ),
)

HEADERS = (
    Hostile("another local name", _member("a", local={"name": b"b"}), bad.HeadersDiffer, "name"),
    Hostile(
        "a longer local name",
        _member("a.bal", local={"name": b"a.bal.txt"}),
        bad.HeadersDiffer,
        "name",
    ),
    Hostile("other local flags", _member("a", local={"flags": 0}), bad.HeadersDiffer, "flags"),
    Hostile("another local method", _member("a", local={"method": 0}), bad.HeadersDiffer, "method"),
    Hostile("another local CRC", _member("a", local={"crc": 7}), bad.HeadersDiffer, "CRC"),
    Hostile("no local CRC", _member("a", local={"crc": 0}), bad.HeadersDiffer, "CRC"),
    Hostile("another packed size", _member("a", local={"packed": 2}), bad.HeadersDiffer, "packed"),
    Hostile("another local size", _member("a", local={"size": 2}), bad.HeadersDiffer, "one size"),
    Hostile(
        "another local CRC before a descriptor",
        _with(described("a", b"x", local={"crc": 7})),
        bad.HeadersDiffer,
        "CRC",
    ),
    Hostile(
        "a Unicode path in one header",
        _member("a", local={"extra": _unicode_path(b"a", b"a")}),
        bad.HeadersDiffer,
        "Unicode path",
    ),
    Hostile(
        "no local header",
        _member("a", local={"signature": b"PK\x03\x05"}),
        bad.EntryDamaged,
        "local header",
    ),
    Hostile(
        "a descriptor with another CRC",
        _with(described("a", b"x", descriptor=b"PK\x07\x08" + struct.pack("<3I", 7, 3, 1))),
        bad.DescriptorDiffers,
        "the entry a",
    ),
    Hostile(
        "no descriptor", _with(described("a", b"x", descriptor=b"")), bad.DescriptorDiffers, "a"
    ),
    Hostile(
        "bytes behind a descriptor",
        _with(described("a", b"x", after=b"junk")),
        bad.DescriptorDiffers,
        "more than that",
    ),
    Hostile("a descriptor of two minds", _crc_like_signature, bad.DescriptorDiffers, "a.txt"),
)

DATA = (
    Hostile(
        "a wrong CRC",
        _member("a", local={"crc": 7}, central={"crc": 7}),
        bad.EntryDamaged,
        "CRC or size",
    ),
    Hostile(
        "less than its size",
        _member("a", local={"size": 9}, central={"size": 9}),
        bad.EntryDamaged,
        "CRC or size",
    ),
    Hostile(
        "more than its size",
        _member("a", b"hello", local={"size": 2}, central={"size": 2}),
        bad.EntryDamaged,
        "larger",
    ),
    Hostile(
        "no deflate stream", _member("a", packed=b"\xff\xff\xff"), bad.EntryDamaged, "unpacked"
    ),
    Hostile(
        "half a deflate stream",
        _member("a", noise(500), packed=_deflated(noise(500))[:300]),
        bad.EntryDamaged,
        "cut off",
    ),
    Hostile("an empty deflate stream", _member("a", b"", packed=b""), bad.EntryDamaged, "cut off"),
    Hostile(
        "bytes behind the deflate stream",
        _member("a", packed=_deflated(b"x") + b"hidden"),
        bad.EntryDamaged,
        "behind its packed data",
    ),
    Hostile(
        "many bytes behind the deflate stream",
        _member("a", packed=_deflated(b"x") + noise(100_000)),
        bad.EntryDamaged,
        "behind its packed data",
    ),
)

# --- limits ------------------------------------------------------------------------------------


BLANK = bytes(MIB)


def _bomb(**lies: Any) -> Callable[[], bytes]:
    return _member("bomb", bytes(2 * MIB), **lies)


LIMITS = (
    Hostile(
        "too many entries",
        _with(*(Member(name=f"f{at}") for at in range(50))),
        bad.TooManyEntries,
        "55 entries",
        SMALL,
    ),
    Hostile(
        "names that are long together",
        _with(*(Member(name=f"{at:04}" + "x/" * 1_500 + "y") for at in range(400))),
        bad.NamesTooLong,
        "1,048,576",
    ),
    Hostile(
        "names of many parts together",
        _with(*(Member(name=f"{at:04}/" + "x/" * 120 + "y") for at in range(1_000))),
        bad.NamesTooLong,
        "parts between slashes",
    ),
    Hostile(
        "a large extra field",
        _member("a", extra=extra_field(0xCAFE, bytes(61))),
        bad.EntryUnsupported,
        "more than 64 bytes of extra fields and comment",
    ),
    Hostile(
        "a large comment",
        _member("a", comment=b"x" * 65),
        bad.EntryUnsupported,
        "more than 64 bytes of extra fields and comment",
    ),
    Hostile("a bomb", _bomb(), bad.RatioTooHigh, "200 times"),
    Hostile(
        "a bomb that says it is small",
        _bomb(local={"size": 9}, central={"size": 9}),
        bad.EntryDamaged,
        "larger",
    ),
    Hostile(
        "a bomb of entries that are small bombs",
        _with(*(Member(name=f"f{at}", content=BLANK) for at in range(500))),
        bad.ArchiveRatioTooHigh,
        "200 times their packed size",
    ),
    Hostile(
        "a bomb of entries that say they are small",
        _with(
            *(
                Member(name=f"f{at}", content=bytes(MIB), local={"size": 9}, central={"size": 9})
                for at in range(5)
            )
        ),
        bad.EntryDamaged,
        "larger",
    ),
    Hostile(
        "a bomb of small entries",
        _with(*(Member(name=f"f{at}", content=bytes(MIB)) for at in range(5))),
        bad.UnpacksTooLarge,
        "4,194,304",
        SMALL,
    ),
    Hostile(
        "a manifest too large",
        _json_file("package.json", " " * 10_001),
        bad.ManifestTooLarge,
        "10,001 bytes",
        SMALL,
    ),
    Hostile(
        "a text too large",
        lambda: bala(GREET, readme="word " * 30),
        bad.TextTooLarge,
        "150 bytes",
        ArchiveLimits(text_bytes=100),
    ),
    Hostile(
        "texts too large together",
        lambda: bala(GREET, readme="x" * 90, module_readmes={"greet": "y" * 90}),
        bad.TextsTooLarge,
        "together",
        ArchiveLimits(texts_bytes=100),
    ),
    Hostile(
        "too many keywords",
        lambda: bala(GREET, keywords=[f"word{at}" for at in range(2_000)]),
        bad.RecordTooLarge,
        "keywords",
    ),
    Hostile(
        "too many modules",
        lambda: bala(GREET, modules=[f"module_number_{at}" for at in range(800)]),
        bad.RecordTooLarge,
        "modules",
    ),
    Hostile(
        "too many dependencies",
        lambda: bala(GREET, dependencies=[f"acme/dep{at}:1.0.0" for at in range(400)]),
        bad.RecordTooLarge,
        "dependencies",
    ),
)

# --- manifests ---------------------------------------------------------------------------------


def _go(changes: Mapping[str, bytes | str | None]) -> Callable[[], bytes]:
    return _files(changes, layout=4)


_PACKAGE = '[package]\norg = "acme"\nname = "greet"\nversion = "1.0.0"\n'
_LOCK = '[[package]]\norg = "acme"\nname = "greet"\nversion = "1.0.0"\n'

MANIFESTS = (
    Hostile("no entries", lambda: raw_zip([]), bad.ManifestMissing, "package.json"),
    Hostile("no package.json", _files({"package.json": None}), bad.ManifestMissing, "package.json"),
    Hostile("no bala.json", _files({"bala.json": None}), bad.ManifestMissing, "bala.json"),
    Hostile("no Ballerina.toml", _go({"Ballerina.toml": None}), bad.ManifestMissing, "Ballerina"),
    Hostile(
        "a package.json in a folder",
        _files({"package.json": None, "greet/package.json": "{}"}),
        bad.ManifestMissing,
        "package.json",
    ),
    Hostile(
        "a package.json that is a folder",
        _files({"package.json": None, "package.json/": ""}),
        bad.ManifestMissing,
        "package.json",
    ),
    Hostile(
        "a manifest in other letters",
        _files({"package.json": None, "Package.json": "{}"}),
        bad.ManifestMisspelled,
        "Package.json",
    ),
    Hostile(
        "a graph in other letters",
        _files({"dependency-graph.json": None, "Dependency-Graph.json": "{}"}),
        bad.ManifestMisspelled,
        "Dependency-Graph.json",
    ),
    Hostile(
        "a plugin in other letters",
        _files({"compiler-plugin/Compiler-Plugin.json": "{}"}),
        bad.ManifestMisspelled,
        "compiler-plugin.json",
    ),
    Hostile(
        "two layouts in one",
        _files({"Bala.toml": "", "Ballerina.toml": _PACKAGE}),
        bad.LayoutAmbiguous,
        "both Bala.toml and package.json",
    ),
    Hostile(
        "no UTF-8", _files({"package.json": b'{\n"a":"\xff"}'}), bad.ManifestUnreadable, "line 2"
    ),
    Hostile(
        "no JSON",
        _json_file("package.json", '{\n  "name": "greet"\n  "org": 1}'),
        bad.ManifestUnreadable,
        "line 3, column 3",
    ),
    Hostile("empty JSON", _json_file("bala.json", ""), bad.ManifestUnreadable, "line 1, column 1"),
    Hostile("NaN", _json_file("bala.json", '{"x": NaN}'), bad.ManifestUnreadable, "NaN"),
    Hostile(
        "infinity", _json_file("bala.json", '{"x": -Infinity}'), bad.ManifestUnreadable, "-Inf"
    ),
    Hostile(
        "a number too large", _json_file("bala.json", "1e999"), bad.ManifestUnreadable, "1e999"
    ),
    Hostile(
        "a number too long",
        _json_file("bala.json", "1" * 5_000),
        bad.ManifestUnreadable,
        "5,000 digits",
    ),
    Hostile(
        "a key twice",
        _json_file("bala.json", '{"bala_version": "2.0.0", "bala_version": "3.0.0"}'),
        bad.ManifestUnreadable,
        "bala_version stands twice",
    ),
    Hostile("deep JSON", _json_file("bala.json", "[" * 100_000), bad.ManifestTooDeep, "too deeply"),
    Hostile("a JSON list", _json_file("package.json", "[]"), bad.FieldInvalid, "not an object"),
    Hostile(
        "half a letter",
        _package_json(authors=["\ud800"]),
        bad.ManifestUnreadable,
        r"\ud800 alone is no character",
    ),
    Hostile(
        "no TOML", _ballerina_toml("[package]\norg 1"), bad.ManifestUnreadable, "line 2, column 5"
    ),
    Hostile(
        "TOML that ends early",
        _ballerina_toml('[package]\norg = "acme'),
        bad.ManifestUnreadable,
        "line 2, column 12",
    ),
    Hostile(
        "a TOML key twice",
        _ballerina_toml("[package]\norg = 1\norg = 2"),
        bad.ManifestUnreadable,
        "line 3",
    ),
    Hostile("deep TOML", _ballerina_toml("a = " + "[" * 5_000), bad.ManifestTooDeep, "too deeply"),
    Hostile(
        "a TOML number too long",
        _ballerina_toml(_PACKAGE + "year = " + "1" * 5_000),
        bad.ManifestTooDeep,
        "more than 32 digits",
    ),
    Hostile(
        "a TOML key of many parts",
        _ballerina_toml("a" + '."b\\"" . c' * 100 + " = 1"),
        bad.ManifestTooDeep,
        "32 parts",
    ),
    Hostile("too much TOML", _ballerina_toml("\n" * 65_537), bad.ManifestTooDeep, "65,536"),
)

FIELDS = (
    Hostile("no organization", _json_file("package.json", "{}"), bad.FieldMissing, "no "),
    Hostile(
        "no name", _ballerina_toml('[package]\norg = "acme"'), bad.FieldMissing, "no package.name"
    ),
    Hostile("no package table", _ballerina_toml("x = 1"), bad.FieldMissing, "no package"),
    Hostile("no layout", _json_file("bala.json", "{}"), bad.FieldMissing, "no bala_version"),
    Hostile(
        "a number for a name", _package_json(name=7), bad.FieldInvalid, "name: it is not a str"
    ),
    Hostile("null for a text", _package_json(icon=None), bad.FieldInvalid, "icon: it is not a str"),
    Hostile(
        "a text for a list", _package_json(keywords="a"), bad.FieldInvalid, "keywords: it is not"
    ),
    Hostile(
        "a number in a list",
        _package_json(keywords=["a", 1]),
        bad.FieldInvalid,
        "keywords[1]: it is not a string",
    ),
    Hostile("a text for a choice", _package_json(template="no"), bad.FieldInvalid, "neither true"),
    Hostile("a text for a module", _package_json(modules=["a"]), bad.FieldInvalid, "modules[0]"),
    Hostile(
        "a keyword too long",
        _package_json(keywords=["a" * 1_001]),
        bad.FieldInvalid,
        "1,000 characters",
    ),
    Hostile(
        "another visibility", _package_json(visibility="Private"), bad.FieldInvalid, "visibility"
    ),
    Hostile("a platform", _package_json(platform="linux"), bad.PlatformUnknown, "linux"),
    Hostile("an empty platform", _package_json(platform=""), bad.PlatformUnknown, "''"),
    Hostile("an organization", _package_json(organization="a__b"), bad.CoordinateInvalid, "a__b"),
    Hostile("a name", _package_json(name="greet-er"), bad.CoordinateInvalid, "greet-er"),
    Hostile("a version", _package_json(version="1.0"), bad.CoordinateInvalid, "1.2.3"),
    Hostile("build metadata", _package_json(version="1.0.0+1"), bad.CoordinateInvalid, "metadata"),
    Hostile(
        "a version too large", _package_json(version="1.0.2147483648"), bad.CoordinateInvalid, "7"
    ),
    Hostile(
        "a dependency's name",
        lambda: bala(GREET, dependencies=["acme/x_:1.0.0"]),
        bad.CoordinateInvalid,
        "dependency-graph.json: packages[0].dependencies[0]",
    ),
    Hostile(
        "a dependency's version",
        lambda: bala(GREET, layout=4, dependencies=["acme/x:1"]),
        bad.CoordinateInvalid,
        "Dependencies.toml: package",
    ),
    Hostile(
        "Go without dependencies",
        _go({"Dependencies.toml": None}),
        bad.ManifestMissing,
        "Dependencies.toml",
    ),
    Hostile(
        "a schema of Go with three numbers",
        _go({"Bala.toml": '[bala]\nschema_version = "4.0.0"\n'}),
        bad.FieldInvalid,
        "bala.schema_version: it is not one number",
    ),
    Hostile(
        "a folder of Go that is no module",
        _go({"modules/greet-er/a.bal": "x"}),
        bad.CoordinateInvalid,
        "modules/greet-er: ",
    ),
    Hostile(
        "a dependency without its version",
        _go({"Dependencies.toml": _LOCK + 'dependencies = [{org = "acme", name = "x"}]'}),
        bad.DependencyUnlocked,
        "acme/x",
    ),
    Hostile(
        "a graph of another type",
        _json_file("dependency-graph.json", '{"packages": {}}'),
        bad.FieldInvalid,
        "packages: it is not a list",
    ),
    Hostile(
        "a plugin without its class",
        _json_file("compiler-plugin/compiler-plugin.json", "{}"),
        bad.FieldMissing,
        "plugin_class",
    ),
)

# --- packages ----------------------------------------------------------------------------------

_SOURCELESS: dict[str, bytes | str | None] = {SOURCE: None}

PACKAGES = (
    Hostile(
        "no documentation",
        lambda: bala(GREET, readme=""),
        bad.DocumentationMissing,
        "Package.md is missing in bala file",
    ),
    Hostile(
        "documentation elsewhere",
        lambda: bala(GREET, readme="", manifest={"readme": "x.md"}, entries={"x.md": "Hi"}),
        bad.DocumentationMissing,
        "Package.md is missing in bala file",
    ),
    Hostile(
        "documentation of another module only",
        lambda: bala(GREET, readme="", modules=["sub"], module_readmes={"greet.sub": "Hi"}),
        bad.DocumentationMissing,
        "Package.md is missing in bala file",
    ),
    Hostile(
        "empty documentation",
        lambda: bala(GREET, readme=" \n"),
        bad.DocumentationEmpty,
        "docs/README.md",
    ),
    Hostile("no sources", _files(_SOURCELESS), bad.SourcesMissing, "modules/greet"),
    Hostile(
        "no sources at the root",
        _files({"greet.bal": None}, layout=4),
        bad.SourcesMissing,
        "the root",
    ),
    Hostile(
        "sources below the module's folder",
        _files(
            {SOURCE: None, "modules/greet/tests/a.bal": "x", "modules/greet/resources/b.bal": ""}
        ),
        bad.SourcesMissing,
        "modules/greet",
    ),
    Hostile(
        "an export without sources",
        lambda: bala(GREET, exported=["greet", "greet.sub"]),
        bad.SourcesMissing,
        "greet.sub",
    ),
    Hostile(
        "a tool's export without sources",
        lambda: bala(GREET, tools=["greet"], exported=["greet.sub"]),
        bad.SourcesMissing,
        "greet.sub",
    ),
    Hostile(
        "another package's module",
        lambda: bala(GREET, exported=["kafka"]),
        bad.ForeignModule,
        "kafka",
    ),
    Hostile(
        "a module with a longer name",
        lambda: bala(GREET, exported=["greeter"]),
        bad.ForeignModule,
        "greeter",
    ),
    Hostile(
        "a module's name",
        _package_json(modules=[{"name": "greet..x"}]),
        bad.CoordinateInvalid,
        "greet..x",
    ),
    Hostile(
        "a tool without an id",
        _json_file("tool/bal-tool.json", '{"dependency_paths": []}'),
        bad.ToolIdMissing,
        "tool_id",
    ),
    Hostile(
        "a tool with an empty id",
        _json_file("tool/bal-tool.json", '{"tool_id": "", "tools": [{}]}'),
        bad.ToolIdMissing,
        "tool_id",
    ),
    Hostile("a tool's id", lambda: bala(GREET, tools=["my tool"]), bad.FieldInvalid, "my tool"),
    Hostile("a dot in a tool's id", lambda: bala(GREET, tools=["a..b"]), bad.FieldInvalid, "a..b"),
    Hostile(
        "a tool's id too long", lambda: bala(GREET, tools=["a" * 201]), bad.FieldInvalid, "tool_id"
    ),
    Hostile(
        "a number for a tool",
        _json_file("tool/bal-tool.json", '{"tools": [1]}'),
        bad.FieldInvalid,
        "tools[0]: it is not",
    ),
    Hostile(
        "a tool that cannot be pulled",
        lambda: bala("foo/foo:1.0.0", tools=["foo"]),
        bad.ToolNotPullable,
        "foo-foo-any-1.0.0.bala",
    ),
    Hostile(
        "an access token",
        lambda: bala(GREET, entries={"resources/settings": f"a\n\naccesstoken={TOKEN}\n"}),
        bad.TokenInArchive,
        "resources/settings contains an access token of this registry in line 3,",
    ),
    Hostile(
        "many texts like access tokens",
        lambda: bala(GREET, entries={"a": f"blr_local_{'a' * 48}\n" * (MAX_LOOKALIKES + 1)}),
        bad.TooManyLookalikes,
        "more than 10,000 texts",
    ),
)

HOSTILE: tuple[Hostile, ...] = (
    *CONTAINER,
    *ZIP64,
    *NAMES,
    *ENTRIES,
    *HEADERS,
    *DATA,
    *LIMITS,
    *MANIFESTS,
    *FIELDS,
    *PACKAGES,
)
