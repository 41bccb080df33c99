"""Archives that must be refused, each with the class of its refusal and a word of the sentence."""

import gzip
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.auth.access_tokens import MAX_LOOKALIKES, AccessToken
from shared.domain.archives.limits import DEFAULT_LIMITS, MIB, ArchiveLimits
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


# The name of each archive with the rest, by the code of what refuses it.
Rows = Mapping[str, Mapping[str, tuple[Any, ...]]]


def plain() -> list[Member]:
    """Return the members of a valid bala."""
    return members_of(files(GREET, Spec()))


def also(*more: Member, **end: Any) -> Callable[[], bytes]:
    """Return the builder of a valid bala with further members, or another end."""
    return lambda: raw_zip([*plain(), *more], **end)


def _member(name: str | bytes, content: bytes = b"x", **fields: Any) -> Callable[[], bytes]:
    return also(Member(name=name, content=content, **fields))


def _a(content: bytes = b"x", **fields: Any) -> Callable[[], bytes]:
    return _member("a", content, **fields)


def _described(**fields: Any) -> Callable[[], bytes]:
    return also(described("a", b"x", **fields))


def _many(count: int, tail: str = "", content: bytes = b"") -> Callable[[], bytes]:
    return also(*(Member(name=f"{at:04}{tail}", content=content) for at in range(count)))


def _bala(**spec: Any) -> Callable[[], bytes]:
    return lambda: bala(GREET, **spec)


def _files(changes: Mapping[str, bytes | str | None], **spec: Any) -> Callable[[], bytes]:
    """Return the builder of a bala with some files changed, or left out where they are None."""

    def build() -> bytes:
        changed = {**files(GREET, Spec(**spec)), **changes}
        return zipped({name: data for name, data in changed.items() if data is not None})

    return build


def _instead(of: str, name: str, text: str = "{}") -> Callable[[], bytes]:
    return _files({of: None, name: text})


def _package_json(**fields: object) -> Callable[[], bytes]:
    return _bala(manifest=fields)


def _json_file(name: str, text: str) -> Callable[[], bytes]:
    return _files({name: text})


def _ballerina_toml(text: str) -> Callable[[], bytes]:
    return _files({"Ballerina.toml": text}, layout=4)


# --- the container -----------------------------------------------------------------------------


def _stub_zip() -> bytes:
    return raw_zip([Member(name="package.json", content=b"{}")])


def _quine_like() -> bytes:
    """Return an archive whose second entry is a part of the first one's data."""
    inner = raw_zip([Member(name="inner.txt", content=b"hidden")])
    first = Member(name="outer.txt", content=inner, method=0)
    start = 30 + len("outer.txt")
    second = Member(name="inner.txt", content=b"hidden", omitted="local", central={"start": start})
    return raw_zip([first, second])


