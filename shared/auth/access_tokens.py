"""Access tokens: their form, `blr_{environment}_{owner}{random}{checksum}`; their hash, the only
thing of them that is stored; how a request carries one, and how archives are searched for them.
"""

import binascii
import hmac
import re
import zlib
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from msgspec import Struct

from shared.auth.secrets import Secret, encode_base62, random_text
from shared.domain.errors.base import BadArchive
from shared.domain.errors.identity import TokenMalformed
from shared.domain.ids import ID_LENGTH
from shared.domain.tokens import hash_secret
from shared.ports.system import Randomness

TOKEN_PREFIX = "blr_"  # noqa: S105 - the prefix of all tokens.
OWNER_LENGTH = ID_LENGTH  # An account's id, which is the partition key of the token in the store.
RANDOM_LENGTH = 32  # 190 bits: enough for one round of SHA-256.
CHECKSUM_LENGTH = 6  # CRC-32, so that a scanner recognizes a token offline.
_LENGTH = OWNER_LENGTH + RANDOM_LENGTH + CHECKSUM_LENGTH  # After the prefix and the environment.

# Texts in one archive that look like access tokens: comparing their checksums takes a moment.
MAX_LOOKALIKES = 10_000

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


# --- In requests ----------------------------------------------------------------------------------


def token_text(headers: Mapping[str, str]) -> Secret | None:
    """Return the token of the header `Authorization`, which is sent by itself or as a password;
    None for a request without credentials.

    Keys of `headers` are lower case, or compared without case. Raises `TokenMalformed` for
    credentials that cannot be read, on public reads as well.
    """
    value = headers.get("authorization", "").strip()
    if not value:
        return None
    scheme, _, rest = value.partition(" ")
    match scheme.lower():
        case "bearer":
            return _secret(rest.strip())
        case "basic":
            return _basic_password(rest.strip())
        case _:
            raise TokenMalformed


def _secret(text: str) -> Secret:
    if not text:
        raise TokenMalformed
    return Secret(text)


def _basic_password(encoded: str) -> Secret | None:
    try:
        pair = b64decode(encoded, validate=True).decode("iso-8859-1")
    except (binascii.Error, ValueError):
        raise TokenMalformed from None
    # `Og==` is a single colon: Maven clients send it without a configured name and password.
    if pair == ":":
        return None
    _, _, password = pair.partition(":")
    return _secret(password)


# --- In archives ----------------------------------------------------------------------------------


@dataclass(slots=True)
class TokenSearch:
    """Finds the tokens of an environment in the contents of one archive, without a store: the
    checksum tells tokens from texts of the same form."""

    environment: str
    _lookalikes: int = field(default=0, init=False)
    _prefix: bytes = field(init=False)
    _form: re.Pattern[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self._prefix = f"{TOKEN_PREFIX}{self.environment}_".encode()
        self._form = re.compile(self._prefix + rb"[0-9A-Za-z]{%d}" % _LENGTH)

    def find(self, content: bytes) -> int | None:
        """Return where the first token begins, or None; raise `too-many-lookalikes`."""
        if self._prefix not in content:
            return None
        for match in self._form.finditer(content):
            start = match[0][:-CHECKSUM_LENGTH]
            checksum = match[0][-CHECKSUM_LENGTH:]
            if checksum.decode() == checksum_of(start.decode()):
                return match.start()
            self._lookalikes += 1
            if self._lookalikes > MAX_LOOKALIKES:
                raise BadArchive(
                    "too-many-lookalikes",
                    f"The archive contains more than {MAX_LOOKALIKES:,} texts with the form of an "
                    "access token of this registry and a wrong checksum. Remove them and pack "
                    "again.",
                )
        return None


def own_token_form(environment: str) -> tuple[str, int, int]:
    """Return how access tokens of an environment begin, their length from there on, and that of
    their checksum."""
    return f"{TOKEN_PREFIX}{environment}_", _LENGTH, CHECKSUM_LENGTH
