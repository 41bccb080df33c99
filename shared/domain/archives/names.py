"""Digests and names of archives, and the names of files in them.

The SHA-256 digest that an archive is stored under, and the file name that clients read the platform
from: Java by `FunctionT.split(name + "-")[1].split("-" + version)[0]`, where `split` takes regular
expressions, Go the same with the first plain match. For some packages, such as `foo/foo`, the
canonical name gives them another platform, so they get the first form that both read correctly.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import pairwise
from operator import itemgetter
from typing import Self

from msgspec import Struct

from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import BadArchive, InvalidDigest, InvalidName, printable

_HEX = re.compile(r"[0-9a-fA-F]{1,64}", re.ASCII)
_CANONICAL_PARTS = 4  # Organization, name, platform and version; the last may have hyphens.
_PREFIX = "sha-256="  # The spelling of the clients' `digest` header.


class Digest(Struct, frozen=True):
    """A SHA-256 as 64 lower-case hexadecimal digits."""

    hex: str

    @classmethod
    def of(cls, content: bytes | memoryview) -> Self:
        return cls(hashlib.sha256(content).hexdigest())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return a digest from hexadecimal digits, or raise `InvalidDigest`.

        Leading zeros may be missing: the Java client prints a number, not a string
        (`BigInteger.toString(16)`).
        """
        if not _HEX.fullmatch(text):
            raise InvalidDigest(text)
        return cls(text.lower().rjust(64, "0"))

    @classmethod
    def parse_header(cls, text: str) -> Self:
        """Return the digest of a `digest: sha-256=HEX` header, or raise `InvalidDigest`."""
        if not text.lower().startswith(_PREFIX):
            raise InvalidDigest(text)
        return cls.parse(text[len(_PREFIX) :].strip())

    def header(self) -> str:
        """Return the header value with all 64 digits."""
        return f"{_PREFIX}{self.hex}"

    def header_without_leading_zeros(self) -> str:
        """Return the header value as the Java client computes it to compare."""
        return f"{_PREFIX}{self.hex.lstrip('0') or '0'}"

    def __str__(self) -> str:
        return self.hex


class ArchiveName(Struct, frozen=True):
    """Digest, coordinate and platform of an archive. The digest identifies it.

    It is derived from the bytes and never changes; the place of the archive is no part of it.
    """

    digest: Digest
    coordinate: Coordinate
    platform: str

    @property
    def tail(self) -> str:
        """The end of every URL of the archive; clients read the version from it."""
        version = self.coordinate.version
        return f"{version}/{canonical_file_name(self.coordinate, self.platform)}"


def canonical_file_name(coordinate: Coordinate, platform: str) -> str:
    """Return `org-name-platform-version.bala`, which `bal pack` and `bal tool pull` build."""
    package = coordinate.package
    return f"{package.org}-{package.name}-{platform}-{coordinate.version}.bala"


def archive_file_name(coordinate: Coordinate, platform: str) -> str:
    """Return the file name for a pull: the first form from which all clients read `platform`."""
    name = coordinate.package.name
    version = coordinate.version
    shorter = f"{name}-{platform}-{version}.bala"
    for candidate in (canonical_file_name(coordinate, platform), shorter):
        if gives_platform(candidate, coordinate, platform):
            return candidate
    return f"{name}-{platform}"


def package_in_file_name(file_name: str) -> Package | None:
    """Return the package that the canonical form names, or None; nothing says that it is true."""
    parts = file_name.split("-")
    with suppress(InvalidName):
        return Package.parse(parts[0], parts[1]) if len(parts) >= _CANONICAL_PARTS else None
    return None


def gives_platform(file_name: str, coordinate: Coordinate, platform: str) -> bool:
    """Check that Java and Go clients read `platform` from `file_name`."""
    name = coordinate.package.name
    version = coordinate.version.text
    return (
        java_platform(file_name, name, version)
        == go_platform(file_name, name, version)
        == (platform)
    )