CONTAINER: Rows = {
    "not-a-zip": {
        "nothing": (lambda: b"", "not a zip"),
        "a gzip": (lambda: gzip.compress(bala(), mtime=0), "not a zip"),
    },
    "truncated": {
        "cut in the middle": (lambda: bala()[:400], "cut off"),
        "cut by a byte": (lambda: bala(GREET)[:-1], "cut off"),
        "cut in its comment": (also(comment_length=5), "cut off"),
    },
    "bytes-before": {
        "bytes in front": (also(prefix=b"#!/bin/sh\n"), "10 bytes"),
        "bytes in front that offsets know of": (also(prefix=b"#!/bin/sh\n", moved=10), "before"),
        "no entry but a prefix": (lambda: b"x" * 9 + raw_zip([]), "9 bytes"),
        "two archives joined": (lambda: _stub_zip() + bala(), "before"),
        "an archive in the comment": (also(comment=_stub_zip()), "before"),
    },
    "bytes-after": {
        "bytes behind": (also(suffix=b"junk"), "4 bytes"),
        "a comment": (also(comment=b"hello"), "5 bytes"),
    },
    "bytes-between": {
        "bytes between entries": (also(Member(name="a.txt", before=b"gap")), "3 bytes"),
        "bytes before the directory": (also(gap=b"gap!"), "4 bytes"),
        "bytes behind the directory": (also(tail=b"gap"), "3 bytes"),
        "an entry that the directory hides": (
            also(Member(name="hidden.bal", content=b"x", omitted="central")),
            "no entry",
        ),
        "an entry that starts behind the directory": (
            also(Member(name="late", omitted="local", central={"start": 1 << 20})),
            "no entry",
        ),
    },
    "entries-overlap": {
        "two entries with one header": (
            lambda: raw_zip([*plain(), Member(name="b", omitted="local", central={"start": 0})]),
            "overlaps",
        ),
        "an entry inside another": (_quine_like, "outer.txt"),
        "data that runs into the next entry": (
            lambda: raw_zip(
                [
                    Member(name="a", method=0, local={"packed": 40}, central={"packed": 40}),
                    Member(name="b"),
                ]
            ),
            "The entry a",
        ),
    },
    "directory-damaged": {
        "fewer entries than counted": (also(count=6), "fewer"),
        "more entries than counted": (also(count=3), "more"),
        "a directory beyond the end": (also(directory_start=1 << 20), "end"),
        "a directory entry beyond the end": (
            lambda: raw_zip([Member(name="a", comment=b"c" * 9)]).replace(
                b"\x09\x00" + bytes(4), b"\xff\x00" + bytes(4)
            ),
            "beyond",
        ),
        "a directory entry beyond what Java reads": (_a(comment=b"c" * 65_500), "65,535"),
    },
    "split-archive": {
        "one part of a split archive": (also(disk=1), "split"),
        "a directory in two parts": (also(here=2), "split"),
        "an entry on another disk": (_a(central={"disk": 1}), "split"),
    },
}

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


ZIP64: Rows = {
    "zip64-used": {
        "a zip64 locator": (also(tail=_LOCATOR), "The archive"),
        "a zip64 locator in an entry's comment": (_a(comment=_LOCATOR), "The archive"),
        "a zip64 count": (also(count=0xFFFF), "The archive"),
        "a zip64 directory": (also(directory_start=_BIG), "The archive"),
        "a zip64 size": (_a(central={"size": _BIG}), "The entry a"),
        "a local zip64 size": (_a(local={"size": _BIG}), "The entry a"),
        "a zip64 field": (_a(central={"extra": _sizes64(1, 3)}), "entry"),
        "a local zip64 field with other sizes": (_a(local={"extra": _sizes64(9, 9)}), "entry"),
        "a local zip64 field and a descriptor": (
            _described(local={"extra": _sizes64(0, 0)}),
            "entry",
        ),
    },
    "descriptor-differs": {
        "a descriptor of 24 bytes": (lambda: _long_descriptor(b"PK\x07\x08"), "a.txt"),
        "a descriptor of 20 bytes": (lambda: _long_descriptor(b""), "a.txt"),
    },
}

# --- entries -----------------------------------------------------------------------------------

_SYMLINK = 0o120777 << 16
_DEVICE = 0o060644 << 16
_REGULAR = 0o100644 << 16


def unicode_path(name: bytes, of: bytes) -> bytes:
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
    return also(Member(name=name, content=b"1"), Member(name=other, content=b"2"))


