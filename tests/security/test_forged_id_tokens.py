"""No token that the provider did not sign for us, for this very sign-in, lets anybody in (API2).

Each vector is one thing that is wrong with a token which is right otherwise, and is refused for
its own reason.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

import jwt
import pytest

from shared.auth.id_tokens import IdTokenRequest, IdTokenValidator
from shared.auth.issuer_keys import IssuerDiscovery, IssuerKeys
from shared.auth.json_web_tokens import LEEWAY, MAX_TOKEN_BYTES, TokenFlaw
from shared.domain.errors.identity import SignedTokenRefused
from shared.runtime.refreshed_values import ignore_failure
from tests.fakes.identity_provider import FakeInternet, Issuer, ec_key, jwk, pem, rsa_key
from tests.fakes.system import FakeClock
from tests.support.refusals import raises_refusal

URL = "https://login.test/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"
TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
CLIENT = "ballroom"
NONCE = "the nonce of this sign-in"
ASKED = IdTokenRequest(URL, CLIENT, NONCE, TENANT)
CLOCK = FakeClock()
NOW = CLOCK.now_ms() // 1000
SLACK = int(LEEWAY.total_seconds())
RIGHT: dict[str, Any] = {"aud": CLIENT, "sub": "kim", "nonce": NONCE, "tid": TENANT}
STRANGER = rsa_key(66)  # The key of somebody else.


def issuer() -> Issuer:
    """Return the real provider, with a key of each kind."""
    keys = {"key-1": rsa_key(1), "key-2": ec_key(2), "key-3": rsa_key(3)}
    return Issuer(URL, lambda: NOW, keys=keys)


def validator(internet: FakeInternet) -> IdTokenValidator:
    """Return what is tested, with keys of that internet."""
    return IdTokenValidator(
        IssuerKeys(
            internet, IssuerDiscovery(internet, CLOCK, ignore_failure), CLOCK, ignore_failure
        ),
        CLOCK,
    )


def encoded(part: bytes | Mapping[str, Any]) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def claims(**changed: Any) -> str:
    """Return a token of the real provider that says other than it should; None leaves one out."""
    return issuer().sign({**RIGHT, **changed}, key="key-3")


def headed(**headers: Any) -> str:
    """Return a token of the real provider with other headers."""
    return issuer().sign(RIGHT, key="key-3", headers=headers)


def whole() -> dict[str, Any]:
    """Return everything that a right token says."""
    return {"iss": URL, "iat": NOW, "nbf": NOW, "exp": NOW + 3600, **RIGHT}


def by_stranger(**headers: Any) -> str:
    """Return a token that says all the right things, by somebody else's key."""
    return jwt.encode(whole(), STRANGER, algorithm="RS256", headers={"kid": "key-3", **headers})


def raw(key: bytes = b"", **header: Any) -> str:
    """Return a token with any header, signed as a shared secret would sign."""
    start = f"{encoded(header)}.{encoded(whole())}"
    return f"{start}.{encoded(hmac.digest(key, start.encode(), 'sha256') if key else b'')}"


def saying(payload: bytes) -> str:
    """Return a token of the real provider whose payload is anything."""
    return jwt.api_jws.encode(payload, rsa_key(3), "RS256", {"kid": "key-3"})


def parts() -> list[str]:
    """Return the three parts of a right token."""
    return issuer().sign(RIGHT, key="key-3").split(".")


def swapped(**changed: Any) -> str:
    """Return a right token whose claims were changed after it was signed."""
    header, _, signature = parts()
    return f"{header}.{encoded({**whole(), **changed})}.{signature}"


def resigned(name: str, algorithm: str) -> str:
    """Return a token that the provider's own key signs with an algorithm that is not asked for."""
    return jwt.encode(whole(), issuer().keys[name], algorithm=algorithm, headers={"kid": name})


PUBLIC = pem(rsa_key(3))
PUBLIC_JWK = json.dumps(jwk(rsa_key(3), "key-3")).encode()
ZEROS = f"{encoded({'alg': 'ES256', 'kid': 'key-2'})}.{encoded(whole())}.{encoded(bytes(64))}"
ENCRYPTED = f"{encoded({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.a.b.c.d"
NO_TENANT = "00000000-0000-0000-0000-000000000000"

