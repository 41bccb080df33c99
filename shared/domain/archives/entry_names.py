"""Names of the entries of an archive: safe to unpack, portable, and each one file everywhere.

`decode_name` checks every archive. `refuse_unportable` and `refuse_duplicates` check new archives
only, so that files of a stored release stay readable when a rule is added.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from operator import itemgetter

from shared.domain.errors.archives import DuplicateEntry, FileIsFolder, UnsafeName

_LONGEST_NAME = 4096  # Bytes: Linux opens no longer path.
_DRIVE = re.compile(r"[A-Za-z]:")
# Names that Windows gives to devices in every folder, whatever follows the first dot.
_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])", re.IGNORECASE)
# Windows also opens a file by a short name that it makes: PACKAG~1.JSO for package.json.
_SHORT = re.compile(r"(?=[^.]{3,8}(?:\.|$))[^.]+~[0-9]{1,6}(?:\.[^.]{0,3})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def decode_name(raw_name: bytes) -> str:
    """Return a name that is safe to unpack, or raise `UnsafeName`."""
    try:
        name = raw_name.decode()
    except UnicodeDecodeError:
        name = raw_name.decode(errors="backslashreplace")
        raise UnsafeName(name, "is not UTF-8") from None
    if not 1 <= len(raw_name) <= _LONGEST_NAME:
        raise UnsafeName(name, f"does not have 1 to {_LONGEST_NAME:,} bytes")
    _refuse_unsafe(name)
    return name


def _refuse_unsafe(name: str) -> None:
    if name[0] == "/" or _DRIVE.match(name):
        raise UnsafeName(name, "is an absolute path")
    if "\\" in name:
        raise UnsafeName(name, "has a backslash")
    if _CONTROL.search(name):
        raise UnsafeName(name, "has a control character")
    if not {"", ".", ".."}.isdisjoint(name.removesuffix("/").split("/")):
        raise UnsafeName(name, "has a part that is empty, . or .., and could leave its folder")
    if not unicodedata.is_normalized("NFC", name):
        raise UnsafeName(name, "is not in Unicode normalization form C")


def refuse_unportable(names: Iterable[str]) -> None:
    """Refuse names that Windows reads as another file, a device, or a part of a file."""
    for name in names:
        for part in name.split("/"):
            if reason := _why_unportable(part):
                raise UnsafeName(name, reason)


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
            raise DuplicateEntry(name, following)
        if next_key.startswith(f"{key}\0") and not name.endswith("/"):
            raise FileIsFolder(name, following)