NAMES: Rows = {
    "unsafe-name": {
        "an absolute path": (_member("/etc/passwd"), "absolute"),
        "a drive letter": (_member("C:/windows/x"), "absolute"),
        "a drive letter further down": (_member("modules/C:/x"), "colon"),
        "an alternate stream": (_member("main.bal::$DATA"), "colon"),
        "a name that ends in a dot": (_member("main.bal."), "dot or a space"),
        "a name that ends in a space": (_member("main.bal "), "dot or a space"),
        "a folder that ends in a dot": (_member("docs./x"), "dot or a space"),
        "a name of a device": (_member("CON"), "device"),
        "a device with an extension": (_member("aux.bal"), "device"),
        "a device with a space": (_member("COM1 .txt"), "device"),
        "a device of a raised digit": (_member("COM\u00b9"), "device"),
        "a folder that is a device": (_member("prn/x"), "device"),
        "the console's input": (_member("conin$"), "device"),
        "a short name": (_member("PACKAG~1.JSO"), "short name"),
        "a name that turns": (_member("docs/\u202egnp.md"), r"docs/\u202egnp.md"),
        "an invisible space": (_member("README\u200b.md"), r"README\u200b.md"),
        "a backslash": (_member("modules\\greet\\x.bal"), "backslash"),
        "a parent folder": (_member("a/../../x"), "empty, . or .."),
        "this folder": (_member("./package.json"), "a part that is empty"),
        "an empty part": (_member("a//b"), "a part that is empty"),
        "a NUL": (_member("package.json\0.txt"), "control character"),
        "a line break": (_member("a\nb"), "control character"),
        "an entry without a name": (_member(""), "1 to 4,096"),
        "a name too long": (_member("a" * 4097), "1 to 4,096"),
        "a name in Latin-1": (_member(b"caf\xe9.md"), "not UTF-8"),
        "a name of unknown coding": (_member("café.md", flags=0), "not marked"),
        "a decomposed name": (_member("cafe\u0301.md"), "form C"),
        "another Unicode path": (
            _member("a.txt", extra=unicode_path(b"b.txt", b"a.txt")),
            "Unicode path",
        ),
        "a Unicode path of another version": (
            _member("a.txt", extra=extra_field(0x7075, b"\x02")),
            "Unicode path",
        ),
    },
    "duplicate-entry": {
        "one name twice": (_twins("a.txt", "a.txt"), "twice"),
        "a second package.json": (_member("package.json"), "twice"),
        "names that differ in case": (_twins("A.txt", "a.txt"), "same file"),
        "names that fold alike": (_twins("straße", "STRASSE"), "same file"),
        "folders that differ in case": (_twins("Docs/x", "docs/X"), "same"),
        "a file and a folder of one name": (
            also(Member(name="a", content=b"1"), Member(name="a/")),
            "a/",
        ),
    },
    "file-is-folder": {
        "a file that is a folder": (_twins("a", "a/b"), "lies in it"),
        "a file that is a folder far up": (_twins("A", "a/b/c/d"), "lies in it"),
    },
}

ENTRIES: Rows = {
    "special-entry": {
        "a symbolic link": (_a(attributes=_SYMLINK), "symbolic link"),
        "a device": (_a(attributes=_DEVICE), "neither"),
        "a folder like a file": (_a(attributes=0x10), "folder by"),
        "a file like a folder": (_member("a/", b"", attributes=_REGULAR), "a/"),
        "a folder with content": (_member("a/"), "with content"),
        "a hard link": (_a(extra=extra_field(0x000D, bytes(12) + b"/etc/passwd")), "link"),
    },
    "entry-encrypted": {
        "encryption": (_a(flags=UTF8 | 1), "encrypted"),
        "strong encryption": (_a(flags=UTF8 | 0x41), "encrypted"),
        "masked headers": (_a(flags=UTF8 | 1 << 13), "encrypted"),
    },
    "entry-unsupported": {
        "deflate64": (_a(method=9), "method 9"),
        "patched data": (_a(flags=UTF8 | 1 << 5), "flags"),
        "a descriptor behind stored data": (_a(method=0, flags=UTF8 | DESCRIBED), "without"),
        "a format to come": (_a(needed=99), "version 9.9"),
        "a cut extra field": (_a(extra=b"\x55\x54\x09"), "extra"),
        "an extra field beyond the header": (_a(extra=b"\x55\x54\x09\x00\x01"), "extra"),
    },
}

HEADERS: Rows = {
    "headers-differ": {
        "another local name": (_a(local={"name": b"b"}), "name"),
        "a longer local name": (_member("a.bal", local={"name": b"a.bal.txt"}), "name"),
        "other local flags": (_a(local={"flags": 0}), "flags"),
        "another local method": (_a(local={"method": 0}), "method"),
        "another local CRC": (_a(local={"crc": 7}), "one CRC"),
        "another packed size": (_a(local={"packed": 2}), "one packed size"),
        "another local size": (_a(local={"size": 2}), "one size"),
        "another local CRC before a descriptor": (_described(local={"crc": 7}), "CRC"),
    },
    "entry-damaged": {"no local header": (_a(local={"signature": b"PK\x03\x05"}), "local header")},
    "descriptor-differs": {
        "a descriptor with another CRC": (
            _described(descriptor=b"PK\x07\x08" + struct.pack("<3I", 7, 3, 1)),
            "the entry a",
        ),
        "no descriptor": (_described(descriptor=b""), "a"),
        "bytes behind a descriptor": (_described(after=b"junk"), "more than that"),
        "a descriptor of two minds": (_crc_like_signature, "a.txt"),
    },
}

