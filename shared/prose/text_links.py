"""Where links and pictures of a text lead, such as those of a readme."""

import re
from urllib.parse import quote, unquote

from msgspec import Struct

MAX_LINK_CHARACTERS = 2_048  # The length that browsers and proxies support.

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
