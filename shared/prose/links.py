"""Links and images of a text: to other sites, within the text, or into its archive."""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from shared.prose.limits import MAX_LINK_CHARACTERS

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_OUTSIDE = re.compile(r"https?://[^/?#@\s]+(?:[/?#]\S*)?|mailto:[^\s?]+", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_IGNORED = re.compile(r"[\t\n\r]")  # Browsers take them out of an address before they read it.


@dataclass(frozen=True, slots=True)
class TextPlace:
    """Where a text stands in the registry.

    `files` is the address of the files of its archive, `folder` where in there the text lies. With
    `names`, all files of the archive, nothing leads to a file that is not there; what is not there
    beside the text is looked for from the root, where its author had it before it was packed.
    `pages` is the address of the pages that show files, for links; without it they lead to the
    files themselves, as pictures do.
    """

    files: str
    folder: str = ""
    names: frozenset[str] | None = None
    pages: str = ""

    def link(self, written: str, prefix: str) -> str:
        """Return the address that a link leads to, or nothing where it may not lead."""
        address = _as_browsers_read(written)
        if address.startswith("#"):
            return f"#{prefixed(address[1:], prefix)}" if len(address) > 1 else ""
        if address.startswith("//"):
            address = f"https:{address}"
        if _SCHEME.match(address):
            return address if _OUTSIDE.fullmatch(address) else ""
        return self._inside(address, self.pages or f"{self.files}/")

    def picture(self, written: str) -> str:
        """Return the address of a picture of the archive, or nothing for any other."""
        address = _as_browsers_read(written)
        if address.startswith(("#", "//")) or _SCHEME.match(address):
            return ""
        return self._inside(address, f"{self.files}/").partition("#")[0]

    def _inside(self, address: str, beginning: str) -> str:
        """Return the address of a file of the archive; no way leads out of it."""
        path, _, fragment = address.partition("#")
        decoded = unquote(path.partition("?")[0]).replace("\\", "/")
        if not decoded or _CONTROL.search(decoded):
            return ""
        name = self._name(decoded)
        if not name:
            return ""
        return f"{beginning}{quote(name)}" + (f"#{quote(unquote(fragment))}" if fragment else "")

    def _name(self, path: str) -> str:
        """Return which file a path means, or nothing."""
        bases = ("",) if path[0] == "/" else (self.folder, "")
        found = ["/".join(_walked(f"{base}/{path}")) for base in bases]
        if self.names is None:
            return found[0]
        return next((name for name in found if name in self.names), "")


def prefixed(name: str, prefix: str) -> str:
    """Return an id of a text as the page has it, which no id of the page itself is."""
    return name if name.startswith(f"{prefix}-") else f"{prefix}-{name}"


def _as_browsers_read(written: str) -> str:
    if len(written) > MAX_LINK_CHARACTERS:
        return ""
    address = _IGNORED.sub("", written.strip("".join(map(chr, range(0x21)))))
    # A backslash is a slash to browsers, so that `/\host` would be another host.
    return address.replace("\\", "/")


def _walked(path: str) -> list[str]:
    walked: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del walked[-1:]
        elif part not in ("", "."):
            walked.append(part)
    return walked