DATA: Rows = {
    "entry-damaged": {
        "a wrong CRC": (_a(local={"crc": 7}, central={"crc": 7}), "CRC or size"),
        "less than its size": (_a(local={"size": 9}, central={"size": 9}), "CRC or size"),
        "more than its size": (_a(b"hello", local={"size": 2}, central={"size": 2}), "larger"),
        "no deflate stream": (_a(packed=b"\xff\xff\xff"), "unpacked"),
        "half a deflate stream": (_a(noise(500), packed=_deflated(noise(500))[:300]), "cut off"),
        "an empty deflate stream": (_a(b"", packed=b""), "cut off"),
        "bytes behind the deflate stream": (
            _a(packed=_deflated(b"x") + b"hidden"),
            "behind its packed data",
        ),
    }
}

# --- limits ------------------------------------------------------------------------------------


BLANK = bytes(MIB)


def _bomb(**lies: Any) -> Callable[[], bytes]:
    return _member("bomb", bytes(2 * MIB), **lies)


LIMITS: Rows = {
    "too-many-entries": {"too many entries": (_many(50), "55 entries", SMALL)},
    "names-too-long": {
        "names that are long together": (_many(400, "x/" * 1_500 + "y"), "1,048,576"),
        "names of many parts together": (
            _many(1_000, "/" + "x/" * 120 + "y"),
            "parts between slashes",
        ),
    },
    "entry-unsupported": {
        "a large extra field": (_a(extra=extra_field(0xCAFE, bytes(61))), "64 bytes of extra"),
        "a large comment": (_a(comment=b"x" * 65), "64 bytes of extra"),
    },
    "ratio-too-high": {"a bomb": (_bomb(), "200 times")},
    "entry-damaged": {
        "a bomb that says it is small": (_bomb(local={"size": 9}, central={"size": 9}), "larger")
    },
    "archive-ratio-too-high": {
        "a bomb of entries that are small bombs": (_many(500, content=BLANK), "200 times")
    },
    "unpacks-too-large": {"a bomb of small entries": (_many(5, content=BLANK), "4,194,304", SMALL)},
    "manifest-too-large": {
        "a manifest too large": (_json_file("package.json", " " * 10_001), "10,001 bytes", SMALL)
    },
    "text-too-large": {
        "a text too large": (_bala(readme="word " * 30), "150 bytes", ArchiveLimits(text_bytes=100))
    },
    "texts-too-large": {
        "texts too large together": (
            _bala(readme="x" * 90, module_readmes={"greet": "y" * 90}),
            "together",
            ArchiveLimits(texts_bytes=100),
        )
    },
    "record-too-large": {
        "too many keywords": (_bala(keywords=[f"word{at}" for at in range(2_000)]), "keywords"),
        "too many modules": (
            _bala(modules=[f"module_number_{at}" for at in range(800)]),
            "modules",
        ),
        "too many dependencies": (
            _bala(dependencies=[f"acme/dep{at}:1.0.0" for at in range(400)]),
            "dependencies",
        ),
    },
}

# --- manifests ---------------------------------------------------------------------------------


def _go(changes: Mapping[str, bytes | str | None]) -> Callable[[], bytes]:
    return _files(changes, layout=4)


_PACKAGE = '[package]\norg = "acme"\nname = "greet"\nversion = "1.0.0"\n'
_LOCK = '[[package]]\norg = "acme"\nname = "greet"\nversion = "1.0.0"\n'

