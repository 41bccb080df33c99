"""What documents of a package mention, by which people look for it: the hosts that it calls, names
of exceptions, and endings of files.

Authors write the documents: what is read of them, and kept, is bounded.
"""

import re
from collections.abc import Iterable, Iterator

MAX_MENTIONS = 100  # Mentions stored for one package.
MAX_MENTION_LENGTH = 60  # Characters.
MAX_READ = 256 * 1024  # Characters of the documents of a module, or of a release: some 20 ms.

_AUTHORITY = re.compile(r"://([^\s/\"'`()\[\]|\\]{1,120})")
_END_OF_HOST = re.compile(r"(?<![a-z0-9-])((?:[a-z0-9-]{1,40}\.){1,6}[a-z]{2,12})(?::\d{1,5})?$")
_QUOTED_HOST = re.compile(
    r"[\"'`]((?:[a-z0-9-]{1,40}\.){1,6}(?:com|net|org|io|dev|ai|cloud|app))(?::\d{1,5})?[\"'`]"
)
_EXCEPTION = re.compile(r"\b[A-Z][A-Za-z0-9]{2,50}(?:Exception|Error|Fault)\b", re.ASCII)
_ENDING = re.compile(r"(?<![\w.)\]}])\*?(\.[a-z][a-z0-9]{1,5})(?![\w.(/-])", re.ASCII)
_QUOTED_FILE = re.compile(r"[\"'`][\w./-]{0,80}\w(\.[a-z][a-z0-9]{1,5})[\"'`]", re.ASCII)


def mentions_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return what the texts mention: `api.acme.com`, `AcmeException`, `.acme`."""
    return merge_mentions(_mentions(texts))


def merge_mentions(mentions: Iterable[str]) -> tuple[str, ...]:
    """Return mentions without duplicates, and not more than a package may have."""
    short = (each for each in mentions if len(each) <= MAX_MENTION_LENGTH)
    return tuple(dict.fromkeys(short))[:MAX_MENTIONS]


def _mentions(texts: Iterable[str]) -> Iterator[str]:
    left = MAX_READ
    for text in texts:
        read = text[:left]
        left -= len(read)
        if not read:
            continue
        for authority in _AUTHORITY.findall(read):
            if host := _END_OF_HOST.search(authority.lower()):
                yield host[1]
        for pattern in (_QUOTED_HOST, _EXCEPTION, _ENDING, _QUOTED_FILE):
            yield from pattern.findall(read)