def java_platform(file_name: str, name: str, version: str) -> str | None:
    """Return the platform that the Java client reads; None where it throws."""
    after_name = _java_split(file_name, f"{name}-")
    if len(after_name) < 2:  # noqa: PLR2004 - it takes element 1.
        return None
    rest = after_name[1]
    at = _match(rest, f"-{version}", 0)
    if at > 0:  # As nearly always. Else Java may drop what is empty.
        return rest[:at]
    before_version = _java_split(rest, f"-{version}")
    return before_version[0] if before_version else None


def go_platform(file_name: str, name: str, version: str) -> str | None:
    """Return the platform that the Go client reads; None where there is none."""
    _, found, after_name = file_name.partition(f"{name}-")
    return after_name.partition(f"-{version}")[0] if found else None


def _java_split(text: str, pattern: str) -> list[str]:
    """Split as Java's `String.split(regex)` does, without empty parts at the end."""
    if "." not in pattern:
        parts = text.split(pattern)
    else:
        parts = list[str]()
        after = 0
        while (at := _match(text, pattern, after)) >= 0:
            parts.append(text[after:at])
            after = at + len(pattern)
        parts.append(text[after:])
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts if parts[-1] or parts == [text] else []


def _match(text: str, pattern: str, start: int) -> int:
    """Return where a regular expression of a name or version matches first, or -1.

    They hold letters, digits, `_`, `-` and `.`, so only the dot is special. To compile the
    expression takes ten times as long as the rest of a pull from memory.
    """
    first, *others = pattern.split(".")
    at = text.find(first, start)
    while others and 0 <= at <= len(text) - len(pattern):
        place = at + len(first) + 1
        for each in others:
            if not text.startswith(each, place):
                break
            place += len(each) + 1
        else:
            return at
        at = text.find(first, at + 1)
    return at if 0 <= at <= len(text) - len(pattern) else -1


