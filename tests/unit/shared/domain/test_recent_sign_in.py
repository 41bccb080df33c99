"""How recently somebody signed in."""

import pytest

from shared.domain.errors.identity import SignInAgain
from shared.domain.identity import (
    OPERATOR,
    Principal,
    is_recently_signed_in,
    require_recent_sign_in,
)

NOW = 1_790_000_000_000
TEN_MINUTES = 10 * 60_000
PERSON = Principal("0123456789", "session", signed_in_ms=NOW)


def test_a_sign_in_is_recent_to_the_millisecond() -> None:
    assert is_recently_signed_in(PERSON, NOW + TEN_MINUTES)
    assert not is_recently_signed_in(PERSON, NOW + TEN_MINUTES + 1)
    assert not is_recently_signed_in(Principal("0123456789", "token"), 0)


def test_a_person_who_signed_in_earlier_is_told_what_to_do() -> None:
    for principal in (PERSON, OPERATOR):
        require_recent_sign_in(principal, NOW, "remove", "an identity")
    with pytest.raises(SignInAgain, match=r"^To remove an identity, sign in again "):
        require_recent_sign_in(PERSON, NOW + TEN_MINUTES + 1, "remove", "an identity")
