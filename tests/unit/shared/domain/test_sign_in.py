"""Secrets of sessions, and codes that people type, however they type them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.auth.access_tokens import AccessToken
from shared.domain.device_login import (
    MAX_CLIENT_NAME,
    USER_CODE_RANDOM_BYTES,
    read_client_name,
    read_user_code,
    user_code,
)
from shared.domain.errors.identity import SignInAgain
from shared.domain.principals import OPERATOR, Principal
from shared.domain.recent_sign_in import is_recently_signed_in, require_recent_sign_in
from shared.domain.sessions import SECRET_GRACE, SECRET_ROTATION, SecretState, Session
from tests.fakes.system import FakeRandomness

MS = timedelta(milliseconds=1)
GRACE_MS = SECRET_GRACE // MS
ROTATION_MS = SECRET_ROTATION // MS
TIMES = {"created_ms": 0, "seen_ms": 0, "expires_ms": 10**9, "idle_ms": 10**8, "signed_in_ms": 0}
KNOWN = {"id": "s", "account": "ann", "provider": "link", "secrets": ("new", "old")}
SESSION = Session.model_validate(KNOWN | TIMES)
CONFIRMED = SESSION.confirmed(0)


@pytest.mark.parametrize(
    ("session", "presented", "now_ms", "expected"),
    [
        (SESSION, SecretState.PREVIOUS, GRACE_MS - 1, False),
        (SESSION, SecretState.PREVIOUS, GRACE_MS, True),
        (CONFIRMED, SecretState.PREVIOUS, GRACE_MS, False),
        (SESSION, SecretState.CURRENT, ROTATION_MS - 1, False),
        (SESSION, SecretState.CURRENT, ROTATION_MS, True),
        (CONFIRMED, SecretState.CURRENT, ROTATION_MS, True),
    ],
)
def test_a_secret_is_replaced_when_it_is_old_or_never_arrived(
    session: Session, presented: SecretState, now_ms: int, expected: bool
) -> None:
    assert session.needs_rotation(presented, now_ms) is expected


@pytest.mark.parametrize(
    ("secret", "now_ms", "expected"),
    [
        ("new", GRACE_MS, SecretState.CURRENT),
        ("old", GRACE_MS - 1, SecretState.PREVIOUS),
        ("old", GRACE_MS, SecretState.COPIED),
        ("other", 0, SecretState.UNKNOWN),
    ],
)
def test_the_previous_secret_is_a_copy_after_the_new_one_was_used(
    secret: str, now_ms: int, expected: SecretState
) -> None:
    assert CONFIRMED.secret_state(secret, now_ms) is expected
    if expected is SecretState.COPIED:
        assert SESSION.secret_state(secret, now_ms) is SecretState.PREVIOUS


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
    token = AccessToken.mint("local", "0123456789", FakeRandomness("x")).text.reveal()
    assert token not in read_client_name(f"{given_name} {token}")


NOW = 1_790_000_000_000
TEN_MINUTES = 10 * 60_000
PERSON = Principal("0123456789", "session", signed_in_ms=NOW)


def test_a_sign_in_is_recent_to_the_millisecond() -> None:
    assert is_recently_signed_in(PERSON, NOW + TEN_MINUTES - 1)
    assert not is_recently_signed_in(PERSON, NOW + TEN_MINUTES)
    assert not is_recently_signed_in(Principal("0123456789", "token"), 0)


def test_a_sign_in_in_the_future_is_not_recent_as_the_clock_was_set_back() -> None:
    a_minute = 60_000  # Another instance may be ahead for so long.
    assert is_recently_signed_in(PERSON, NOW - a_minute)
    assert not is_recently_signed_in(PERSON, NOW - a_minute - 1)


def test_a_person_who_signed_in_earlier_is_told_what_to_do() -> None:
    for principal in (PERSON, OPERATOR):
        require_recent_sign_in(principal, NOW, "remove", "an identity")
    with pytest.raises(SignInAgain, match=r"^To remove an identity, sign in again "):
        require_recent_sign_in(PERSON, NOW + TEN_MINUTES, "remove", "an identity")
