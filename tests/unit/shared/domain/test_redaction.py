"""Texts that look like access tokens."""

import pytest

from shared.auth.tokens import AccessToken
from shared.domain.errors.base import InvalidRequest, contains_token, redact_tokens
from shared.domain.errors.packages import PackageNotFound, ReleaseNotFound
from shared.domain.names import Package
from tests.fakes.system import FakeRandomness

TOKEN = AccessToken.mint("local", "0123456789", FakeRandomness()).text.reveal()


def test_a_token_in_a_text_is_hidden_and_the_rest_is_not() -> None:
    assert redact_tokens(f"accesstoken={TOKEN}, twice {TOKEN}") == (
        "accesstoken=blr_****, twice blr_****"
    )
    for length in range(20, len(TOKEN)):
        assert redact_tokens(TOKEN[:length]) == "blr_****"


@pytest.mark.parametrize(
    "text", ["", "greet", "blr_", "blr_local_", "Look for blr_ in your files."]
)
def test_other_texts_are_left_alone(text: str) -> None:
    assert redact_tokens(text) == text
    assert not contains_token(text.encode())


def test_a_token_is_found_in_what_somebody_has_sent() -> None:
    assert contains_token(f'{{"name": "{TOKEN}"}}'.encode())
    assert contains_token(b"\xff\x00" + TOKEN.encode() + b"\xff")


def test_no_refusal_repeats_a_token() -> None:
    package = Package.parse("acme", "greet")
    for refusal in (
        InvalidRequest(f"{TOKEN!r} is not a pattern for the package."),
        ReleaseNotFound(package, TOKEN),
        PackageNotFound(package),
    ):
        assert TOKEN[20:] not in str(refusal)
    assert str(ReleaseNotFound(package, TOKEN)).endswith("acme/greet:blr_****")
