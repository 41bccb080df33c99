"""Documents derived from packages: their bytes and ETag, and writing XML."""

import gzip
import hashlib
import re
from functools import cached_property
from typing import Self

from msgspec import Struct

_TAG_DIGITS = 32  # 128 bits.
_GZIP_LEVEL = 6  # Level 9 takes three times as long for one percent less.


class DerivedDocument(Struct, frozen=True, dict=True):
    """A document that is the same for everybody.

    `tag` is its ETag, with quotes; `changed_ms` is when its content last changed, if known.
    """

    content: bytes
    tag: str
    changed_ms: int | None

    @classmethod
    def of(cls, content: bytes, changed_ms: int | None = None) -> Self:
        return cls(content=content, tag=etag_of(content), changed_ms=changed_ms)

    @cached_property
    def gzipped(self) -> bytes:
        """The content as a gzip file, made for the first client that takes one."""
        return gzipped(self.content)

    def with_gzip(self) -> Self:
        """Return the document once its gzip file is made, which takes long for a large one."""
        _ = self.gzipped
        return self


def gzipped(content: bytes) -> bytes:
    """Return the content as a gzip file, which is the same each time."""
    return gzip.compress(content, _GZIP_LEVEL, mtime=0)


# `hashlib` hashes longer pieces without the GIL. For a page that takes 20 microseconds, after which
# the event loop would wait up to 5 milliseconds for the threads that search.
_HASHED_AT_ONCE = 2_047
_HASHED_IN_PIECES = 256 * 1024  # With longer texts, other threads go on meanwhile.


def etag_of(content: bytes) -> str:
    """Return the entity tag of these bytes, with its quotes."""
    size = _HASHED_AT_ONCE if len(content) <= _HASHED_IN_PIECES else len(content)
    digest = hashlib.sha256()
    pieces = memoryview(content)
    for start in range(0, len(content), size):
        digest.update(pieces[start : start + size])
    return f'"{digest.hexdigest()[:_TAG_DIGITS]}"'


_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
# Characters that XML cannot hold. A set of the allowed ones takes 4 ms of each start to compile.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def xml_element(name: str, *content: str, scope: str = "") -> str:
    """Return an element around markup, such as other elements; `scope` is its attributes as markup,
    such as the namespace of a document."""
    inside = "".join(content)
    start = f"{name} {scope}" if scope else name
    return f"<{start}>{inside}</{name}>" if inside else f"<{start}/>"


def xml_leaf(name: str, value: object) -> str:
    """Return an element around escaped text or a number."""
    return xml_element(name, _FORBIDDEN.sub("", str(value)).translate(_ESCAPES))


def xml_flag(name: str, value: object) -> str:
    return xml_element(name, "true" if value else "false")


def xml_document(root: str) -> bytes:
    return f"{_DECLARATION}{root}\n".encode()
