"""The header `Authorization`: how a request carries its token, alone or as a password."""

import binascii
from base64 import b64decode
from collections.abc import Mapping

from shared.auth.secrets import Secret
from shared.domain.errors.identity import TokenMalformed


def token_text(headers: Mapping[str, str]) -> Secret | None:
    """Return the token's text, or None for a request without credentials.

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
