"""Where a token stands in a request."""

from base64 import b64encode

import pytest

from shared.auth.header import token_text
from shared.domain.errors import TokenMalformed


def sent(authorization: str) -> str | None:
    secret = token_text({"authorization": authorization})
    return secret.reveal() if secret else None


def basic(pair: str) -> str:
    return f"Basic {b64encode(pair.encode('iso-8859-1')).decode()}"


def test_a_request_without_the_header_is_anonymous() -> None:
    assert token_text({}) is None


@pytest.mark.parametrize("value", ["Bearer blr_x", "bearer blr_x", "BEARER   blr_x "])
def test_a_bearer_token_is_read_whatever_the_case_of_its_scheme(value: str) -> None:
    assert sent(value) == "blr_x"


@pytest.mark.parametrize("name", ["", "token", "kim@example.org", "kürşat"[:2]])
def test_a_token_is_the_password_whatever_the_user_name(name: str) -> None:
    assert sent(basic(f"{name}:blr_x")) == "blr_x"


def test_a_password_is_read_as_latin_1() -> None:
    assert sent(basic("me:bé:x")) == "bé:x"


def test_basic_without_a_name_and_a_password_is_anonymous() -> None:
    assert sent("Basic Og==") is None


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_header_is_anonymous(value: str) -> None:
    assert sent(value) is None


@pytest.mark.parametrize(
    "value",
    ["Bearer", "Bearer ", "blr_x", "Token blr_x", "Basic", "Basic !!!!", "Basic é", "Basic b24"],
)
def test_a_header_that_cannot_be_read_is_a_bad_token(value: str) -> None:
    with pytest.raises(TokenMalformed):
        sent(value)


@pytest.mark.parametrize("pair", ["me", "me:"])
def test_a_user_name_without_a_password_is_a_bad_token(pair: str) -> None:
    with pytest.raises(TokenMalformed):
        sent(basic(pair))
