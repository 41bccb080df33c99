"""Microsoft Entra ID: the identity of the app there, and access tokens of the tenant with their
roles. People sign in with it as with any provider of OpenID Connect."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.auth.issuer_keys import IssuerKeys
from shared.auth.signed_tokens import ALGORITHMS, Claims, ExpectedClaims, TokenFlaw, verify_jwt
from shared.auth.tokens import Secret
from shared.domain.accounts import Account, Identity, identity_place
from shared.domain.errors.identity import SignedTokenRefused, account_locked
from shared.domain.identity import ANY_NAME, Grant, Principal, Role, RoleGrant, Scope
from shared.domain.records import Place
from shared.ports import Clock, DirectoryStore, Unanswered

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

ClientAssertion = Callable[[], str]
AppIdentity = Callable[[], "AsyncTokenCredential"]

_PATIENCE_SECONDS = 5  # The endpoint of managed identities is local, and a person waits.


def app_identity() -> "AsyncTokenCredential":
    """Return the credential of the app: the managed identity that AZURE_CLIENT_ID names, by default
    the one of the system; on the machine of a developer, who is signed in there."""
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - takes 100 ms.

    return DefaultAzureCredential()


async def bearer(resource: str, identity: AppIdentity = app_identity) -> str:
    """Return the header that authorizes requests to a service, or raise `Unanswered`."""
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - as above.

    try:
        async with identity() as credential:
            return f"Bearer {(await credential.get_token(f'{resource}/.default')).token}"
    except AzureError as failure:
        raise Unanswered(type(failure).__name__) from None


def managed_identity(client_id: str) -> ClientAssertion:
    """Return a credential of an application of Entra ID from a managed identity; `system` is the
    system-assigned one. The function blocks, and raises `Unanswered`."""

    def assertion() -> str:
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - as above.
        from azure.core.pipeline.transport import RequestsTransport  # noqa: PLC0415
        from azure.identity import ManagedIdentityCredential  # noqa: PLC0415

        named = None if client_id == "system" else client_id
        # No proxy of the environment may see the response.
        transport = RequestsTransport(use_env_settings=False)
        try:
            with ManagedIdentityCredential(
                client_id=named,
                transport=transport,
                connection_timeout=_PATIENCE_SECONDS,
                read_timeout=_PATIENCE_SECONDS,
                retry_total=0,
            ) as credential:
                return credential.get_token("api://AzureADTokenExchange/.default").token
        except AzureError as failure:
            raise Unanswered(type(failure).__name__) from None

    return assertion


# Access tokens of Entra ID: programs and users of the tenant call the registry without a token of
# ours. The operator maps their app roles and groups to rights.

ENTRA_CREDENTIAL = "entra:"  # Before the id of such a token in events and logs.
UNKNOWN_PERSON_PREFIX = "entra-"  # Before the object id of a caller without an account.

_NO_ACCESS = "it is no access token for this registry's API"


class EntraRole(BaseModel):
    """The rights of one app role or group."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    claim: str = Field(min_length=1)
    org: str = Field(default=ANY_NAME, min_length=1)
    role: Role | None = None
    scopes: frozenset[Scope] = Field(min_length=1)


_ROLES = TypeAdapter(tuple[EntraRole, ...], config=ConfigDict(defer_build=True))


@dataclass(frozen=True, slots=True)
class EntraRoles:
    """The rights of app roles and groups."""

    roles: tuple[EntraRole, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a JSON list; raise `ValueError` with an example."""
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
        held = {*claims.texts("roles"), *claims.texts("groups")}
        return EntraRoles(tuple(each for each in self.roles if each.claim in held))

    @property
    def grants(self) -> tuple[Grant, ...]:
        """The grants of the mappings without a role; the roles of the account apply."""
        without_role = [each for each in self.roles if each.role is None]
        return tuple(Grant(scopes=each.scopes, org=each.org) for each in without_role)

    @property
    def holdings(self) -> tuple[RoleGrant, ...]:
        """The roles in organizations, each limited to its scopes."""
        return tuple(
            RoleGrant(org=each.org, role=each.role, scopes=each.scopes)
            for each in self.roles
            if each.role is not None
        )


class EntraTenant(Struct, frozen=True):
    """The tenant whose tokens are accepted, and their audiences."""

    authority: str
    tenant: str
    audiences: tuple[str, ...]

    @property
    def issuer(self) -> str:
        """The issuer of version 2 tokens, which publishes the keys of both versions."""
        return f"{self.authority}/{self.tenant}/v2.0"

    @property
    def expected(self) -> ExpectedClaims:
        # The manifest of the registration sets the version; the default is 1.
        first = f"https://sts.windows.net/{self.tenant}/"
        return ExpectedClaims(self.issuer, self.audiences, ALGORITHMS, also_issuers=(first,))


class EntraAccess(Struct, frozen=True):
    """Authenticates callers by access tokens of the tenant."""

    tenant: EntraTenant
    roles: EntraRoles
    issuer_keys: IssuerKeys
    directory: DirectoryStore
    clock: Clock

    async def authenticate(self, text: Secret) -> Principal:
        """Return the caller; raise `SignedTokenRefused`, `issuer-silent` or `account-locked`.

        A caller whose identity is linked to an account acts as that account.
        """
        claims = await verify_jwt(
            text.reveal(), self.tenant.expected, keys=self.issuer_keys, clock=self.clock
        )
        _check(claims, self.tenant.tenant)
        mapped = self.roles.of(claims)
        return Principal(
            id=await self._account(claims.text("oid")),
            credential=f"{ENTRA_CREDENTIAL}{claims.text_or_empty('uti')}",
            grants=mapped.grants,
            expires_ms=claims.seconds("exp") * 1000,
            role_grants=mapped.holdings,
        )

    async def _account(self, identifier: str) -> str:
        place = identity_place(self.tenant.issuer, identifier)
        identity = await self.directory.get(Identity, place)
        if identity is None:
            return f"{UNKNOWN_PERSON_PREFIX}{identifier}"
        account = await self.directory.get(Account, Place(identity.account))
        if account is not None and account.is_locked:
            raise account_locked(account.name)
        return identity.account


def audiences(client_id: str, configured: Iterable[str]) -> tuple[str, ...]:
    """Return the accepted audiences: by default the client id, in both forms."""
    return tuple(configured) or (client_id, f"api://{client_id}")


def _check(claims: Claims, tenant: str) -> None:
    if claims.text("tid") != tenant:
        raise SignedTokenRefused(TokenFlaw.TENANT.value)
    # An id token has the same audience, but names no requesting application and has a nonce. Every
    # application that signs users in sees theirs.
    application = claims.text_or_empty("azp") or claims.text_or_empty("appid")
    if not application or "nonce" in claims.values:
        raise SignedTokenRefused(_NO_ACCESS)
