"""Where a token stands in a request."""

from base64 import b64encode

import pytest

from shared.auth.access_tokens import token_text
from shared.domain.errors.identity import TokenMalformed


def sent(authorization: str) -> str | None:
    secret = token_text({"authorization": authorization})
    return secret.reveal() if secret else None


def basic(pair: str) -> str:
    return f"Basic {b64encode(pair.encode('iso-8859-1')).decode()}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((value, "blr_x") for value in ("Bearer blr_x", "bearer blr_x", "BEARER   blr_x ")),
        *((basic(f"{name}:blr_x"), "blr_x") for name in ("", "token", "kim@example.org", "kü")),
        (basic("me:bé:x"), "bé:x"),  # In Latin 1.
        *((value, None) for value in ("", "  ", "Basic Og==")),
    ],
)
def test_a_token_is_a_bearer_token_or_a_password_whatever_the_user_name(
    value: str, text: str | None
) -> None:
    assert sent(value) == text
    assert token_text({}) is None


@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer ",
        "blr_x",
        "Token blr_x",
        "Basic",
        "Basic !!!!",
        "Basic é",
        "Basic b24",
        basic("me"),
        basic("me:"),
    ],
)
def test_a_header_that_cannot_be_read_is_a_bad_token(value: str) -> None:
    with pytest.raises(TokenMalformed):
        sent(value)
