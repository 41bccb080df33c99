"""JSON Web Tokens of other parties, and their validation."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import cast

from msgspec import Struct

from shared.auth.issuer_keys import IssuerKey, IssuerKeys, translate_silence
from shared.domain.errors.identity import SignedTokenRefused
from shared.ports.system import Clock

MAX_TOKEN_BYTES = 16 * 1024  # Entra ID issues about 2 KiB, with two hundred groups about 8.
LEEWAY = timedelta(seconds=60)  # Tolerated difference of clocks.

ALGORITHMS = ("RS256", "ES256")  # Only with public keys: a shared secret would let verifiers sign.

_LEEWAY_S = LEEWAY // timedelta(seconds=1)
_TYPES = ("jwt",)
_SHARED = "it is for other audiences as well, so another service could have sent it"


class TokenFlaw(Enum):
    """Why a token is refused."""

    LONG = f"it is longer than {MAX_TOKEN_BYTES:,} bytes, or no token"
    UNREADABLE = "it cannot be read"
    ALGORITHM = "its algorithm is not one that is accepted"
    TYPE = "it is another type of token"
    CRITICAL = "it has critical headers, which are not known here"
    KEY = "its key is none of its issuer's"
    SIGNATURE = "its signature is wrong"
    ISSUER = "it is from another issuer"
    AUDIENCE = "it is for another audience"
    EXPIRED = "it is expired"
    FUTURE = "it was issued in the future"
    EARLY = "it is not valid yet"
    NONCE = "it answers another request to sign in"
    TENANT = "it is of another tenant"
    PARTY = "it was made for another application"


class ExpectedClaims(Struct, frozen=True):
    """The claims that a token must have; none of them come from the token.

    No `audiences` means that the caller checks the audience, which has to be there. `types` are
    the accepted values of `typ` in lower case, which may be missing.
    `shares_audience` accepts further audiences, which the caller checks.
    """

    issuer: str
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...] = ALGORITHMS
    types: tuple[str, ...] = _TYPES
    shares_audience: bool = False


class Claims(Struct, frozen=True):
    """The claims of a verified token."""

    values: Mapping[str, object]

    def text(self, name: str) -> str:
        """Return a required text claim, or raise `SignedTokenRefused`."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise missing_claim(name)
        return value

    def text_or_empty(self, name: str) -> str:
        """Return a text claim; empty where it is missing or not a text."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a claim that is a text or a list of texts; empty where it is missing."""
        value = self.values.get(name)
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list):
            return ()
        return tuple(each for each in cast(list[object], value) if isinstance(each, str))

    def seconds(self, name: str) -> int:
        """Return a required time in seconds since 1970, or raise `SignedTokenRefused`."""
        value = self.values.get(name)
        # A boolean is an integer in Python, and a time in JSON may be written as 1e9.
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise missing_claim(name)
        if not 0 < value < _MAX_SECONDS:
            raise missing_claim(name)
        return int(value)


async def verify_jwt(
    text: str, expected: ExpectedClaims, *, keys: IssuerKeys, clock: Clock
) -> Claims:
    """Verify a token and return its claims.

    Checks form, algorithm, key, signature, issuer, audience and times, in this order; `exp`, `iat`
    and `sub` are required. Raises `SignedTokenRefused` with the flaw, and `issuer-silent` when the
    issuer's keys cannot be read. The caller checks everything else: a nonce, a tenant, a
    repository, and whether its `jti` was used before.
    """
    header = _header(text, expected)
    key = await _key(header, expected, keys)
    claims = Claims(_verified(text, key, expected))
    is_checked = bool(expected.audiences) and not expected.shares_audience
    if is_checked and not set(claims.texts("aud")) <= set(expected.audiences):
        raise SignedTokenRefused(_SHARED)
    _check_times(claims, clock.now_ms() // 1000)
    claims.text("sub")
    return claims


def read_unverified(text: str) -> Mapping[str, object]:
    """Return what a token says, which anybody could have written: to find the keys that verify it,
    and for those who pasted it.

    Raises `SignedTokenRefused` for a text that is no token.
    """
    import jwt  # noqa: PLC0415 - takes 90 ms, which a cold start does not need.

    if len(text) > MAX_TOKEN_BYTES or not text.isascii():
        raise SignedTokenRefused(TokenFlaw.LONG.value)
    try:
        return jwt.decode(text, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise SignedTokenRefused(TokenFlaw.UNREADABLE.value) from None


def _header(text: str, expected: ExpectedClaims) -> Mapping[str, object]:
    import jwt  # noqa: PLC0415 - the same.

    if len(text) > MAX_TOKEN_BYTES or not text.isascii():
        raise SignedTokenRefused(TokenFlaw.LONG.value)
    try:
        header: Mapping[str, object] = jwt.get_unverified_header(text)
    except jwt.PyJWTError:
        raise SignedTokenRefused(TokenFlaw.UNREADABLE.value) from None
    if header.get("alg") not in expected.algorithms:
        raise SignedTokenRefused(TokenFlaw.ALGORITHM.value)
    if str(header.get("typ", expected.types[0])).lower() not in expected.types:
        raise SignedTokenRefused(TokenFlaw.TYPE.value)
    if "crit" in header:
        raise SignedTokenRefused(TokenFlaw.CRITICAL.value)
    return header


async def _key(
    header: Mapping[str, object], expected: ExpectedClaims, keys: IssuerKeys
) -> IssuerKey:
    issuer = expected.issuer
    # Keys in the header (jwk, x5c) and their addresses (jku, x5u) are chosen by the sender.
    name = header.get("kid", "")
    if not isinstance(name, str):
        raise SignedTokenRefused(TokenFlaw.KEY.value)
    with translate_silence(issuer):
        key = await keys.find(issuer, name, str(header["alg"]))
    if key is None:
        raise SignedTokenRefused(TokenFlaw.KEY.value)
    return key


def _verified(text: str, key: IssuerKey, expected: ExpectedClaims) -> Mapping[str, object]:
    import jwt  # noqa: PLC0415 - the same.

    try:
        return jwt.decode(
            text,
            key.key,
            algorithms=[key.algorithm],
            audience=expected.audiences or None,
            issuer=expected.issuer,
            # Times are checked below, with the registry's clock.
            options={
                "require": ["iss", "aud", "exp", "iat", "sub"],
                "verify_aud": bool(expected.audiences),
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidAudienceError:
        raise SignedTokenRefused(TokenFlaw.AUDIENCE.value) from None
    except jwt.InvalidIssuerError:
        raise SignedTokenRefused(TokenFlaw.ISSUER.value) from None
    except jwt.MissingRequiredClaimError as error:
        raise missing_claim(error.claim) from None
    except jwt.InvalidSignatureError:
        raise SignedTokenRefused(TokenFlaw.SIGNATURE.value) from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise SignedTokenRefused(TokenFlaw.UNREADABLE.value) from None


def _check_times(claims: Claims, now_s: int) -> None:
    if claims.seconds("exp") <= now_s - _LEEWAY_S:
        raise SignedTokenRefused(TokenFlaw.EXPIRED.value)
    if claims.seconds("iat") > now_s + _LEEWAY_S:
        raise SignedTokenRefused(TokenFlaw.FUTURE.value)
    if "nbf" in claims.values and claims.seconds("nbf") > now_s + _LEEWAY_S:
        raise SignedTokenRefused(TokenFlaw.EARLY.value)


_MAX_SECONDS = 1 << 40  # About 30,000 years.


def missing_claim(name: str) -> SignedTokenRefused:
    return SignedTokenRefused(f"its claim {name} is missing, or is not what it should be")