VECTORS: dict[TokenFlaw, dict[str, Callable[[], str]]] = {
    TokenFlaw.ALGORITHM: {  # The one that counts is ours to choose.
        "alg none": lambda: raw(alg="none", kid="key-3"),
        "alg missing": lambda: raw(kid="key-3"),
        "alg in lower case": lambda: raw(alg="rs256", kid="key-3"),
        "HS256 with the public key": lambda: raw(PUBLIC, alg="HS256", kid="key-3"),
        "HS256 with the public JWK": lambda: raw(PUBLIC_JWK, alg="HS256", kid="key-3"),
        "RS512 by the right key": lambda: resigned("key-3", "RS512"),
    },
    TokenFlaw.KEY: {  # Keys come from the issuer, whatever the token brings.
        "RS256 names the EC key": lambda: headed(kid="key-2"),
        "unknown kid": lambda: headed(kid="key-99"),
        "kid is a path": lambda: headed(kid="../../../../dev/null"),
        "kid is empty and ambiguous": lambda: headed(kid=""),
        "kid is missing and ambiguous": lambda: raw(b"x", alg="RS256"),
        "brings its key by its own name": lambda: by_stranger(jwk=jwk(STRANGER, "my"), kid="my"),
    },
    TokenFlaw.SIGNATURE: {
        "stranger's key": by_stranger,
        "another key of the issuer": lambda: headed(kid="key-1"),
        "brings its key": lambda: by_stranger(jwk=jwk(STRANGER, "key-3")),
        "jku": lambda: by_stranger(jku="https://evil.test/keys"),
        "x5u": lambda: by_stranger(x5u="https://evil.test/chain.pem"),
        "x5c": lambda: by_stranger(x5c=[encoded(pem(STRANGER))]),
        "RS256 that is a MAC": lambda: raw(PUBLIC, alg="RS256", kid="key-3"),
        "ES256 that is a MAC": lambda: raw(pem(ec_key(2)), alg="ES256", kid="key-2"),
        "ES256 of zeros": lambda: ZEROS,
        "none": lambda: ".".join([*parts()[:2], ""]),
        "cut off": lambda: ".".join(parts())[:-2],
        "of another token": lambda: ".".join([*parts()[:2], claims(sub="bob").split(".")[2]]),
        "another sub afterwards": lambda: swapped(sub="admin"),
    },
    TokenFlaw.CRITICAL: {
        "a header that must be known": lambda: raw(b"x", alg="RS256", crit=["b64"], b64=True)
    },
    TokenFlaw.TYPE: {"access token": lambda: headed(typ="at+jwt")},
    TokenFlaw.UNREADABLE: {
        "unknown critical header": lambda: headed(crit=["exp"]),
        "payload not encoded": lambda: raw(b"x", alg="RS256", crit=["b64"], b64=False),
        "kid is a number": lambda: raw(b"x", alg="RS256", kid=3),
        "header is a list": lambda: f"{encoded(b'[]')}.{encoded(whole())}.",
        "header is deep": lambda: f"{encoded(b'[' * 5000)}.{encoded(whole())}.",
        "payload is a list": lambda: saying(b"[]"),
        "payload is no JSON": lambda: saying(b"{"),
        "payload is deep": lambda: saying(b"[" * 5000),
        "four parts": lambda: ".".join([*parts(), "more"]),
        "five parts, encrypted": lambda: ENCRYPTED,
        "empty": str,
        "blank at the end": lambda: ".".join(parts()) + " ",
        "line break inside": lambda: ".".join(parts()).replace(".", "\n.", 1),
    },
    TokenFlaw.LONG: {
        "huge": lambda: claims(groups=["x" * MAX_TOKEN_BYTES]),
        "not ASCII": lambda: ".".join(parts()) + "\N{LATIN SMALL LETTER E WITH ACUTE}",
    },
    TokenFlaw.ISSUER: {
        "another": lambda: claims(iss="https://evil.test"),
        "with a slash more": lambda: claims(iss=URL + "/"),
        "a list": lambda: saying(json.dumps({**whole(), "iss": [URL]}).encode()),
    },
    TokenFlaw.AUDIENCE: {
        "another": lambda: claims(aud="another-app"),
        "ours and more letters": lambda: claims(aud=CLIENT + "-test"),
        "several others": lambda: claims(aud=["a", "b"]),
        "an object": lambda: claims(aud={CLIENT: True}),
    },
    TokenFlaw.PARTY: {
        "made for another": lambda: claims(azp="another-app"),
        "for us among others": lambda: claims(aud=[CLIENT, "another-app"]),
    },
    TokenFlaw.TENANT: {"another": lambda: claims(tid=NO_TENANT)},
    TokenFlaw.NONCE: {
        "another": lambda: claims(nonce="of yesterday"),
        "its hash": lambda: claims(nonce=hashlib.sha256(NONCE.encode()).hexdigest()),
    },
    TokenFlaw.EXPIRED: {"a moment ago": lambda: claims(exp=NOW - SLACK)},
    TokenFlaw.FUTURE: {"issued tomorrow": lambda: claims(iat=NOW + SLACK + 1)},
    TokenFlaw.EARLY: {"good from tomorrow on": lambda: claims(nbf=NOW + SLACK + 1)},
}
CASES = [
    pytest.param(make, flaw, id=f"{flaw.name.lower()}: {name}")
    for flaw, vectors in VECTORS.items()
    for name, make in vectors.items()
]

