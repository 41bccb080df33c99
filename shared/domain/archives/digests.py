"""Digests of archives: the SHA-256 that an archive is stored under, and as clients write it."""

import hashlib
import re
from typing import Self

from msgspec import Struct

from shared.domain.errors.base import InvalidDigest

_HEX = re.compile(r"[0-9a-fA-F]{1,64}", re.ASCII)
_PREFIX = "sha-256="  # The spelling of the clients' `digest` header.


class Digest(Struct, frozen=True):
    """A SHA-256 as 64 lower-case hexadecimal digits."""

    hex: str

    @classmethod
    def of(cls, content: bytes | memoryview) -> Self:
        return cls(hashlib.sha256(content).hexdigest())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return a digest from hexadecimal digits, or raise `InvalidDigest`.

        Leading zeros may be missing: the Java client prints a number, not a string
        (`BigInteger.toString(16)`).
        """
        if not _HEX.fullmatch(text):
            raise InvalidDigest(text)
        return cls(text.lower().rjust(64, "0"))

    @classmethod
    def parse_header(cls, text: str) -> Self:
        """Return the digest of a `digest: sha-256=HEX` header, or raise `InvalidDigest`."""
        if not text.lower().startswith(_PREFIX):
            raise InvalidDigest(text)
        return cls.parse(text[len(_PREFIX) :].strip())

    def header(self) -> str:
        """Return the header value with all 64 digits."""
        return f"{_PREFIX}{self.hex}"

    def header_without_leading_zeros(self) -> str:
        """Return the header value as the Java client computes it to compare."""
        return f"{_PREFIX}{self.hex.lstrip('0') or '0'}"

    def __str__(self) -> str:
        return self.hex
