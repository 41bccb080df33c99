"""Id tokens of sign-ins, and their validation: they belong to the request that was sent."""

import hmac

from msgspec import Struct

from shared.auth.issuer_keys import IssuerKeys
from shared.auth.json_web_tokens import ALGORITHMS, Claims, ExpectedClaims, TokenFlaw, verify_jwt
from shared.domain.errors.identity import SignedTokenRefused
from shared.ports.system import Clock


class IdTokenRequest(Struct, frozen=True):
    """A sign-in request, which the id token must match."""

    issuer: str
    client_id: str
    nonce: str
    # The required tenant of Entra ID, because one of its keys signs for all tenants.
    tenant: str = ""


class IdTokenValidator(Struct, frozen=True):
    """Validates id tokens completely; the libraries that fetch them do not."""

    issuer_keys: IssuerKeys
    clock: Clock

    async def validate(self, text: str, request: IdTokenRequest) -> Claims:
        """Return the claims of the token, or raise `SignedTokenRefused`."""
        expected = ExpectedClaims(
            request.issuer, (request.client_id,), ALGORITHMS, shares_audience=True
        )
        claims = await verify_jwt(text, expected, keys=self.issuer_keys, clock=self.clock)
        _check_authorized_party(claims, request.client_id)
        if not hmac.compare_digest(claims.text("nonce").encode(), request.nonce.encode()):
            raise SignedTokenRefused(TokenFlaw.NONCE.value)
        if request.tenant and claims.text("tid") != request.tenant:
            raise SignedTokenRefused(TokenFlaw.TENANT.value)
        return claims


def _check_authorized_party(claims: Claims, client_id: str) -> None:
    """Refuse a token that was issued to another application, although it names ours as well."""
    party = claims.text_or_empty("azp")
    if party != client_id and (party or len(claims.texts("aud")) > 1):
        raise SignedTokenRefused(TokenFlaw.PARTY.value)
