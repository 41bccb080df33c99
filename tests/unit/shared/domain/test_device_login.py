"""Codes that people type, however they type them, and names that machines give themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.auth.tokens import AccessToken
from shared.domain.sign_in import (
    MAX_CLIENT_NAME,
    USER_CODE_RANDOM_BYTES,
    read_client_name,
    read_user_code,
    user_code,
)
from tests.fakes.system import FakeRandomness


@given(st.binary(min_size=USER_CODE_RANDOM_BYTES, max_size=USER_CODE_RANDOM_BYTES))
def test_a_code_is_read_as_it_was_given_out_however_it_is_typed(random: bytes) -> None:
    code = user_code(random)
    assert len(code) == 9
    assert set(code) <= set("BCDFGHJKLMNPQRSTVWXZ-")  # No vowels, which form words, nor digits.
    for typed in (code, code.lower(), code.replace("-", ""), f" {code.replace('-', ' / ')}\t"):
        assert read_user_code(typed) == code


@pytest.mark.parametrize(
    "typed", ["", "BCDF", "BCDF-GHJKL", "BCDF-GHJ1", "ACDF-GHJK", "ßCDF-GHJK", "B" * 1000]
)
def test_an_invalid_code_is_none(typed: str) -> None:
    assert read_user_code(typed) is None


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("laptop", "laptop"),
        ("  my \t build\nbox ", "my build box"),
        ("\x1b[2Jbox", "[2Jbox"),
        ("", "a machine without a name"),
        ("\u202e\u200b", "a machine without a name"),
        ("x" * 200, "x" * MAX_CLIENT_NAME),
    ],
)
def test_a_machine_calls_itself_one_short_line(given_name: str, shown: str) -> None:
    assert read_client_name(given_name) == shown


def test_no_machine_is_called_like_a_token() -> None:
    token = AccessToken.mint("local", "0123456789", FakeRandomness("x")).text.reveal()
    assert token not in read_client_name(f"box {token}")
