"""HTML that is safe in a page, text that reads as it runs, where links of a text lead, and the
limits of what an author can make a server do."""

import re
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from urllib.parse import quote, unquote

from msgspec import Struct

MAX_LINK_CHARACTERS = 2_048  # What browsers and proxies agree on.

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_EXTERNAL = re.compile(r"https?://[^/?#@\s]+(?:[/?#]\S*)?|mailto:[^\s?]+", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_IGNORED = re.compile(r"[\t\n\r]")  # Browsers remove these from a URL before they parse it.


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


MAX_MILLISECONDS = 150  # Of processor time; cleaning takes up to 50 more.
MAX_CHARACTERS = 128 * 1024  # The longest readme of the real index has a quarter of this.
MAX_SOURCE_CHARACTERS = 256 * 1024  # Of a source file; longer ones are downloaded.
MAX_NESTING = 50  # Of lists and quotes; human readers give up at five.
MAX_OPEN_TAGS = 32  # Of raw HTML; a tree builder visits all open tags at each further tag.
MAX_PARAGRAPH_CHARACTERS = 10_000  # Parsing emphasis takes more than linear time.
MAX_BRACKETS = 1_000  # In one paragraph; the parser tries each as the start of a link.
MAX_BRACKET_DEPTH = 12  # The parser searches the end of each open bracket at each further one.
MAX_CELLS = 4_000  # In all tables; the parser pads short rows to the columns of their table.
MAX_HTML_CHARACTERS = 384 * 1024  # Before cleaning, which takes 0.1 ms for a thousand.
MAX_ATTRIBUTE_CHARACTERS = 1024 * 1024  # One link definition can serve any number of links.
MAX_HIGHLIGHTED_CHARACTERS = 20_000  # Of one block of code; lexers are regular expressions.
MAX_HIGHLIGHTED_CHARACTERS_OF_TEXT = 100_000  # Of all blocks of a text.


class RenderingTimeout(Exception):
    """A rendering has used up its processor time."""


# The part of the time after which each step stops, so that what it found can still be written.
UNTIL_BLOCKS, UNTIL_PARAGRAPHS, UNTIL_HTML = 0.4, 0.75, 1.0


class Stopwatch:
    """Measures the processor time of a rendering, so that a busy machine cuts no text short."""

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self._clock = clock
        self._began = clock()

    def is_over(self, part: float) -> bool:
        """Return whether this part of `MAX_MILLISECONDS` is used up."""
        return self._clock() - self._began > part * MAX_MILLISECONDS / 1000

    def check(self, part: float) -> None:
        """Raise `RenderingTimeout` if this part of `MAX_MILLISECONDS` is used up."""
        if self.is_over(part):
            raise RenderingTimeout

    @contextmanager
    def stopped(self) -> Generator[None]:
        """Do not measure what happens inside, which happens once in a process."""
        stopped = self._clock()
        yield
        self._began += self._clock() - stopped
