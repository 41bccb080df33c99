"""Id tokens: what an OpenID Connect provider signs about the person who just signed in."""

import hmac
from dataclasses import dataclass

from shared.auth.claims import Claims
from shared.auth.jwts import ALGORITHMS, Expected, Flaw, verify_jwt
from shared.auth.keysets import KeySets
from shared.domain.errors import SignedTokenRefused
from shared.ports import Clock


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of a provider, which its id token has to answer."""

    issuer: str
    client_id: str
    nonce: str
    tenant: str = ""  # Of Entra ID, where one key signs for every tenant there is.


@dataclass(frozen=True, slots=True)
class IdTokens:
    """Validates id tokens in full; the libraries that fetch them do not."""

    keys: KeySets
    clock: Clock

    async def validate(self, text: str, asked: Asked) -> Claims:
        """Return what the token says of the person, or raise `SignedTokenRefused`."""
        expected = Expected(asked.issuer, (asked.client_id,), ALGORITHMS, shares_audience=True)
        claims = await verify_jwt(text, expected, keys=self.keys, clock=self.clock)
        _check_party(claims, asked.client_id)
        if not hmac.compare_digest(claims.text("nonce").encode(), asked.nonce.encode()):
            raise SignedTokenRefused(Flaw.NONCE.value)
        if asked.tenant and claims.text("tid") != asked.tenant:
            raise SignedTokenRefused(Flaw.TENANT.value)
        return claims


def _check_party(claims: Claims, client_id: str) -> None:
    """Refuse a token that was made for another application, though it names ours as well."""
    party = claims.text_or_empty("azp")
    if party != client_id and (party or len(claims.texts("aud")) > 1):
        raise SignedTokenRefused(Flaw.PARTY.value)