MANIFESTS: Rows = {
    "manifest-missing": {
        "no package.json": (_files({"package.json": None}), "package.json"),
        "no bala.json": (_files({"bala.json": None}), "bala.json"),
        "no Ballerina.toml": (_go({"Ballerina.toml": None}), "Ballerina"),
        "a package.json in a folder": (
            _instead("package.json", "greet/package.json"),
            "package.json",
        ),
        "a package.json that is a folder": (
            _instead("package.json", "package.json/", ""),
            "package.json",
        ),
    },
    "manifest-misspelled": {
        "a manifest in other letters": (_instead("package.json", "Package.json"), "Package.json"),
        "a plugin in other letters": (
            _files({"compiler-plugin/Compiler-Plugin.json": "{}"}),
            "compiler-plugin.json",
        ),
    },
    "layout-ambiguous": {
        "two layouts in one": (
            _files({"Bala.toml": "", "Ballerina.toml": _PACKAGE}),
            "both Bala.toml",
        )
    },
    "manifest-unreadable": {
        "no UTF-8": (_files({"package.json": b'{\n"a":"\xff"}'}), "line 2"),
        "no JSON": (
            _json_file("package.json", '{\n  "name": "greet"\n  "org": 1}'),
            "line 3, column 3",
        ),
        "NaN": (_json_file("bala.json", '{"x": NaN}'), "NaN"),
        "a number too large": (_json_file("bala.json", "1e999"), "1e999"),
        "a number too long": (_json_file("bala.json", "1" * 5_000), "5,000 digits"),
        "a key twice": (
            _json_file("bala.json", '{"bala_version": "2.0.0", "bala_version": "3.0.0"}'),
            "stands twice",
        ),
        "half a letter": (_package_json(authors=["\ud800"]), r"\ud800 alone is no character"),
        "no TOML": (_ballerina_toml("[package]\norg 1"), "line 2, column 5"),
    },
    "manifest-too-deep": {
        "deep JSON": (_json_file("bala.json", "[" * 100_000), "too deeply"),
        "deep TOML": (_ballerina_toml("a = " + "[" * 5_000), "too deeply"),
        "a TOML number too long": (
            _ballerina_toml(_PACKAGE + "year = " + "1" * 5_000),
            "more than 4,096",
        ),
        "a TOML key of many parts": (
            _ballerina_toml("a" + '."b\\"" . c' * 100 + " = 1"),
            "32 parts",
        ),
        "too much TOML": (_ballerina_toml("\n" * 65_537), "65,536"),
        **{
            f"TOML numbers too long: {kind}": (_ballerina_toml(_PACKAGE + text), "more than 4,096")
            for kind, text in {
                "an exponent": "year = 1e" + "1" * 5_000,
                "a hexadecimal one": "year = 0x" + "f" * 5_000,
                "many short ones": "years = [" + "-1234567890, " * 500 + "]",
            }.items()
        },
    },
    "field-invalid": {"a JSON list": (_json_file("package.json", "[]"), "not an object")},
}

FIELDS: Rows = {
    "field-missing": {
        "no organization": (_json_file("package.json", "{}"), "no "),
        "no name": (_ballerina_toml('[package]\norg = "acme"'), "no package.name"),
        "no layout": (_json_file("bala.json", "{}"), "no bala_version"),
        "a plugin without its class": (
            _json_file("compiler-plugin/compiler-plugin.json", "{}"),
            "plugin_class",
        ),
    },
    "field-invalid": {
        "a number for a name": (_package_json(name=7), "name: it is not a str"),
        "a text for a list": (_package_json(keywords="a"), "keywords: it is not"),
        "a number in a list": (_package_json(keywords=["a", 1]), "keywords[1]: it is not a string"),
        "a text for a choice": (_package_json(template="no"), "neither true"),
        "a text for a module": (_package_json(modules=["a"]), "modules[0]"),
        "a keyword too long": (_package_json(keywords=["a" * 1_001]), "1,000 characters"),
        "another visibility": (_package_json(visibility="Private"), "visibility"),
        "a schema of Go with three numbers": (
            _go({"Bala.toml": '[bala]\nschema_version = "4.0.0"\n'}),
            "bala.schema_version: it is not one number",
        ),
        "a graph of another type": (
            _json_file("dependency-graph.json", '{"packages": {}}'),
            "packages: it is not a list",
        ),
    },
    "platform-unknown": {"a platform": (_package_json(platform="linux"), "linux")},
    "coordinate-invalid": {
        "an organization": (_package_json(organization="a.b"), "a.b"),
        "a name": (_package_json(name="greet-er"), "greet-er"),
        "a version": (_package_json(version="1.0"), "1.2.3"),
        "build metadata": (_package_json(version="1.0.0+1"), "metadata"),
        "a version too large": (_package_json(version="1.0.2147483648"), "7"),
        "a dependency's name": (
            _bala(dependencies=["acme/x_:1.0.0"]),
            "dependency-graph.json: packages[0].dependencies[0]",
        ),
        "a dependency's version": (
            _bala(layout=4, dependencies=["acme/x:1"]),
            "Dependencies.toml: package",
        ),
        "a folder of Go that is no module": (
            _go({"modules/greet-er/a.bal": "x"}),
            "modules/greet-er: ",
        ),
    },
    "manifest-missing": {
        "Go without dependencies": (_go({"Dependencies.toml": None}), "Dependencies.toml")
    },
    "dependency-unlocked": {
        "a dependency without its version": (
            _go({"Dependencies.toml": _LOCK + 'dependencies = [{org = "acme", name = "x"}]'}),
            "acme/x",
        )
    },
}

