"""The form of tokens, and what looks like one."""

import re
import zlib

import pytest

from shared.auth.access_tokens import MAX_LOOKALIKES, AccessToken, TokenSearch
from shared.auth.secrets import BASE62_ALPHABET, Secret
from shared.domain.errors.identity import TokenMalformed
from tests.fakes.system import FakeRandomness
from tests.support.refusals import raises_refusal

OWNER = "0123456789"


def minted(owner: str = OWNER) -> AccessToken:
    return AccessToken.mint("local", owner, FakeRandomness())


def test_a_token_can_be_distinguished_from_any_other_text() -> None:
    assert re.fullmatch(r"blr_local_0123456789[0-9A-Za-z]{38}", minted().text.reveal())


def test_a_token_ends_with_the_checksum_of_what_is_before_it() -> None:
    text = minted().text.reveal()
    number = 0
    for character in text[-6:]:
        number = number * 62 + BASE62_ALPHABET.index(character)
    assert number == zlib.crc32(text[:-6].encode())


def test_a_token_is_read_as_it_was_minted() -> None:
    minted_token = minted()
    token = AccessToken.parse(minted_token.text)
    assert (token.environment, token.owner) == ("local", OWNER)
    assert (token, token.hash) == (minted_token, minted_token.hash)
    assert re.fullmatch(r"[0-9a-f]{64}", token.hash)


@pytest.mark.parametrize("position", range(len("blr_local_") + 48))
def test_a_token_with_one_changed_character_is_no_token(position: int) -> None:
    text = minted().text.reveal()
    other = "a" if text[position] != "a" else "b"
    with pytest.raises(TokenMalformed):
        AccessToken.parse(Secret(text[:position] + other + text[position + 1 :]))


def test_an_invalid_token_is_refused() -> None:
    text = minted().text.reveal()
    forms = ("", "blr_", "blr_local_", "blr__" + "0" * 48, "x" * 5000, "blr_local_" + "é" * 48)
    for other in (*forms, "\0", f"{text}\n", f" {text}", f"{text},{text}"):
        with pytest.raises(TokenMalformed):
            AccessToken.parse(Secret(other))


def test_a_token_of_the_environment_is_found_in_any_content() -> None:
    token = minted().text.reveal().encode()
    for before, after in ((b"", b""), (b"\xff\x00\n", b"\xff"), (b"blr_local_" + b"a" * 48, b"x")):
        assert TokenSearch("local").find(before + token + after) == len(before)


def test_texts_that_are_no_token_of_the_environment_are_not_found() -> None:
    token = minted().text.reveal()
    other = AccessToken.mint("other", OWNER, FakeRandomness()).text.reveal()
    for text in ("", "blr_local_", token[:-1], token.replace("local", "loca"), other):
        assert TokenSearch("local").find(text.encode()) is None


def test_so_many_texts_of_the_form_of_tokens_are_refused_in_one_archive() -> None:
    search = TokenSearch("local")
    text = f"blr_local_{'a' * 48}\n".encode()
    assert search.find(text * MAX_LOOKALIKES) is None
    with raises_refusal("too-many-lookalikes", match="more than 10,000 texts"):
        search.find(text)
