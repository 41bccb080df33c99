"""Access tokens: their form, `blr_{environment}_{owner}{random}{checksum}`, and their hash,
the only thing of them that is stored.
"""

import hmac
import re
import zlib
from typing import Self

from msgspec import Struct

from shared.auth.secrets import Secret, encode_base62, random_text
from shared.domain.errors.identity import TokenMalformed
from shared.domain.ids import ID_LENGTH
from shared.domain.tokens import hash_secret
from shared.ports.system import Randomness

TOKEN_PREFIX = "blr_"  # noqa: S105 - the prefix of all tokens.
OWNER_LENGTH = ID_LENGTH  # An account's id, which is the partition key of the token in the store.
RANDOM_LENGTH = 32  # 190 bits: enough for one round of SHA-256.
CHECKSUM_LENGTH = 6  # CRC-32, so that a scanner recognizes a token offline.

_FORM = re.compile(
    r"blr_(?P<environment>[a-z0-9]{1,12})_"
    rf"(?P<owner>[0-9A-Za-z]{{{OWNER_LENGTH}}})"
    rf"[0-9A-Za-z]{{{RANDOM_LENGTH}}}"
    rf"(?P<checksum>[0-9A-Za-z]{{{CHECKSUM_LENGTH}}})"
)


class AccessToken(Struct, frozen=True):
    """A token with a valid form and checksum; the store knows whether it exists."""

    environment: str
    owner: str
    text: Secret

    @classmethod
    def mint(cls, environment: str, owner: str, randomness: Randomness) -> Self:
        start = f"blr_{environment}_{owner}{random_text(randomness, RANDOM_LENGTH)}"
        return cls(environment, owner, Secret(start + checksum_of(start)))

    @classmethod
    def parse(cls, text: Secret) -> Self:
        """Read a token, or raise `TokenMalformed` for a wrong form or checksum."""
        form = _FORM.fullmatch(text.reveal())
        if form is None:
            raise TokenMalformed
        start = text.reveal()[:-CHECKSUM_LENGTH]
        if not hmac.compare_digest(form["checksum"], checksum_of(start)):
            raise TokenMalformed
        return cls(form["environment"], form["owner"], text)

    @property
    def hash(self) -> str:
        """The SHA-256 digest that is stored, in hexadecimal."""
        return hash_secret(self.text.reveal())


def checksum_of(start: str) -> str:
    return encode_base62(zlib.crc32(start.encode()), CHECKSUM_LENGTH)
