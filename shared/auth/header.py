"""The token that a request carries in its `Authorization` header."""

import binascii
from base64 import b64decode
from collections.abc import Mapping

from shared.auth.secret import Secret
from shared.domain.errors import TokenMalformed


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
