"""Documents that are derived from packages: bytes, and what caches need to know of them."""

import gzip
import hashlib
from dataclasses import dataclass
from typing import Self

_TAG_DIGITS = 32  # 128 bits: no two documents share them.
_GZIP_LEVEL = 6  # Level 9 takes three times as long for one percent less.


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes that are the same for everybody who asks, until something changes.

    `tag` names them, with its quotes; `changed_ms` is when they became what they are, if known.
    """

    content: bytes
    gzipped: bytes
    tag: str
    changed_ms: int | None

    @classmethod
    def of(cls, content: bytes, changed_ms: int | None = None) -> Self:
        """Return the document of these bytes."""
        return cls(
            content=content,
            gzipped=gzip.compress(content, _GZIP_LEVEL, mtime=0),
            tag=tag_of(content),
            changed_ms=changed_ms,
        )


def tag_of(content: bytes) -> str:
    """Return the entity tag of these bytes, with its quotes."""
    return f'"{hashlib.sha256(content).hexdigest()[:_TAG_DIGITS]}"'
