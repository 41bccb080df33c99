"""Names of files in archives: which are safe to unpack everywhere."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise
from operator import itemgetter

from shared.domain.errors.base import BadArchive, printable

_LONGEST_NAME = 4096  # Bytes: Linux opens no longer path.
# Bytes of the names of all entries together: 20,000 names of 50 bytes. Checking more takes seconds.
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
# Places where a joiner or a variation selector changes what people see: in an emoji, in a keycap,
# and after the virama of an Indic script (RFC 5892, appendix A).
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
    # With NUL, which no name contains, in place of the slash, the content of a folder sorts
    # directly after the folder.
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
