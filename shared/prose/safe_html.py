"""HTML that is safe in a page, text that reads as it runs, where links of a text lead, and the ids
of its headings."""

import re
from collections import Counter
from urllib.parse import quote, unquote

from msgspec import Struct

MAX_LINK_CHARACTERS = 2_048  # What browsers and proxies agree on.

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_EXTERNAL = re.compile(r"https?://[^/?#@\s]+(?:[/?#]\S*)?|mailto:[^\s?]+", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_IGNORED = re.compile(r"[\t\n\r]")  # Browsers remove these from a URL before they parse it.
_NOT_IN_ID = re.compile(r"[^\w\- ]")
_MAX_ID_CHARACTERS = 100


class TextPlace(Struct, frozen=True):
    """Where a text is in the registry, which resolves its links and pictures.

    `files` is the URL path of the archive's files, `folder` the folder of the text in the archive.
    With `names`, all files of the archive, links to missing files are dropped; a file that is not
    in the folder is searched from the root, where it was before it was packed. `pages` is the
    prefix of the pages that show files, for links; without it they lead to the files themselves,
    as pictures do.
    """

    files: str
    folder: str = ""
    names: frozenset[str] | None = None
    pages: str = ""

    def link(self, written: str, prefix: str) -> str:
        """Return the address that a link leads to, or an empty text for one to drop."""
        address = _as_browsers_read(written)
        if address.startswith("#"):
            return f"#{prefixed(address[1:], prefix)}" if len(address) > 1 else ""
        if address.startswith("//"):
            address = f"https:{address}"
        if _SCHEME.match(address):
            return address if _EXTERNAL.fullmatch(address) else ""
        return self._internal(address, self.pages or f"{self.files}/")

    def picture(self, written: str) -> str:
        """Return the address of a picture in the archive, or an empty text for any other."""
        address = _as_browsers_read(written)
        if address.startswith(("#", "//")) or _SCHEME.match(address):
            return ""
        return self._internal(address, f"{self.files}/").partition("#")[0]

    def _internal(self, address: str, beginning: str) -> str:
        path, _, fragment = address.partition("#")
        decoded = unquote(path.partition("?")[0]).replace("\\", "/")
        if not decoded or _CONTROL.search(decoded):
            return ""
        name = self._file(decoded)
        if not name:
            return ""
        return f"{beginning}{quote(name)}" + (f"#{quote(unquote(fragment))}" if fragment else "")

    def _file(self, path: str) -> str:
        """Return the file of the archive that a path means, or an empty text."""
        bases = ("",) if path[0] == "/" else (self.folder, "")
        files = ["/".join(_normalized(f"{base}/{path}")) for base in bases]
        if self.names is None:
            return files[0]
        return next((name for name in files if name in self.names), "")


def prefixed(name: str, prefix: str) -> str:
    """Return an id of a text with the prefix that keeps it apart from the ids of the page; texts
    of our own have none."""
    return name if not prefix or name.startswith(f"{prefix}-") else f"{prefix}-{name}"


def _as_browsers_read(written: str) -> str:
    if len(written) > MAX_LINK_CHARACTERS:
        return ""
    address = _IGNORED.sub("", written.strip("".join(map(chr, range(0x21)))))
    # A backslash is a slash to browsers, so that `/\host` would be another host.
    return address.replace("\\", "/")


def _normalized(path: str) -> list[str]:
    """Return the segments of a path without `.` and `..`; it never leaves its root."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    return segments


class HeadingIds:
    """The ids that GitHub gives the headings of one text, in their order."""

    def __init__(self) -> None:
        self._given = Counter[str]()

    def of(self, words: str) -> str:
        """Return the id of the next heading; one of signs alone has none."""
        name = _NOT_IN_ID.sub("", words.lower()).replace(" ", "-")[:_MAX_ID_CHARACTERS]
        before = self._given[name]
        self._given[name] += 1
        return f"{name}-{before}" if before and name else name


class SafeHtml(str):
    """Markup in which everything of an author is escaped or cleaned."""

    __slots__ = ()

    def __html__(self) -> "SafeHtml":
        """Tell templates not to escape this again."""
        return self


# Characters that change the direction of a line can make code read differently from how it runs
# (CVE-2021-42574). U+200E and U+200F only hint at a direction, and stay.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


def show_bidi_characters(text: str) -> str:
    """Replace each character that changes the direction of a line by its number."""
    return _BIDI.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)
