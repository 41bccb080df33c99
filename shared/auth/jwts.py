"""Tokens that other parties sign (JSON Web Tokens): what they must prove before a claim is used."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from shared.auth.claims import Claims, missing
from shared.auth.keysets import KeySets, SigningKey
from shared.domain.errors import IssuerSilent, SignedTokenRefused
from shared.ports import Clock, Unanswered

MAX_TOKEN_BYTES = 16 * 1024  # Entra ID sends about 2 KiB, with two hundred groups about 8.
LEEWAY = timedelta(seconds=60)  # How far the clocks of two honest parties may differ.

ALGORITHMS = ("RS256", "ES256")  # Public keys alone: whoever can verify must not be able to sign.

_LEEWAY_S = LEEWAY // timedelta(seconds=1)
_TYPES = ("jwt",)
_SHARED = "it is for other audiences as well, so another service could have sent it"


class Flaw(Enum):
    """Why a token proves nothing."""

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


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say; none of it comes from the token.

    `keys_of` is the issuer whose keys sign, where that is not `issuer` itself, and `also_issuers`
    are other names of it. `types` are the values of `typ` in lower case, which may also be missing.
    `shares_audience` is for tokens whose other audiences are checked by the caller.
    """

    issuer: str
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...] = ALGORITHMS
    keys_of: str = ""
    also_issuers: tuple[str, ...] = ()
    types: tuple[str, ...] = _TYPES
    shares_audience: bool = False


async def verify_jwt(text: str, expected: Expected, *, keys: KeySets, clock: Clock) -> Claims:
    """Return what a token says, once all of it is right.

    Form, algorithm, key, signature, issuer, audience and times are checked, in this order.
    Raises `SignedTokenRefused` with the flaw, and `IssuerSilent` when the issuer's keys cannot be
    had. `exp`, `iat` and `sub` must be there. What else the token must say is the caller's to ask:
    a nonce, a tenant, a repository, and whether its `jti` was used before.
    """
    header = _header(text, expected)
    key = await _key(header, expected, keys)
    claims = Claims(_verified(text, key, expected))
    if not expected.shares_audience and not set(claims.texts("aud")) <= set(expected.audiences):
        raise SignedTokenRefused(_SHARED)
    _check_times(claims, clock.now_ms() // 1000)
    claims.text("sub")
    return claims


def _header(text: str, expected: Expected) -> Mapping[str, object]:
    import jwt  # noqa: PLC0415 - it costs 90 ms, which a cold start has no use for.

    if len(text) > MAX_TOKEN_BYTES or not text.isascii():
        raise SignedTokenRefused(Flaw.LONG.value)
    try:
        header: Mapping[str, object] = jwt.get_unverified_header(text)
    except jwt.PyJWTError:
        raise SignedTokenRefused(Flaw.UNREADABLE.value) from None
    if header.get("alg") not in expected.algorithms:
        raise SignedTokenRefused(Flaw.ALGORITHM.value)
    if str(header.get("typ", expected.types[0])).lower() not in expected.types:
        raise SignedTokenRefused(Flaw.TYPE.value)
    if "crit" in header:
        raise SignedTokenRefused(Flaw.CRITICAL.value)
    return header


async def _key(header: Mapping[str, object], expected: Expected, keys: KeySets) -> SigningKey:
    issuer = expected.keys_of or expected.issuer
    # Keys in the header (jwk, x5c) and addresses of keys (jku, x5u) are whatever the sender likes.
    name = header.get("kid", "")
    if not isinstance(name, str):
        raise SignedTokenRefused(Flaw.KEY.value)
    try:
        key = await keys.find(issuer, name, str(header["alg"]))
    except Unanswered:
        raise IssuerSilent(issuer) from None
    if key is None:
        raise SignedTokenRefused(Flaw.KEY.value)
    return key


def _verified(text: str, key: SigningKey, expected: Expected) -> Mapping[str, object]:
    import jwt  # noqa: PLC0415 - the same.

    try:
        return jwt.decode(
            text,
            key.key,
            algorithms=[key.algorithm],
            audience=expected.audiences,
            issuer=[expected.issuer, *expected.also_issuers],
            # Times are compared below, with the clock that everything else here goes by.
            options={
                "require": ["iss", "aud", "exp", "iat", "sub"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidAudienceError:
        raise SignedTokenRefused(Flaw.AUDIENCE.value) from None
    except jwt.InvalidIssuerError:
        raise SignedTokenRefused(Flaw.ISSUER.value) from None
    except jwt.MissingRequiredClaimError as error:
        raise missing(error.claim) from None
    except jwt.InvalidSignatureError:
        raise SignedTokenRefused(Flaw.SIGNATURE.value) from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise SignedTokenRefused(Flaw.UNREADABLE.value) from None


def _check_times(claims: Claims, now_s: int) -> None:
    if claims.seconds("exp") <= now_s - _LEEWAY_S:
        raise SignedTokenRefused(Flaw.EXPIRED.value)
    if claims.seconds("iat") > now_s + _LEEWAY_S:
        raise SignedTokenRefused(Flaw.FUTURE.value)
    if "nbf" in claims.values and claims.seconds("nbf") > now_s + _LEEWAY_S:
        raise SignedTokenRefused(Flaw.EARLY.value)