MISSING = [
    *((f"no {name}", name, None) for name in ("exp", "iat", "iss", "aud", "sub", "nonce", "tid")),
    *(
        (f"{name} is {value!r}", name, value)
        for name in ("exp", "iat", "nbf")
        for value in ("tomorrow", True, -1, 0, 1e300, [NOW])
    ),
    ("sub is empty", "sub", ""),
    ("nonce is empty", "nonce", ""),
    ("nonce is a list", "nonce", [NONCE]),
    ("tid is a list", "tid", [TENANT]),
]


async def test_a_right_token_is_accepted() -> None:
    for name in ("key-2", "key-3"):
        token = issuer().sign({**RIGHT, "aud": [CLIENT], "azp": CLIENT}, key=name)
        accepted = await validator(FakeInternet([issuer()])).validate(token, ASKED)
        assert accepted.text("sub") == "kim"


async def test_clocks_may_differ_by_a_minute() -> None:
    late = claims(exp=NOW - SLACK + 1, iat=NOW + SLACK, nbf=NOW + SLACK)
    assert await validator(FakeInternet([issuer()])).validate(late, ASKED)


@pytest.mark.parametrize(("make", "flaw"), CASES)
async def test_a_forged_token_is_refused_for_what_is_wrong_with_it(
    make: Callable[[], str], flaw: TokenFlaw
) -> None:
    with pytest.raises(SignedTokenRefused) as refused:
        await validator(FakeInternet([issuer()])).validate(make(), ASKED)
    assert f": {flaw.value}. " in str(refused.value)


@pytest.mark.parametrize(("name", "value"), [m[1:] for m in MISSING], ids=[m[0] for m in MISSING])
async def test_a_claim_that_is_missing_or_no_claim_is_named(name: str, value: Any) -> None:
    reasons = rf"its claim {name} is missing|{TokenFlaw.UNREADABLE.value}"
    with pytest.raises(SignedTokenRefused, match=reasons):
        await validator(FakeInternet([issuer()])).validate(claims(**{name: value}), ASKED)


async def test_a_token_sends_nobody_to_fetch_keys_elsewhere() -> None:
    internet = FakeInternet([issuer(), Issuer("https://evil.test")])
    forged = by_stranger(jku="https://evil.test/keys", x5u="https://evil.test/x")
    with pytest.raises(SignedTokenRefused):
        await validator(internet).validate(forged, ASKED)
    assert not [url for url in internet.asked if "evil" in url]


async def test_a_token_that_is_refused_early_costs_no_request() -> None:
    internet = FakeInternet([issuer()])
    for token in ("", "a.b.c", "e" * MAX_TOKEN_BYTES * 2, raw(alg="none")):
        with pytest.raises(SignedTokenRefused):
            await validator(internet).validate(token, ASKED)
    assert internet.asked == []


async def test_without_keys_nothing_is_believed() -> None:
    internet = FakeInternet([issuer()], is_down=True)
    with raises_refusal("issuer-silent"):
        await validator(internet).validate(claims(), ASKED)
