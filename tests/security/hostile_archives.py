"""Archives that must be refused, each with the class of its refusal and a word of the sentence."""

import gzip
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.auth.tokens import MAX_LOOKALIKES, AccessToken
from shared.domain.archives.unpacking import DEFAULT_LIMITS, MIB, ArchiveLimits
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
    refusal: str  # Its code.
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
    Hostile("nothing", lambda: b"", "not-a-zip", "not a zip"),
    Hostile("a text", lambda: b"hello " * 100, "not-a-zip", "not a zip"),
    Hostile("a gzip", lambda: gzip.compress(bala(), mtime=0), "not-a-zip", "not a zip"),
    Hostile("cut in the middle", lambda: bala()[:400], "truncated", "cut off"),
    Hostile("cut by a byte", _cut(1), "truncated", "cut off"),
    Hostile("cut in its comment", _with(comment_length=5), "truncated", "cut off"),
    Hostile("bytes in front", _with(prefix=b"#!/bin/sh\n"), "bytes-before", "10 bytes"),
    Hostile(
        "bytes in front that offsets know of",
        _with(prefix=b"#!/bin/sh\n", moved=10),
        "bytes-before",
        "before its first",
    ),
    Hostile("no entry but a prefix", lambda: b"x" * 9 + raw_zip([]), "bytes-before", "9 bytes"),
    Hostile("a byte behind", _with(suffix=b"j"), "bytes-after", "The archive has 1 byte after"),
    Hostile("bytes behind", _with(suffix=b"junk"), "bytes-after", "4 bytes"),
    Hostile(
        "two archives joined", lambda: _stub_zip() + bala(), "bytes-before", "before its first"
    ),
    Hostile("a comment", _with(comment=b"hello"), "archive-comment", "comment"),
    Hostile(
        "an archive in the comment", _with(comment=_stub_zip()), "bytes-before", "before its first"
    ),
    Hostile(
        "bytes between entries",
        _with(Member(name="a.txt", before=b"gap")),
        "bytes-between",
        "3 bytes",
    ),
    Hostile("bytes before the directory", _with(gap=b"gap!"), "bytes-between", "4 bytes"),
    Hostile("bytes behind the directory", _with(tail=b"gap"), "bytes-between", "3 bytes"),
    Hostile(
        "an entry that the directory hides",
        _with(Member(name="hidden.bal", content=b"x", omitted="central")),
        "bytes-between",
        "belong to no entry",
    ),
    Hostile(
        "two entries with one header",
        lambda: raw_zip([*plain(), Member(name="b", omitted="local", central={"start": 0})]),
        "entries-overlap",
        "overlaps",
    ),
    Hostile("an entry inside another", _quine_like, "entries-overlap", "outer.txt"),
    Hostile(
        "data that runs into the next entry",
        lambda: raw_zip(
            [
                Member(name="a", method=0, local={"packed": 40}, central={"packed": 40}),
                Member(name="b"),
            ]
        ),
        "entries-overlap",
        "The entry a",
    ),
    Hostile(
        "an entry that starts behind the directory",
        _with(Member(name="late", omitted="local", central={"start": 1 << 20})),
        "bytes-between",
        "belong to no entry",
    ),
    Hostile("fewer entries than counted", _with(count=6), "directory-damaged", "fewer"),
    Hostile("more entries than counted", _with(count=3), "directory-damaged", "more"),
    Hostile(
        "a directory beyond the end", _with(directory_start=1 << 20), "directory-damaged", "end"
    ),
    Hostile(
        "a directory entry beyond the end",
        lambda: raw_zip([Member(name="a", comment=b"c" * 9)]).replace(
            b"\x09\x00" + bytes(4), b"\xff\x00" + bytes(4)
        ),
        "directory-damaged",
        "beyond",
    ),
    Hostile(
        "a directory entry beyond what Java reads",
        _member("a", comment=b"c" * 65_500),
        "directory-damaged",
        "65,535",
    ),
    Hostile("one part of a split archive", _with(disk=1), "split-archive", "split"),
    Hostile("a directory in two parts", _with(here=2), "split-archive", "split"),
    Hostile(
        "an entry on another disk", _member("a", central={"disk": 1}), "split-archive", "split"
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
    Hostile("a zip64 locator", _with(tail=_LOCATOR), "zip64-used", "The archive"),
    Hostile(
        "a zip64 locator in an entry's comment",
        _member("a", comment=_LOCATOR),
        "zip64-used",
        "The archive",
    ),
    Hostile("a zip64 count", _with(count=0xFFFF), "zip64-used", "The archive"),
    Hostile("a zip64 directory", _with(directory_start=_BIG), "zip64-used", "The archive"),
    Hostile("a zip64 size", _member("a", central={"size": _BIG}), "zip64-used", "The entry a"),
    Hostile("a local zip64 size", _member("a", local={"size": _BIG}), "zip64-used", "The entry a"),
    Hostile(
        "a zip64 field", _member("a", central={"extra": _sizes64(1, 3)}), "zip64-used", "entry"
    ),
    Hostile(
        "a local zip64 field with other sizes",
        _member("a", local={"extra": _sizes64(9, 9)}),
        "zip64-used",
        "entry",
    ),
    Hostile(
        "a local zip64 field and a descriptor",
        _with(described("a", b"x", local={"extra": _sizes64(0, 0)})),
        "zip64-used",
        "entry",
    ),
    Hostile(
        "a descriptor of 24 bytes",
        lambda: _long_descriptor(b"PK\x07\x08"),
        "descriptor-differs",
        "a.txt",
    ),
    Hostile(
        "a descriptor of 20 bytes", lambda: _long_descriptor(b""), "descriptor-differs", "a.txt"
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
    Hostile("an absolute path", _member("/etc/passwd"), "unsafe-name", "absolute"),
    Hostile("a drive letter", _member("C:/windows/x"), "unsafe-name", "absolute"),
    Hostile("a drive letter further down", _member("modules/C:/x"), "unsafe-name", "colon"),
    Hostile("a colon after a letter", _member("modules/greet/x:y.txt"), "unsafe-name", "colon"),
    Hostile("an alternate stream", _member("main.bal::$DATA"), "unsafe-name", "colon"),
    Hostile("a name that ends in a dot", _member("main.bal."), "unsafe-name", "dot or a space"),
    Hostile("a name that ends in a space", _member("main.bal "), "unsafe-name", "dot or a space"),
    Hostile("a folder that ends in a dot", _member("docs./x"), "unsafe-name", "dot or a space"),
    Hostile("a name of a device", _member("CON"), "unsafe-name", "device"),
    Hostile("a device in small letters", _member("docs/nul"), "unsafe-name", "device"),
    Hostile("a device with an extension", _member("aux.bal"), "unsafe-name", "device"),
    Hostile("a device with two extensions", _member("LPT1.tar.gz"), "unsafe-name", "device"),
    Hostile("a device with a space", _member("COM1 .txt"), "unsafe-name", "device"),
    Hostile("a device of a raised digit", _member("COM\u00b9"), "unsafe-name", "device"),
    Hostile("a folder that is a device", _member("prn/x"), "unsafe-name", "device"),
    Hostile("the console's input", _member("conin$"), "unsafe-name", "device"),
    Hostile("a short name", _member("PACKAG~1.JSO"), "unsafe-name", "short name"),
    Hostile("a name that turns", _member("docs/\u202egnp.md"), "unsafe-name", r"docs/\u202egnp.md"),
    Hostile("an invisible joiner", _member("a\u200db.md"), "unsafe-name", r"a\u200db.md"),
    Hostile("an invisible space", _member("README\u200b.md"), "unsafe-name", r"README\u200b.md"),
    Hostile("a backslash", _member("modules\\greet\\x.bal"), "unsafe-name", "backslash"),
    Hostile("a parent folder", _member("a/../../x"), "unsafe-name", "empty, . or .."),
    Hostile("a parent folder at the end", _member("a/.."), "unsafe-name", "empty, . or .."),
    Hostile("this folder", _member("./package.json"), "unsafe-name", "a part that is empty"),
    Hostile("an empty part", _member("a//b"), "unsafe-name", "a part that is empty"),
    Hostile("only a slash", _member("/"), "unsafe-name", "absolute"),
    Hostile("a NUL", _member("package.json\0.txt"), "unsafe-name", "control character"),
    Hostile("a line break", _member("a\nb"), "unsafe-name", "control character"),
    Hostile("an entry without a name", _member(""), "unsafe-name", "1 to 4,096"),
    Hostile("a name too long", _member("a" * 4097), "unsafe-name", "1 to 4,096"),
    Hostile("a name in Latin-1", _member(b"caf\xe9.md"), "unsafe-name", "not UTF-8"),
    Hostile("a name of unknown coding", _member("café.md", flags=0), "unsafe-name", "not marked"),
    Hostile("a decomposed name", _member("cafe\u0301.md"), "unsafe-name", "form C"),
    Hostile(
        "another Unicode path",
        _member("a.txt", extra=_unicode_path(b"b.txt", b"a.txt")),
        "unsafe-name",
        "Unicode path",
    ),
    Hostile(
        "a Unicode path of another version",
        _member("a.txt", extra=extra_field(0x7075, b"\x02")),
        "unsafe-name",
        "Unicode path",
    ),
    Hostile("one name twice", _twins("a.txt", "a.txt"), "duplicate-entry", "twice"),
    Hostile("a second package.json", _member("package.json"), "duplicate-entry", "twice"),
    Hostile("names that differ in case", _twins("A.txt", "a.txt"), "duplicate-entry", "same file"),
    Hostile("names that fold alike", _twins("straße", "STRASSE"), "duplicate-entry", "same file"),
    Hostile("folders that differ in case", _twins("Docs/x", "docs/X"), "duplicate-entry", "same"),
    Hostile(
        "a file and a folder of one name",
        _with(Member(name="a", content=b"1"), Member(name="a/")),
        "duplicate-entry",
        "a/",
    ),
    Hostile("a file that is a folder", _twins("a", "a/b"), "file-is-folder", "lies in it"),
    Hostile(
        "a file that is a folder far up", _twins("A", "a/b/c/d"), "file-is-folder", "lies in it"
    ),
)

ENTRIES = (
    Hostile("a symbolic link", _member("a", attributes=_SYMLINK), "special-entry", "symbolic link"),
    Hostile("a device", _member("a", attributes=_DEVICE), "special-entry", "neither"),
    Hostile("a pipe", _member("a", attributes=_FIFO), "special-entry", "neither"),
    Hostile("a socket", _member("a", attributes=_SOCKET), "special-entry", "neither"),
    Hostile("a folder like a file", _member("a", attributes=0x10), "special-entry", "folder by"),
    Hostile("a file like a folder", _member("a/", b"", attributes=_REGULAR), "special-entry", "a/"),
    Hostile("a folder with content", _member("a/"), "special-entry", "with content"),
    Hostile(
        "a hard link",
        _member("a", extra=extra_field(0x000D, bytes(12) + b"/etc/passwd")),
        "special-entry",
        "link",
    ),
    Hostile("encryption", _member("a", flags=UTF8 | 1), "entry-encrypted", "encrypted"),
    Hostile("strong encryption", _member("a", flags=UTF8 | 0x41), "entry-encrypted", "encrypted"),
    Hostile("masked headers", _member("a", flags=UTF8 | 1 << 13), "entry-encrypted", "encrypted"),
    Hostile("AES", _member("a", method=99, flags=UTF8 | 1), "entry-encrypted", "encrypted"),
    Hostile("deflate64", _member("a", method=9), "entry-unsupported", "method 9"),
    Hostile("bzip2", _member("a", method=12), "entry-unsupported", "method 12"),
    Hostile("zstandard", _member("a", method=93), "entry-unsupported", "method 93"),
    Hostile("patched data", _member("a", flags=UTF8 | 1 << 5), "entry-unsupported", "flags"),
    Hostile(
        "a descriptor behind stored data",
        _member("a", method=0, flags=UTF8 | DESCRIBED),
        "entry-unsupported",
        "without compression",
    ),
    Hostile("a format to come", _member("a", needed=99), "entry-unsupported", "version 9.9"),
    Hostile("a cut extra field", _member("a", extra=b"\x55\x54\x09"), "entry-unsupported", "extra"),
    Hostile(
        "an extra field beyond the header",
        _member("a", extra=b"\x55\x54\x09\x00\x01"),
        "entry-unsupported",
        "extra",
    ),
)

HEADERS = (
    Hostile("another local name", _member("a", local={"name": b"b"}), "headers-differ", "name"),
    Hostile(
        "a longer local name",
        _member("a.bal", local={"name": b"a.bal.txt"}),
        "headers-differ",
        "name",
    ),
    Hostile("other local flags", _member("a", local={"flags": 0}), "headers-differ", "flags"),
    Hostile("another local method", _member("a", local={"method": 0}), "headers-differ", "method"),
    Hostile("another local CRC", _member("a", local={"crc": 7}), "headers-differ", "CRC"),
    Hostile("no local CRC", _member("a", local={"crc": 0}), "headers-differ", "CRC"),
    Hostile("another packed size", _member("a", local={"packed": 2}), "headers-differ", "packed"),
    Hostile("another local size", _member("a", local={"size": 2}), "headers-differ", "one size"),
    Hostile(
        "another local CRC before a descriptor",
        _with(described("a", b"x", local={"crc": 7})),
        "headers-differ",
        "CRC",
    ),
    Hostile(
        "a Unicode path in one header",
        _member("a", local={"extra": _unicode_path(b"a", b"a")}),
        "headers-differ",
        "Unicode path",
    ),
    Hostile(
        "no local header",
        _member("a", local={"signature": b"PK\x03\x05"}),
        "entry-damaged",
        "local header",
    ),
    Hostile(
        "a descriptor with another CRC",
        _with(described("a", b"x", descriptor=b"PK\x07\x08" + struct.pack("<3I", 7, 3, 1))),
        "descriptor-differs",
        "the entry a",
    ),
    Hostile(
        "no descriptor", _with(described("a", b"x", descriptor=b"")), "descriptor-differs", "a"
    ),
    Hostile(
        "bytes behind a descriptor",
        _with(described("a", b"x", after=b"junk")),
        "descriptor-differs",
        "more than that",
    ),
    Hostile("a descriptor of two minds", _crc_like_signature, "descriptor-differs", "a.txt"),
)

DATA = (
    Hostile(
        "a wrong CRC",
        _member("a", local={"crc": 7}, central={"crc": 7}),
        "entry-damaged",
        "CRC or size",
    ),
    Hostile(
        "less than its size",
        _member("a", local={"size": 9}, central={"size": 9}),
        "entry-damaged",
        "CRC or size",
    ),
    Hostile(
        "more than its size",
        _member("a", b"hello", local={"size": 2}, central={"size": 2}),
        "entry-damaged",
        "larger",
    ),
    Hostile("no deflate stream", _member("a", packed=b"\xff\xff\xff"), "entry-damaged", "unpacked"),
    Hostile(
        "half a deflate stream",
        _member("a", noise(500), packed=_deflated(noise(500))[:300]),
        "entry-damaged",
        "cut off",
    ),
    Hostile("an empty deflate stream", _member("a", b"", packed=b""), "entry-damaged", "cut off"),
    Hostile(
        "bytes behind the deflate stream",
        _member("a", packed=_deflated(b"x") + b"hidden"),
        "entry-damaged",
        "behind its packed data",
    ),
    Hostile(
        "many bytes behind the deflate stream",
        _member("a", packed=_deflated(b"x") + noise(100_000)),
        "entry-damaged",
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
        "too-many-entries",
        "55 entries",
        SMALL,
    ),
    Hostile(
        "names that are long together",
        _with(*(Member(name=f"{at:04}" + "x/" * 1_500 + "y") for at in range(400))),
        "names-too-long",
        "1,048,576",
    ),
    Hostile(
        "names of many parts together",
        _with(*(Member(name=f"{at:04}/" + "x/" * 120 + "y") for at in range(1_000))),
        "names-too-long",
        "parts between slashes",
    ),
    Hostile(
        "a large extra field",
        _member("a", extra=extra_field(0xCAFE, bytes(61))),
        "entry-unsupported",
        "more than 64 bytes of extra fields and comment",
    ),
    Hostile(
        "a large comment",
        _member("a", comment=b"x" * 65),
        "entry-unsupported",
        "more than 64 bytes of extra fields and comment",
    ),
    Hostile("a bomb", _bomb(), "ratio-too-high", "200 times"),
    Hostile(
        "a bomb that says it is small",
        _bomb(local={"size": 9}, central={"size": 9}),
        "entry-damaged",
        "larger",
    ),
    Hostile(
        "a bomb of entries that are small bombs",
        _with(*(Member(name=f"f{at}", content=BLANK) for at in range(500))),
        "archive-ratio-too-high",
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
        "entry-damaged",
        "larger",
    ),
    Hostile(
        "a bomb of small entries",
        _with(*(Member(name=f"f{at}", content=bytes(MIB)) for at in range(5))),
        "unpacks-too-large",
        "4,194,304",
        SMALL,
    ),
    Hostile(
        "a manifest too large",
        _json_file("package.json", " " * 10_001),
        "manifest-too-large",
        "10,001 bytes",
        SMALL,
    ),
    Hostile(
        "a text too large",
        lambda: bala(GREET, readme="word " * 30),
        "text-too-large",
        "150 bytes",
        ArchiveLimits(text_bytes=100),
    ),
    Hostile(
        "texts too large together",
        lambda: bala(GREET, readme="x" * 90, module_readmes={"greet": "y" * 90}),
        "texts-too-large",
        "together",
        ArchiveLimits(texts_bytes=100),
    ),
    Hostile(
        "too many keywords",
        lambda: bala(GREET, keywords=[f"word{at}" for at in range(2_000)]),
        "record-too-large",
        "keywords",
    ),
    Hostile(
        "too many modules",
        lambda: bala(GREET, modules=[f"module_number_{at}" for at in range(800)]),
        "record-too-large",
        "modules",
    ),
    Hostile(
        "too many dependencies",
        lambda: bala(GREET, dependencies=[f"acme/dep{at}:1.0.0" for at in range(400)]),
        "record-too-large",
        "dependencies",
    ),
)

# --- manifests ---------------------------------------------------------------------------------


def _go(changes: Mapping[str, bytes | str | None]) -> Callable[[], bytes]:
    return _files(changes, layout=4)


_PACKAGE = '[package]\norg = "acme"\nname = "greet"\nversion = "1.0.0"\n'
_LOCK = '[[package]]\norg = "acme"\nname = "greet"\nversion = "1.0.0"\n'

MANIFESTS = (
    Hostile("no entries", lambda: raw_zip([]), "manifest-missing", "package.json"),
    Hostile("no package.json", _files({"package.json": None}), "manifest-missing", "package.json"),
    Hostile("no bala.json", _files({"bala.json": None}), "manifest-missing", "bala.json"),
    Hostile("no Ballerina.toml", _go({"Ballerina.toml": None}), "manifest-missing", "Ballerina"),
    Hostile(
        "a package.json in a folder",
        _files({"package.json": None, "greet/package.json": "{}"}),
        "manifest-missing",
        "package.json",
    ),
    Hostile(
        "a package.json that is a folder",
        _files({"package.json": None, "package.json/": ""}),
        "manifest-missing",
        "package.json",
    ),
    Hostile(
        "a manifest in other letters",
        _files({"package.json": None, "Package.json": "{}"}),
        "manifest-misspelled",
        "Package.json",
    ),
    Hostile(
        "a graph in other letters",
        _files({"dependency-graph.json": None, "Dependency-Graph.json": "{}"}),
        "manifest-misspelled",
        "Dependency-Graph.json",
    ),
    Hostile(
        "a plugin in other letters",
        _files({"compiler-plugin/Compiler-Plugin.json": "{}"}),
        "manifest-misspelled",
        "compiler-plugin.json",
    ),
    Hostile(
        "two layouts in one",
        _files({"Bala.toml": "", "Ballerina.toml": _PACKAGE}),
        "layout-ambiguous",
        "both Bala.toml and package.json",
    ),
    Hostile(
        "no UTF-8", _files({"package.json": b'{\n"a":"\xff"}'}), "manifest-unreadable", "line 2"
    ),
    Hostile(
        "no JSON",
        _json_file("package.json", '{\n  "name": "greet"\n  "org": 1}'),
        "manifest-unreadable",
        "line 3, column 3",
    ),
    Hostile("empty JSON", _json_file("bala.json", ""), "manifest-unreadable", "line 1, column 1"),
    Hostile("NaN", _json_file("bala.json", '{"x": NaN}'), "manifest-unreadable", "NaN"),
    Hostile("infinity", _json_file("bala.json", '{"x": -Infinity}'), "manifest-unreadable", "-Inf"),
    Hostile("a number too large", _json_file("bala.json", "1e999"), "manifest-unreadable", "1e999"),
    Hostile(
        "a number too long",
        _json_file("bala.json", "1" * 5_000),
        "manifest-unreadable",
        "5,000 digits",
    ),
    Hostile(
        "a key twice",
        _json_file("bala.json", '{"bala_version": "2.0.0", "bala_version": "3.0.0"}'),
        "manifest-unreadable",
        "bala_version stands twice",
    ),
    Hostile("deep JSON", _json_file("bala.json", "[" * 100_000), "manifest-too-deep", "too deeply"),
    Hostile("a JSON list", _json_file("package.json", "[]"), "field-invalid", "not an object"),
    Hostile(
        "half a letter",
        _package_json(authors=["\ud800"]),
        "manifest-unreadable",
        r"\ud800 alone is no character",
    ),
    Hostile(
        "no TOML", _ballerina_toml("[package]\norg 1"), "manifest-unreadable", "line 2, column 5"
    ),
    Hostile(
        "TOML that ends early",
        _ballerina_toml('[package]\norg = "acme'),
        "manifest-unreadable",
        "line 2, column 12",
    ),
    Hostile(
        "a TOML key twice",
        _ballerina_toml("[package]\norg = 1\norg = 2"),
        "manifest-unreadable",
        "line 3",
    ),
    Hostile("deep TOML", _ballerina_toml("a = " + "[" * 5_000), "manifest-too-deep", "too deeply"),
    Hostile(
        "a TOML number too long",
        _ballerina_toml(_PACKAGE + "year = " + "1" * 5_000),
        "manifest-too-deep",
        "numbers of more than 4,096 characters",
    ),
    *(
        Hostile(
            f"TOML numbers too long: {kind}",
            _ballerina_toml(_PACKAGE + text),
            "manifest-too-deep",
            "numbers of more than 4,096 characters",
        )
        for kind, text in {
            "an exponent": "year = 1e" + "1" * 5_000,
            "a hexadecimal one": "year = 0x" + "f" * 5_000,
            "many short ones": "years = [" + "-1234567890, " * 500 + "]",
        }.items()
    ),
    Hostile(
        "a TOML key of many parts",
        _ballerina_toml("a" + '."b\\"" . c' * 100 + " = 1"),
        "manifest-too-deep",
        "32 parts",
    ),
    Hostile("too much TOML", _ballerina_toml("\n" * 65_537), "manifest-too-deep", "65,536"),
)

FIELDS = (
    Hostile("no organization", _json_file("package.json", "{}"), "field-missing", "no "),
    Hostile(
        "no name", _ballerina_toml('[package]\norg = "acme"'), "field-missing", "no package.name"
    ),
    Hostile("no package table", _ballerina_toml("x = 1"), "field-missing", "no package"),
    Hostile("no layout", _json_file("bala.json", "{}"), "field-missing", "no bala_version"),
    Hostile("a number for a name", _package_json(name=7), "field-invalid", "name: it is not a str"),
    Hostile("null for a text", _package_json(icon=None), "field-invalid", "icon: it is not a str"),
    Hostile(
        "a text for a list", _package_json(keywords="a"), "field-invalid", "keywords: it is not"
    ),
    Hostile(
        "a number in a list",
        _package_json(keywords=["a", 1]),
        "field-invalid",
        "keywords[1]: it is not a string",
    ),
    Hostile("a text for a choice", _package_json(template="no"), "field-invalid", "neither true"),
    Hostile("a text for a module", _package_json(modules=["a"]), "field-invalid", "modules[0]"),
    Hostile(
        "a keyword too long",
        _package_json(keywords=["a" * 1_001]),
        "field-invalid",
        "1,000 characters",
    ),
    Hostile(
        "another visibility", _package_json(visibility="Private"), "field-invalid", "visibility"
    ),
    Hostile("a platform", _package_json(platform="linux"), "platform-unknown", "linux"),
    Hostile("an empty platform", _package_json(platform=""), "platform-unknown", "''"),
    Hostile("an organization", _package_json(organization="a.b"), "coordinate-invalid", "a.b"),
    Hostile("a name", _package_json(name="greet-er"), "coordinate-invalid", "greet-er"),
    Hostile("a version", _package_json(version="1.0"), "coordinate-invalid", "1.2.3"),
    Hostile("build metadata", _package_json(version="1.0.0+1"), "coordinate-invalid", "metadata"),
    Hostile(
        "a version too large", _package_json(version="1.0.2147483648"), "coordinate-invalid", "7"
    ),
    Hostile(
        "a dependency's name",
        lambda: bala(GREET, dependencies=["acme/x_:1.0.0"]),
        "coordinate-invalid",
        "dependency-graph.json: packages[0].dependencies[0]",
    ),
    Hostile(
        "a dependency's version",
        lambda: bala(GREET, layout=4, dependencies=["acme/x:1"]),
        "coordinate-invalid",
        "Dependencies.toml: package",
    ),
    Hostile(
        "Go without dependencies",
        _go({"Dependencies.toml": None}),
        "manifest-missing",
        "Dependencies.toml",
    ),
    Hostile(
        "a schema of Go with three numbers",
        _go({"Bala.toml": '[bala]\nschema_version = "4.0.0"\n'}),
        "field-invalid",
        "bala.schema_version: it is not one number",
    ),
    Hostile(
        "a folder of Go that is no module",
        _go({"modules/greet-er/a.bal": "x"}),
        "coordinate-invalid",
        "modules/greet-er: ",
    ),
    Hostile(
        "a dependency without its version",
        _go({"Dependencies.toml": _LOCK + 'dependencies = [{org = "acme", name = "x"}]'}),
        "dependency-unlocked",
        "acme/x",
    ),
    Hostile(
        "a graph of another type",
        _json_file("dependency-graph.json", '{"packages": {}}'),
        "field-invalid",
        "packages: it is not a list",
    ),
    Hostile(
        "a plugin without its class",
        _json_file("compiler-plugin/compiler-plugin.json", "{}"),
        "field-missing",
        "plugin_class",
    ),
)

# --- packages ----------------------------------------------------------------------------------

_SOURCELESS: dict[str, bytes | str | None] = {SOURCE: None}

PACKAGES = (
    Hostile(
        "no documentation",
        lambda: bala(GREET, readme=""),
        "documentation-missing",
        "Package.md is missing in bala file",
    ),
    Hostile(
        "documentation elsewhere",
        lambda: bala(GREET, readme="", manifest={"readme": "x.md"}, entries={"x.md": "Hi"}),
        "documentation-missing",
        "Package.md is missing in bala file",
    ),
    Hostile(
        "documentation of another module only",
        lambda: bala(GREET, readme="", modules=["sub"], module_readmes={"greet.sub": "Hi"}),
        "documentation-missing",
        "Package.md is missing in bala file",
    ),
    Hostile(
        "empty documentation",
        lambda: bala(GREET, readme=" \n"),
        "documentation-empty",
        "docs/README.md",
    ),
    Hostile("no sources", _files(_SOURCELESS), "sources-missing", "modules/greet"),
    Hostile(
        "no sources at the root",
        _files({"greet.bal": None}, layout=4),
        "sources-missing",
        "the root",
    ),
    Hostile(
        "sources below the module's folder",
        _files(
            {SOURCE: None, "modules/greet/tests/a.bal": "x", "modules/greet/resources/b.bal": ""}
        ),
        "sources-missing",
        "modules/greet",
    ),
    Hostile(
        "an export without sources",
        lambda: bala(GREET, exported=["greet", "greet.sub"]),
        "sources-missing",
        "greet.sub",
    ),
    Hostile(
        "a tool's export without sources",
        lambda: bala(GREET, tools=["greet"], exported=["greet.sub"]),
        "sources-missing",
        "greet.sub",
    ),
    Hostile(
        "another package's module",
        lambda: bala(GREET, exported=["kafka"]),
        "foreign-module",
        "kafka",
    ),
    Hostile(
        "a module with a longer name",
        lambda: bala(GREET, exported=["greeter"]),
        "foreign-module",
        "greeter",
    ),
    Hostile(
        "a module's name",
        _package_json(modules=[{"name": "greet..x"}]),
        "coordinate-invalid",
        "greet..x",
    ),
    Hostile(
        "a tool without an id",
        _json_file("tool/bal-tool.json", '{"dependency_paths": []}'),
        "tool-id-missing",
        "tool_id",
    ),
    Hostile(
        "a tool with an empty id",
        _json_file("tool/bal-tool.json", '{"tool_id": "", "tools": [{}]}'),
        "tool-id-missing",
        "tool_id",
    ),
    Hostile("a tool's id", lambda: bala(GREET, tools=["my tool"]), "field-invalid", "my tool"),
    Hostile("a dot in a tool's id", lambda: bala(GREET, tools=["a..b"]), "field-invalid", "a..b"),
    Hostile(
        "a tool's id too long", lambda: bala(GREET, tools=["a" * 201]), "field-invalid", "tool_id"
    ),
    Hostile(
        "a number for a tool",
        _json_file("tool/bal-tool.json", '{"tools": [1]}'),
        "field-invalid",
        "tools[0]: it is not",
    ),
    Hostile(
        "a tool that cannot be pulled",
        lambda: bala("foo/foo:1.0.0", tools=["foo"]),
        "tool-not-pullable",
        "foo-foo-any-1.0.0.bala",
    ),
    Hostile(
        "an access token",
        lambda: bala(GREET, entries={"resources/settings": f"a\n\naccesstoken={TOKEN}\n"}),
        "token-in-archive",
        "resources/settings contains an access token of this registry in line 3,",
    ),
    Hostile(
        "many texts like access tokens",
        lambda: bala(GREET, entries={"a": f"blr_local_{'a' * 48}\n" * (MAX_LOOKALIKES + 1)}),
        "too-many-lookalikes",
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
