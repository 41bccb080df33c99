"""Claims of signed tokens, and the checks of a token before and after its signature."""

from collections.abc import Mapping
from typing import Any

import jwt
import pytest

from shared.auth.id_tokens import IdTokenRequest, IdTokenValidator
from shared.auth.issuer_keys import IssuerDiscovery, IssuerKeys
from shared.auth.json_web_tokens import (
    ALGORITHMS,
    MAX_TOKEN_BYTES,
    Claims,
    ExpectedClaims,
    TokenFlaw,
    verify_jwt,
)
from shared.domain.errors.identity import SignedTokenRefused
from shared.runtime.refreshed_values import ignore_failure
from tests.fakes.identity_provider import CLIENT_ID, FakeInternet, Issuer
from tests.fakes.system import FakeClock

CLOCK = FakeClock()
ISSUER = Issuer(now_s=lambda: CLOCK.now_ms() / 1000)
NONCE = "the-nonce"


def keys() -> IssuerKeys:
    internet = FakeInternet([ISSUER])
    return IssuerKeys(
        internet, IssuerDiscovery(internet, CLOCK, ignore_failure), CLOCK, ignore_failure
    )


async def verified(text: str, audiences: tuple[str, ...] = ("api",)) -> Claims:
    expected = ExpectedClaims(ISSUER.url, audiences, ALGORITHMS)
    return await verify_jwt(text, expected, keys=keys(), clock=CLOCK)


async def validated(*, nonce: str = NONCE, tenant: str = "", **claims: Any) -> Claims:
    """Validate an id token with these claims as the answer to a sign-in."""
    request = IdTokenRequest(ISSUER.url, CLIENT_ID, NONCE, tenant)
    return await IdTokenValidator(keys(), CLOCK).validate(ISSUER.id_token(nonce, **claims), request)


@pytest.mark.parametrize("value", [1, 1e9, (1 << 40) - 1])
def test_a_time_is_a_number_of_seconds(value: float) -> None:
    assert Claims({"exp": value}).seconds("exp") == int(value)


async def test_a_token_of_the_greatest_length_is_read() -> None:
    with pytest.raises(SignedTokenRefused) as refused:
        await verified("a" * MAX_TOKEN_BYTES)
    assert str(refused.value) == str(SignedTokenRefused(TokenFlaw.UNREADABLE.value))


@pytest.mark.parametrize("headers", [{}, {"typ": "jwt"}, {"typ": None}])
async def test_the_type_of_a_token_is_compared_without_case_and_may_be_absent(
    headers: Mapping[str, object],
) -> None:
    token = ISSUER.sign({"aud": "api", "sub": "kim"}, headers=headers)
    assert (await verified(token)).text("sub") == "kim"


async def test_a_token_without_the_name_of_its_key_is_verified_with_the_only_one() -> None:
    [key] = ISSUER.keys.values()
    now_s = CLOCK.now_ms() // 1000
    claims = {"iss": ISSUER.url, "aud": "api", "sub": "kim", "iat": now_s, "exp": now_s + 60}
    token = jwt.encode(claims, key, algorithm="RS256")
    assert (await verified(token)).text("sub") == "kim"


async def test_an_id_token_may_be_for_several_applications_if_it_was_issued_to_this_one() -> None:
    for audience in (CLIENT_ID, [CLIENT_ID, "other"]):
        claims = await validated(aud=audience, azp=CLIENT_ID)
        assert claims.text("azp") == CLIENT_ID