# --- packages ----------------------------------------------------------------------------------

_SOURCELESS: dict[str, bytes | str | None] = {SOURCE: None}

PACKAGES: Rows = {
    "documentation-missing": {
        "no documentation": (_bala(readme=""), "Package.md is"),
        "documentation elsewhere": (
            _bala(readme="", manifest={"readme": "x.md"}, entries={"x.md": "Hi"}),
            "Package.md is",
        ),
        "documentation of another module only": (
            _bala(readme="", modules=["sub"], module_readmes={"greet.sub": "Hi"}),
            "Package.md is",
        ),
    },
    "documentation-empty": {"empty documentation": (_bala(readme=" \n"), "docs/README.md")},
    "sources-missing": {
        "no sources": (_files(_SOURCELESS), "modules/greet"),
        "no sources at the root": (_files({"greet.bal": None}, layout=4), "the root"),
        "sources below the module's folder": (
            _files(
                {
                    SOURCE: None,
                    "modules/greet/tests/a.bal": "x",
                    "modules/greet/resources/b.bal": "",
                }
            ),
            "modules/greet",
        ),
        "an export without sources": (_bala(exported=["greet", "greet.sub"]), "greet.sub"),
    },
    "foreign-module": {
        "another package's module": (_bala(exported=["kafka"]), "kafka"),
        "a module with a longer name": (_bala(exported=["greeter"]), "greeter"),
    },
    "coordinate-invalid": {
        "a module's name": (_package_json(modules=[{"name": "greet..x"}]), "greet..x")
    },
    "tool-id-missing": {
        "a tool without an id": (
            _json_file("tool/bal-tool.json", '{"dependency_paths": []}'),
            "tool_id",
        )
    },
    "field-invalid": {
        "a tool's id": (_bala(tools=["my tool"]), "my tool"),
        "a tool's id too long": (_bala(tools=["a" * 201]), "tool_id"),
        "a number for a tool": (
            _json_file("tool/bal-tool.json", '{"tools": [1]}'),
            "tools[0]: it is not",
        ),
    },
    "tool-not-pullable": {
        "a tool that cannot be pulled": (
            lambda: bala("foo/foo:1.0.0", tools=["foo"]),
            "foo-foo-any-1.0.0.bala",
        )
    },
    "token-in-archive": {
        "an access token": (
            _bala(entries={"resources/settings": f"a\n\naccesstoken={TOKEN}\n"}),
            "resources/settings contains an access token of this registry in line 3,",
        )
    },
    "too-many-lookalikes": {
        "many texts like access tokens": (
            _bala(entries={"a": f"blr_local_{'a' * 48}\n" * (MAX_LOOKALIKES + 1)}),
            "more than 10,000 texts",
        )
    },
}


def _hostile(*tables: Rows) -> Iterator[Hostile]:
    for rows in tables:
        for refusal, archives in rows.items():
            for name, (build, *rest) in archives.items():
                yield Hostile(name, build, refusal, *rest)


HOSTILE = (
    *_hostile(CONTAINER, ZIP64, NAMES, ENTRIES, HEADERS, DATA),
    *_hostile(LIMITS, MANIFESTS, FIELDS, PACKAGES),
)
