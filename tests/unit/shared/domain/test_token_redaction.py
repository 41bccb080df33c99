"""Tokens are found in texts by their form, and nothing else is."""

from shared.auth.access_tokens import AccessToken
from shared.domain.token_redaction import contains_token, redact_tokens
from tests.fakes.system import FakeRandomness

TOKEN = AccessToken.mint("local", "0123456789", FakeRandomness()).text.reveal()


def test_a_token_in_a_text_is_hidden_and_the_rest_is_not() -> None:
    assert redact_tokens(f"accesstoken={TOKEN}, twice {TOKEN}") == (
        "accesstoken=blr_****, twice blr_****"
    )
    for length in range(20, len(TOKEN)):
        assert redact_tokens(TOKEN[:length]) == "blr_****"


def test_a_token_is_found_in_what_somebody_has_sent_and_nothing_else() -> None:
    assert contains_token(f'{{"name": "{TOKEN}"}}'.encode())
    assert contains_token(b"\xff\x00" + TOKEN.encode() + b"\xff")
    for text in ("", "greet", "blr_", "blr_local_", "Look for blr_ in your files."):
        assert redact_tokens(text) == text
        assert not contains_token(text.encode())
