"""Microsoft Entra ID: sign-in through msal, and access tokens of the tenant with their roles."""

import asyncio
import hashlib
import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, cast

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.auth.identity_providers import (
    Freshness,
    LibrarySession,
    StartedSignIn,
    StrongClaims,
    VerifiedIdentity,
    authenticated_ms,
    mail_address,
    one_line,
    reason_of,
)
from shared.auth.issuer_keys import IssuerKeys
from shared.auth.signed_tokens import (
    ALGORITHMS,
    Claims,
    ExpectedClaims,
    IdTokenRequest,
    IdTokenValidator,
    TokenFlaw,
    verify_jwt,
)
from shared.auth.tokens import Secret
from shared.domain.accounts import Account, Identity, identity_place
from shared.domain.errors.identity import (
    SignedTokenRefused,
    account_locked,
    issuer_silent,
    sign_in_failed,
)
from shared.domain.identity import ANY_NAME, Grant, Principal, Role, RoleGrant, Scope
from shared.domain.records import Place
from shared.ports import Clock, DirectoryStore, HttpClient, Unanswered

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


ENTRA_LABEL = "Microsoft Entra ID"

EntraFlow = dict[str, object]


class _Application(Protocol):
    """The part of msal's application that is used here."""

    def initiate_auth_code_flow(self, scopes: list[str], **options: object) -> EntraFlow:
        """Return the flow, which must be stored, with the address to redirect to."""
        ...

    def acquire_token_by_auth_code_flow(
        self, flow: EntraFlow, answer: Mapping[str, str]
    ) -> dict[str, object]:
        """Return tokens that are not validated, or an error."""
        ...


class EntraApplication(Struct, frozen=True):
    """The registration of this registry in a tenant of Entra ID."""

    authority: str  # https://login.microsoftonline.com, or that of a national cloud.
    tenant: str
    client_id: str
    credential: Secret | ClientAssertion  # By a managed identity, without a secret.
    by_form_post: bool  # The code comes in a form, so that no access log holds it.

    @property
    def issuer(self) -> str:
        """The issuer of the tenant's id tokens."""
        return f"{self.authority}/{self.tenant}/v2.0"


class EntraProvider:
    """Signs in the users of one tenant."""

    label = ENTRA_LABEL

    def __init__(
        self,
        application: EntraApplication,
        *,
        fetcher: HttpClient,
        id_tokens: IdTokenValidator,
        strong: StrongClaims,
        clock: Clock,
    ) -> None:
        self._settings = application
        self._fetcher = fetcher
        self._id_tokens = id_tokens
        self._strong = strong
        self._clock = clock
        self._client: _Application | None = None

    async def begin(self, redirect_uri: str, freshness: Freshness) -> StartedSignIn:
        application = await self._application()
        fresh = freshness is Freshness.NEW
        with warnings.catch_warnings():
            # Without https a form of another site carries no cookie, and msal warns about it.
            warnings.simplefilter("ignore", UserWarning)
            flow = application.initiate_auth_code_flow(
                ["email"],
                redirect_uri=redirect_uri,
                prompt="login" if fresh else None,
                response_mode="form_post" if self._settings.by_form_post else "query",
                claims_challenge=self._claims_request() if fresh else None,
            )
        return StartedSignIn(str(flow["auth_uri"]), str(flow["state"]), json.dumps(flow))

    async def finish(self, flow: str, answer: Mapping[str, str]) -> VerifiedIdentity:
        stored = cast(EntraFlow, json.loads(flow))
        application = await self._application()
        try:
            tokens = await asyncio.to_thread(
                application.acquire_token_by_auth_code_flow, stored, dict(answer)
            )
        except Unanswered:
            raise issuer_silent(ENTRA_LABEL) from None
        except (ValueError, RuntimeError, KeyError, IndexError):
            raise sign_in_failed(ENTRA_LABEL, "its answer belongs to another sign-in") from None
        if "error" in tokens:
            raise sign_in_failed(ENTRA_LABEL, reason_of(str(tokens["error"])))
        nonce = hashlib.sha256(str(stored["nonce"]).encode()).hexdigest()  # As msal sends it.
        return await self._person(str(tokens.get("id_token", "")), nonce)

    async def _person(self, id_token: str, nonce: str) -> VerifiedIdentity:
        settings = self._settings
        request = IdTokenRequest(settings.issuer, settings.client_id, nonce, settings.tenant)
        claims = await self._id_tokens.validate(id_token, request)
        return VerifiedIdentity(
            issuer=settings.issuer,
            identifier=claims.text("oid"),  # `sub` differs from one application to the next.
            label=one_line(claims.text_or_empty("preferred_username")),
            email=mail_address(claims.text_or_empty("email")),
            display_name=one_line(claims.text_or_empty("name")),
            strong=self._strong.met_by(claims),
            authenticated_ms=authenticated_ms(claims, self._clock),
        )

    def _claims_request(self) -> str:
        """Return the request for claims that Entra ID omits by default."""
        requested: dict[str, object] = {"auth_time": {"essential": True}}
        contexts = self._strong.values_of("acrs")
        if contexts:
            requested["acrs"] = {"essential": True, "values": contexts}
        return json.dumps({"id_token": requested})

    async def _application(self) -> _Application:
        if self._client is None:
            session = LibrarySession(self._fetcher)
            try:
                self._client = await asyncio.to_thread(self._create_application, session)
            except (Unanswered, ValueError, RuntimeError, KeyError):
                raise issuer_silent(ENTRA_LABEL) from None
        return self._client

    def _create_application(self, session: LibrarySession) -> _Application:
        # The import takes 120 ms, which a cold start does not need.
        import msal  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]

        settings = self._settings
        credential = settings.credential
        return cast(
            _Application,
            msal.ConfidentialClientApplication(
                settings.client_id,
                client_credential=credential.reveal()
                if isinstance(credential, Secret)
                else {"client_assertion": credential},
                oidc_authority=settings.issuer,
                http_client=session,
                token_cache=_empty_token_cache(),
                exclude_scopes=["offline_access"],
            ),
        )


def _empty_token_cache() -> object:
    """Return a cache that stores no token: the registry never acts on behalf of the user."""
    import msal  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]

    class EmptyTokenCache(msal.TokenCache):
        def add(self, event: object, now: object = None) -> None:
            """Store nothing."""

    return EmptyTokenCache()


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
