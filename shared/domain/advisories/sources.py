"""Where dumps of advisories come from: addresses of mirrors, and files."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from msgspec import Struct

_NAMED = re.compile(r"(?P<name>[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?)=(?P<at>\S+)", re.ASCII)
_ADDRESS = re.compile(r"https://[A-Za-z0-9._\[\]:-]+/[A-Za-z0-9._~/%-]*", re.ASCII)


class AdvisorySource(Struct, frozen=True):
    """The name of a set, and the address or the absolute path of its ZIP archive."""

    name: str
    at: str

    @property
    def host(self) -> str:
        """The host of an address; empty for a file."""
        return urlsplit(self.at).hostname or ""


def parse_sources(texts: Iterable[str]) -> tuple[AdvisorySource, ...]:
    """Return the sources that are written as name=address, or raise `ValueError`."""
    sources = tuple(map(_parse, texts))
    if len({each.name for each in sources}) < len(sources):
        reason = "it names a set twice"
        raise ValueError(reason)
    return sources


def _parse(text: str) -> AdvisorySource:
    match = _NAMED.fullmatch(text)
    if match is None or not (_ADDRESS.fullmatch(match["at"]) or match["at"].startswith("/")):
        reason = (
            "it is no list of names with an https address or the absolute path of a file, such as "
            "maven=https://mirror.example.org/Maven/all.zip"
        )
        raise ValueError(reason)
    return AdvisorySource(match["name"], match["at"])
