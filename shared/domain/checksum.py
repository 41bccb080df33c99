"""The checksums that Maven clients keep beside each file, in a file of their own."""

import hashlib
import re
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, Self

from shared.domain.errors import ChecksumUnreadable

_DIGITS = re.compile(r"[0-9a-fA-F]+", re.ASCII)


class Hasher(Protocol):
    """The state of a checksum that is being computed."""

    @property
    def digest_size(self) -> int:
        """Return the size of the result in bytes."""
        ...

    def update(self, data: bytes, /) -> None:
        """Take more bytes."""
        ...

    def hexdigest(self) -> str:
        """Return the checksum of what was taken so far."""
        ...


class Algorithm(Enum):
    """An algorithm, by the suffix of its files."""

    SHA1 = "sha1"
    MD5 = "md5"
    SHA256 = "sha256"
    SHA512 = "sha512"

    @property
    def digits(self) -> int:
        """Return how many hexadecimal digits its checksums have."""
        return self.hasher().digest_size * 2

    def hasher(self) -> Hasher:
        """Return a fresh state to feed with bytes."""
        # Clients compare these against damage; what is trusted here are SHA-256 digests.
        return hashlib.new(self.value, usedforsecurity=False)

    def of(self, content: bytes) -> str:
        """Return the checksum of a whole file, in lower case."""
        hasher = self.hasher()
        hasher.update(content)
        return hasher.hexdigest()


@dataclass(frozen=True, slots=True)
class Checksum:
    """A checksum that a client sent."""

    algorithm: Algorithm
    hex: str

    @classmethod
    def parse(cls, algorithm: Algorithm, content: bytes) -> Self:
        """Read a checksum file, with a line end or a file name behind it or without."""
        # A longer file is no checksum, and is not looked at.
        text = content[:1024].decode("ascii", "replace").split(maxsplit=1)
        digits = text[0] if text else ""
        if len(digits) != algorithm.digits or not _DIGITS.fullmatch(digits):
            raise ChecksumUnreadable(algorithm.name, algorithm.digits)
        return cls(algorithm, digits.lower())