_LONGEST_NAME = 4096  # Bytes: Linux opens no longer path.
# Of all entries together: 20,000 of them with 50 bytes. To check more takes seconds.
MAX_NAMES_BYTES = 1024 * 1024
MAX_NAME_PARTS = 100_000
_DRIVE = re.compile(r"[A-Za-z]:")
# Names that Windows gives to devices in every folder, whatever follows the first dot.
_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])", re.IGNORECASE)
# Windows also opens a file by a short name that it makes: PACKAG~1.JSO for package.json.
_SHORT = re.compile(r"(?=[^.]{3,8}(?:\.|$))[^.]+~[0-9]{1,6}(?:\.[^.]{0,3})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# Joiners, marks and overrides of a direction, tags, and separators of lines and paragraphs.
_INVISIBLE_CATEGORIES = frozenset({"Cf", "Zl", "Zp"})
# The others of Unicode's property Default_Ignorable_Code_Point, and the blank Braille pattern.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)
_EMOJI = (
    "[©®‼⁉™\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2934\u2935\u2b00-\u2bff〰〽㊗㊙"
    "\U0001f000-\U0001faff]\ufe0f?[\U0001f3fb-\U0001f3ff]?"
)
# Where a joiner or a variation selector changes what people see: in an emoji, in the sign of a key,
# and behind the virama of an Indic script (RFC 5892, appendix A).
_VISIBLE_JOIN = re.compile(
    f"{_EMOJI}(?:\u200d{_EMOJI})*|[#*0-9]\ufe0f\u20e3"
    "|[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca][\u200c\u200d]"
)


def decode_name(raw_name: bytes) -> str:
    """Return a name that is safe to unpack, or raise `unsafe-name`."""
    try:
        name = raw_name.decode()
    except UnicodeDecodeError:
        name = raw_name.decode(errors="backslashreplace")
        raise unsafe_name(name, "is not UTF-8") from None
    if not 1 <= len(raw_name) <= _LONGEST_NAME:
        raise unsafe_name(name, f"does not have 1 to {_LONGEST_NAME:,} bytes")
    if name[0] == "/" or _DRIVE.match(name):
        raise unsafe_name(name, "is an absolute path")
    if "\\" in name:
        raise unsafe_name(name, "has a backslash")
    if _CONTROL.search(name):
        raise unsafe_name(name, "has a control character")
    if not {"", ".", ".."}.isdisjoint(name.removesuffix("/").split("/")):
        raise unsafe_name(name, "has a part that is empty, . or .., and could leave its folder")
    if not unicodedata.is_normalized("NFC", name):
        raise unsafe_name(name, "is not in Unicode normalization form C")
    return name


def refuse_costly(raw_names: Iterable[bytes]) -> None:
    """Refuse names that together are long, or have many parts, before they are looked at."""
    size = parts = 0
    for each in raw_names:
        size += len(each)
        parts += each.count(b"/") + 1
    for count, what, most in (
        (size, "bytes", MAX_NAMES_BYTES),
        (parts, "parts between slashes", MAX_NAME_PARTS),
    ):
        if count > most:
            raise BadArchive(
                "names-too-long",
                f"The names of all entries of the archive have {count:,} {what} together, and "
                f"this registry reads {most:,} at most. Leave out what the package does not need.",
            )


def refuse_unportable(names: Iterable[str]) -> None:
    """Refuse names that Windows reads as another file, a device, or a part of a file."""
    for name in names:
        for part in name.split("/"):
            if reason := _why_unportable(part):
                raise unsafe_name(name, reason)


def _why_unportable(part: str) -> str:
    if ":" in part:
        return "has a colon, behind which Windows reads a stream of the file before it"
    if part.endswith((".", " ")):
        return "has a part that ends in a dot or a space, which Windows leaves out"
    if _DEVICE.fullmatch(part.partition(".")[0].rstrip(" ")):
        return f"has the part {part}, which is a device on Windows"
    if _SHORT.fullmatch(part):
        return f"has the part {part}, which has the form of a short name of another file on Windows"
    return ""


def refuse_invisible(names: Sequence[str]) -> None:
    """Refuse names with characters that nobody sees or that change the direction of text."""
    # Each character is looked at once, since names may have millions of them.
    invisible = "".join(
        each
        for each in frozenset[str]().union(*names)
        if unicodedata.category(each) in _INVISIBLE_CATEGORIES or _INVISIBLE.match(each)
    )
    if not invisible:
        return
    pattern = re.compile(f"[{invisible}]")
    for name in names:
        if found := pattern.search(_VISIBLE_JOIN.sub("", name)):
            escaped = pattern.sub(lambda each: each[0].encode("unicode-escape").decode(), name)
            number = f"U+{ord(found[0]):04X}"
            reason = f"has {number}, which is invisible or changes the direction of text"
            raise unsafe_name(escaped, reason)


def fold_case(name: str) -> str:
    """Return the key by which file systems without case or normalization compare names."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def refuse_duplicates(names: Iterable[str]) -> None:
    """Refuse two entries for one file, and a file that is the folder of another entry."""
    # No name has a NUL, so with it for the slash what lies in a folder sorts right behind it.
    keyed = [(fold_case(name.removesuffix("/")).replace("/", "\0"), name) for name in names]
    keyed.sort(key=itemgetter(0))
    for (key, name), (next_key, following) in pairwise(keyed):
        if key == next_key:
            same = "twice"
            if name != following:
                same = f"beside {printable(following)}, which is the same file name"
            raise BadArchive(
                "duplicate-entry",
                f"The archive holds {printable(name)} {same}. Keep one and pack again.",
            )
        if next_key.startswith(f"{key}\0") and not name.endswith("/"):
            raise BadArchive(
                "file-is-folder",
                f"The entry {printable(name)} is a file, but {printable(following)} lies in it as "
                "in a folder. Rename one and pack again.",
            )


def unsafe_name(name: str, reason: str) -> BadArchive:
    return BadArchive(
        "unsafe-name", f"The entry name {printable(name)} {reason}. Rename it and pack again."
    )
