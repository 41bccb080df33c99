"""Access tokens of Entra ID: programs and people of the tenant that call without a token of ours.

What they may do is the operator's to say, by their app roles and groups.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.auth.claims import Claims
from shared.auth.jwts import ALGORITHMS, Expected, Flaw, verify_jwt
from shared.auth.keysets import KeySets
from shared.auth.secret import Secret
from shared.domain.accounts import Account, Identity, place_of_identity
from shared.domain.entity import Place
from shared.domain.errors import SignedTokenRefused
from shared.domain.identity import Principal
from shared.domain.rights import ANY, Grant, Holding, Role, Scope
from shared.domain.sign_in_errors import AccountLocked
from shared.ports import Clock, DirectoryStore

CREDENTIAL = "entra:"  # What events and the log call such a token by, before its id.
STRANGER = "entra-"  # Whom they call somebody without an account, before the object id.

_NO_ACCESS = "it is no access token for this registry's API"


class EntraRole(BaseModel):
    """What one app role or group may do, and where."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claim: str = Field(min_length=1)
    org: str = Field(default=ANY, min_length=1)
    role: Role | None = None
    scopes: frozenset[Scope] = Field(min_length=1)


_ROLES = TypeAdapter(tuple[EntraRole, ...])


@dataclass(frozen=True, slots=True)
class EntraRoles:
    """What app roles and groups may do."""

    roles: tuple[EntraRole, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a JSON list; raise `ValueError` with what it has to look like."""
        if not text.strip():
            return cls(())
        try:
            return cls(_ROLES.validate_json(text))
        except ValidationError:
            message = (
                'it is no list such as [{"claim": "Packages.Publish", "org": "acme", '
                '"role": "maintainer", "scopes": ["read", "push-version"]}]'
            )
            raise ValueError(message) from None

    def of(self, claims: Claims) -> "EntraRoles":
        """Return what the roles and groups of a token are mapped to."""
        held = {*claims.texts("roles"), *claims.texts("groups")}
        return EntraRoles(tuple(each for each in self.roles if each.claim in held))

    @property
    def grants(self) -> tuple[Grant, ...]:
        """Return what those without a role allow, with the roles of the account."""
        bare = [each for each in self.roles if each.role is None]
        return tuple(Grant(scopes=each.scopes, org=each.org) for each in bare)

    @property
    def holdings(self) -> tuple[Holding, ...]:
        """Return what those with a role are in organizations, each with its scopes alone."""
        return tuple(
            Holding(org=each.org, role=each.role, scopes=each.scopes)
            for each in self.roles
            if each.role is not None
        )


@dataclass(frozen=True, slots=True)
class EntraTenant:
    """The tenant whose tokens are accepted, and whom they have to be for."""

    authority: str
    tenant: str
    audiences: tuple[str, ...]

    @property
    def issuer(self) -> str:
        """Return who issues tokens of version 2, and shows the keys of both versions."""
        return f"{self.authority}/{self.tenant}/v2.0"

    @property
    def expected(self) -> Expected:
        """Return what a token has to say."""
        # Which version a registration gets is a line of its manifest, and 1 is the default.
        first = f"https://sts.windows.net/{self.tenant}/"
        return Expected(self.issuer, self.audiences, ALGORITHMS, also_issuers=(first,))


@dataclass(frozen=True, slots=True)
class EntraAccess:
    """Tells who sends an access token of the tenant."""

    tenant: EntraTenant
    roles: EntraRoles
    keys: KeySets
    directory: DirectoryStore
    clock: Clock

    async def authenticate(self, text: Secret) -> Principal:
        """Return who sends the token; raise `SignedTokenRefused`, `IssuerSilent`, `AccountLocked`.

        Somebody who has linked the identity to an account acts as that account.
        """
        claims = await verify_jwt(
            text.reveal(), self.tenant.expected, keys=self.keys, clock=self.clock
        )
        _check(claims, self.tenant.tenant)
        mapped = self.roles.of(claims)
        return Principal(
            id=await self._account(claims.text("oid")),
            credential=f"{CREDENTIAL}{claims.text_or_empty('uti')}",
            grants=mapped.grants,
            expires_ms=claims.seconds("exp") * 1000,
            holdings=mapped.holdings,
        )

    async def _account(self, identifier: str) -> str:
        place = place_of_identity(self.tenant.issuer, identifier)
        identity = await self.directory.get(Identity, place)
        if identity is None:
            return f"{STRANGER}{identifier}"
        account = await self.directory.get(Account, Place(identity.account))
        if account is not None and account.is_locked:
            raise AccountLocked(account.name)
        return identity.account


def audiences(client_id: str, configured: Iterable[str]) -> tuple[str, ...]:
    """Return whom access tokens are for: by default the application, in either form."""
    return tuple(configured) or (client_id, f"api://{client_id}")


def _check(claims: Claims, tenant: str) -> None:
    if claims.text("tid") != tenant:
        raise SignedTokenRefused(Flaw.TENANT.value)
    # An id token is for the same audience. It names no application that asked for it, has a nonce,
    # and is seen by everybody who signs somebody in.
    asked = claims.text_or_empty("azp") or claims.text_or_empty("appid")
    if not asked or "nonce" in claims.values:
        raise SignedTokenRefused(_NO_ACCESS)
