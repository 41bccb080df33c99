"""Tokens as they are stored."""

import pytest

from shared.domain.tokens import Token


@pytest.mark.parametrize(
    ("expires_ms", "latest_ms", "renewed_ms"),
    [(30, None, 120), (30, 110, 110), (None, 110, 110), (None, None, None)],
)
def test_a_rotated_token_lives_as_long_again_and_never_longer_than_its_rotator(
    expires_ms: int | None, latest_ms: int | None, renewed_ms: int | None
) -> None:
    fields = {"id": "t", "hash": "h", "owner": "kim", "name": "laptop", "grants": ()}
    token = Token.model_validate({**fields, "created_ms": 10, "expires_ms": expires_ms})
    assert token.renewed_expiry(100, latest_ms) == renewed_ms
