"""JSON Web Tokens that other parties sign: what they must prove before a claim is used."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import cast

from shared.auth.issuer_keys import IssuerKey, IssuerKeys
from shared.domain.errors.identity import IssuerSilent, SignedTokenRefused
from shared.ports import Clock, Unanswered

MAX_TOKEN_BYTES = 16 * 1024  # Entra ID sends about 2 KiB, with two hundred groups about 8.
LEEWAY = timedelta(seconds=60)  # How far the clocks of two honest parties may differ.

ALGORITHMS = ("RS256", "ES256")  # Public keys alone: whoever can verify must not be able to sign.

_LEEWAY_S = LEEWAY // timedelta(seconds=1)
_TYPES = ("jwt",)
_SHARED = "it is for other audiences as well, so another service could have sent it"


class TokenFlaw(Enum):
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
class ExpectedClaims:
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


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says."""

    values: Mapping[str, object]

    def text(self, name: str) -> str:
        """Return a claim that must be there and be text, or raise `SignedTokenRefused`."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise missing_claim(name)
        return value

    def text_or_empty(self, name: str) -> str:
        """Return a claim that may be missing, or be something else than text."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a claim that is one text or a list of them; none where it is missing."""
        value = self.values.get(name)
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list):
            return ()
        return tuple(each for each in cast(list[object], value) if isinstance(each, str))

    def seconds(self, name: str) -> int:
        """Return a time in seconds since 1970 that must be there, or raise the refusal."""
        value = self.values.get(name)
        # A boolean is a number to Python, and JSON may write a time as 1e9.
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise missing_claim(name)
        if not 0 < value < _MAX_SECONDS:
            raise missing_claim(name)
        return int(value)


async def verify_jwt(
    text: str, expected: ExpectedClaims, *, keys: IssuerKeys, clock: Clock
) -> Claims:
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
    issuer = expected.keys_of or expected.issuer
    # Keys in the header (jwk, x5c) and addresses of keys (jku, x5u) are whatever the sender likes.
    name = header.get("kid", "")
    if not isinstance(name, str):
        raise SignedTokenRefused(TokenFlaw.KEY.value)
    try:
        key = await keys.find(issuer, name, str(header["alg"]))
    except Unanswered:
        raise IssuerSilent(issuer) from None
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


@dataclass(frozen=True, slots=True)
class IdTokenRequest:
    """What was asked of a provider, which its id token has to answer."""

    issuer: str
    client_id: str
    nonce: str
    tenant: str = ""  # Of Entra ID, where one key signs for every tenant there is.


@dataclass(frozen=True, slots=True)
class IdTokenValidator:
    """Validates id tokens in full; the libraries that fetch them do not."""

    issuer_keys: IssuerKeys
    clock: Clock

    async def validate(self, text: str, asked: IdTokenRequest) -> Claims:
        """Return what the token says of the person, or raise `SignedTokenRefused`."""
        expected = ExpectedClaims(
            asked.issuer, (asked.client_id,), ALGORITHMS, shares_audience=True
        )
        claims = await verify_jwt(text, expected, keys=self.issuer_keys, clock=self.clock)
        _check_party(claims, asked.client_id)
        if not hmac.compare_digest(claims.text("nonce").encode(), asked.nonce.encode()):
            raise SignedTokenRefused(TokenFlaw.NONCE.value)
        if asked.tenant and claims.text("tid") != asked.tenant:
            raise SignedTokenRefused(TokenFlaw.TENANT.value)
        return claims


def _check_party(claims: Claims, client_id: str) -> None:
    """Refuse a token that was made for another application, though it names ours as well."""
    party = claims.text_or_empty("azp")
    if party != client_id and (party or len(claims.texts("aud")) > 1):
        raise SignedTokenRefused(TokenFlaw.PARTY.value)


_MAX_SECONDS = 1 << 40  # Some 30,000 years; what is above is no time.


def missing_claim(name: str) -> SignedTokenRefused:
    """Return the refusal of a token without a claim that it needs."""
    return SignedTokenRefused(f"its claim {name} is missing, or is not what it should be")
