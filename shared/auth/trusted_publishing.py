"""Id tokens of CI jobs: the trusted issuers, and the verification of a job's token."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from shared.auth.issuer_keys import IssuerKeys
from shared.auth.secrets import Secret
from shared.auth.signed_tokens import LEEWAY, MAX_TOKEN_BYTES, ExpectedClaims, TokenFlaw, verify_jwt
from shared.domain.errors.identity import SignedTokenRefused
from shared.domain.times import MS
from shared.domain.trusted_publishing.claims import read_job_claims
from shared.domain.trusted_publishing.jobs import (
    Provider,
    VerifiedJob,
    provider_server,
)
from shared.ports import Clock

# The audience of every token of Azure DevOps; it cannot be configured.
AZURE_DEVOPS_AUDIENCE = "api://AzureADTokenExchange"

_UNKNOWN = "this registry takes no jobs of its issuer"


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer whose tokens are accepted for CI jobs."""

    provider: Provider
    issuer: str
    audiences: tuple[str, ...]

    @property
    def server(self) -> str:
        return provider_server(self.provider, self.issuer)


class JobTokenVerifier:
    """Verifies the id tokens of CI jobs."""

    def __init__(self, issuers: Iterable[TrustedIssuer], keys: IssuerKeys, clock: Clock) -> None:
        self._issuers = {each.issuer: each for each in issuers}
        self._keys = keys
        self._clock = clock

    @property
    def servers(self) -> Mapping[Provider, frozenset[str]]:
        return {
            provider: frozenset(
                each.server for each in self._issuers.values() if each.provider is provider
            )
            for provider in Provider
        }

    async def read(self, text: Secret) -> VerifiedJob:
        """Verify the token and return its job.

        Raises `SignedTokenRefused`, `issuer-silent`, or `Untrusted` for a run that never publishes.
        """
        trusted = self._issuers.get(_claimed_issuer(text))
        if trusted is None:
            raise SignedTokenRefused(_UNKNOWN)
        expected = ExpectedClaims(trusted.issuer, trusted.audiences)
        claims = await verify_jwt(text.reveal(), expected, keys=self._keys, clock=self._clock)
        return VerifiedJob(
            job=read_job_claims(trusted.provider, claims.values),
            issuer=trusted.issuer,
            token_id=claims.text("jti"),
            expires_ms=claims.seconds("exp") * 1000 + LEEWAY // MS,
        )


def _claimed_issuer(text: Secret) -> str:
    """Return the unverified issuer of the token, which selects the keys to verify it with."""
    import jwt  # noqa: PLC0415 - takes 90 ms, which a cold start does not need.

    if len(text.reveal()) > MAX_TOKEN_BYTES or not text.reveal().isascii():
        raise SignedTokenRefused(TokenFlaw.LONG.value)
    try:
        decoded = jwt.decode(text.reveal(), options={"verify_signature": False})
    except jwt.PyJWTError:
        raise SignedTokenRefused(TokenFlaw.UNREADABLE.value) from None
    return str(cast(Mapping[str, object], decoded).get("iss", ""))
