"""Forms are small, URL-encoded and UTF-8; others are refused with a sentence."""

import azure.functions as func
import pytest

from functions.http.requests import MAX_FORM_BYTES, MAX_FORM_FIELDS, URL_ENCODED, form_of, is_form
from shared.auth.tokens import AccessToken
from shared.domain.errors.requests import BodyUnreadable, TokenMisplaced
from tests.fakes.system import FakeRandomness


def request(body: bytes, media_type: str = URL_ENCODED) -> func.HttpRequest:
    return func.HttpRequest("POST", "/", headers={"content-type": media_type}, body=body)


def test_fields_are_texts_without_the_blanks_around_them() -> None:
    form = form_of(request(b"name=+a%20b+&scope=read&scope=manage&empty="))
    assert form.text("name") == "a b"
    assert form.all("scope") == ["read", "manage"]
    assert (form.text("empty", "x"), form.text("missing", "x")) == ("", "x")
    assert form.all("missing") == []


def test_a_form_with_an_access_token_in_it_is_refused() -> None:
    token = AccessToken.mint("local", "0123456789", FakeRandomness()).text.reveal()
    with pytest.raises(TokenMisplaced):
        form_of(request(f"name=laptop&message={token}".encode()))


def test_a_form_without_fields_is_one() -> None:
    assert form_of(request(b"")).values == {}


@pytest.mark.parametrize(
    "media_type", [URL_ENCODED, f"{URL_ENCODED}; charset=utf-8", URL_ENCODED.upper()]
)
def test_a_form_says_that_it_is_one(media_type: str) -> None:
    assert is_form(request(b"", media_type))


@pytest.mark.parametrize(
    "refused",
    [
        request(b"a=b", "application/json"),
        request(b"a=b", "text/plain"),
        request(b"a=" + b"x" * MAX_FORM_BYTES),
        request(b"&".join(b"a=b" for _ in range(MAX_FORM_FIELDS + 1))),
        request(b"a=%ff"),
        request(b"\xff=a"),
        request(b"no field"),
    ],
    ids=["json", "text", "long", "many", "no utf-8", "no text", "no field"],
)
def test_everything_else_is_refused(refused: func.HttpRequest) -> None:
    with pytest.raises(BodyUnreadable, match="Send a form"):
        form_of(refused)
