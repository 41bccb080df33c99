"""Access tokens: `blr_{environment}_{owner}{random}{checksum}`, of which only the hash is stored,
and
how a request carries one.
"""

import binascii
import hmac
import re
import zlib
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from shared.auth.secrets import Secret, encode_base62, random_text
from shared.domain.accounts import ID_LENGTH
from shared.domain.errors.identity import TokenMalformed
from shared.domain.secrets import hash_secret
from shared.ports import Randomness

TOKEN_PREFIX = "blr_"  # noqa: S105 - what every token of ours begins with.
OWNER_LENGTH = ID_LENGTH  # An account's id, whole: by it the store finds its partition.
RANDOM_LENGTH = 32  # 190 bits: one round of SHA-256 is enough for what nobody can guess.
CHECKSUM_LENGTH = 6  # CRC-32, so that a scanner tells a token from a look-alike offline.

# What scanners look for; the checksum then tells a token from a look-alike. docs/tokens.md tells
# both to those who write scanners.
TOKEN_PATTERN = (
    rf"blr_[a-z0-9]{{1,12}}_[0-9A-Za-z]{{{OWNER_LENGTH + RANDOM_LENGTH + CHECKSUM_LENGTH}}}"
)

_FORM = re.compile(
    r"blr_(?P<environment>[a-z0-9]{1,12})_"
    rf"(?P<owner>[0-9A-Za-z]{{{OWNER_LENGTH}}})"
    rf"[0-9A-Za-z]{{{RANDOM_LENGTH}}}"
    rf"(?P<checksum>[0-9A-Za-z]{{{CHECKSUM_LENGTH}}})"
)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token whose form and checksum are right; whether it is known, the store says."""

    environment: str
    owner: str
    text: Secret

    @classmethod
    def mint(cls, environment: str, owner: str, randomness: Randomness) -> Self:
        """Return a new token of the account `owner`."""
        start = f"blr_{environment}_{owner}{random_text(randomness, RANDOM_LENGTH)}"
        return cls(environment, owner, Secret(start + _checksum(start)))

    @classmethod
    def parse(cls, text: Secret) -> Self:
        """Read a token, or raise `TokenMalformed`: what a checksum refuses costs no store read."""
        form = _FORM.fullmatch(text.reveal())
        if form is None:
            raise TokenMalformed
        start = text.reveal()[:-CHECKSUM_LENGTH]
        if not hmac.compare_digest(form["checksum"], _checksum(start)):
            raise TokenMalformed
        return cls(form["environment"], form["owner"], text)

    @property
    def hash(self) -> str:
        """Return what is stored of the token: SHA-256, hexadecimal."""
        return hash_secret(self.text.reveal())


def _checksum(start: str) -> str:
    return encode_base62(zlib.crc32(start.encode()), CHECKSUM_LENGTH)


def token_text(headers: Mapping[str, str]) -> Secret | None:
    """Return the token's text, or None for a request without credentials.

    Keys of `headers` are lower case, or compared without case. Whatever is there and cannot be read
    raises `TokenMalformed`: a client with a broken token is told so, on public reads as well.
    """
    value = headers.get("authorization", "").strip()
    if not value:
        return None
    scheme, _, rest = value.partition(" ")
    match scheme.lower():
        case "bearer":
            return _present(rest.strip())
        case "basic":
            return _password(rest.strip())
        case _:
            raise TokenMalformed


def _present(text: str) -> Secret:
    if not text:
        raise TokenMalformed
    return Secret(text)


def _password(encoded: str) -> Secret | None:
    try:
        pair = b64decode(encoded, validate=True).decode("iso-8859-1")
    except (binascii.Error, ValueError):
        raise TokenMalformed from None
    # `Og==` is a lone colon: Maven clients send it when neither name nor password is configured.
    if pair == ":":
        return None
    _, _, password = pair.partition(":")
    return _present(password)
