"""The text of a token."""

import re
import zlib

import pytest

from shared.auth.base62 import ALPHABET
from shared.auth.secret import Secret
from shared.auth.token import AccessToken
from shared.domain.errors import TokenMalformed
from tests.fakes.randomness import FakeRandomness

OWNER = "0123456789"


def minted(owner: str = OWNER) -> AccessToken:
    return AccessToken.mint("local", owner, FakeRandomness())


def test_a_token_can_be_told_from_any_other_text() -> None:
    assert re.fullmatch(r"blr_local_0123456789[0-9A-Za-z]{38}", minted().text.reveal())


def test_a_token_ends_with_the_checksum_of_what_is_before_it() -> None:
    text = minted().text.reveal()
    number = 0
    for character in text[-6:]:
        number = number * 62 + ALPHABET.index(character)
    assert number == zlib.crc32(text[:-6].encode())


def test_a_token_tells_its_environment_and_its_owner() -> None:
    token = AccessToken.parse(minted().text)
    assert (token.environment, token.owner) == ("local", OWNER)


def test_no_two_tokens_are_the_same() -> None:
    randomness = FakeRandomness()
    texts = {AccessToken.mint("local", OWNER, randomness).text.reveal() for _ in range(100)}
    assert len(texts) == 100


def test_the_hash_of_a_token_is_the_same_before_and_after_it_is_sent() -> None:
    token = minted()
    assert AccessToken.parse(token.text).hash == token.hash
    assert re.fullmatch(r"[0-9a-f]{64}", token.hash)


@pytest.mark.parametrize("position", range(len("blr_local_") + 48))
def test_a_token_with_one_changed_character_is_no_token(position: int) -> None:
    text = minted().text.reveal()
    other = "a" if text[position] != "a" else "b"
    with pytest.raises(TokenMalformed):
        AccessToken.parse(Secret(text[:position] + other + text[position + 1 :]))


@pytest.mark.parametrize(
    "text",
    ["", "blr_", "blr_local_", "blr__" + "0" * 48, "x" * 5000, "blr_local_" + "é" * 48, "\0"],
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenMalformed):
        AccessToken.parse(Secret(text))


def test_a_token_with_anything_around_it_is_no_token() -> None:
    text = minted().text.reveal()
    for around in (f"{text}\n", f" {text}", f"{text},{text}"):
        with pytest.raises(TokenMalformed):
            AccessToken.parse(Secret(around))
