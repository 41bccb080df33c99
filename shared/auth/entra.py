"""Signing in with Entra ID: msal does the exchange, the id token is validated here."""

import asyncio
import hashlib
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from shared.auth.claims import Claims
from shared.auth.fetching import FetchingSession
from shared.auth.idtokens import Asked, IdTokens
from shared.auth.providers import (
    Begun,
    Freshness,
    SignedIn,
    StrongClaims,
    mail_address,
    one_line,
    reason_of,
)
from shared.auth.secret import Secret
from shared.domain.errors import IssuerSilent
from shared.domain.sign_in_errors import SignInFailed
from shared.ports import Clock, Fetcher, Unanswered

LABEL = "Microsoft Entra ID"

_IDENTITY_SECONDS = 5  # The endpoint is on the machine, and a person waits.
_NO_IDENTITY = "the managed identity has no token"

Assertion = Callable[[], str]  # Proves the application with a managed identity, without a secret.
Flow = dict[str, object]


class _Application(Protocol):
    """The part of msal's application that is used here."""

    def initiate_auth_code_flow(self, scopes: list[str], **options: object) -> Flow:
        """Return what to keep, with the address to go to."""
        ...

    def acquire_token_by_auth_code_flow(
        self, flow: Flow, answer: Mapping[str, str]
    ) -> dict[str, object]:
        """Return tokens that nobody has validated, or an error."""
        ...


@dataclass(frozen=True, slots=True)
class EntraApplication:
    """The registration of this registry in a tenant of Entra ID."""

    authority: str  # https://login.microsoftonline.com, or that of a national cloud.
    tenant: str
    client_id: str
    credential: Secret | Assertion
    by_form_post: bool  # Answers come in a form, so that no log of addresses holds the code.

    @property
    def issuer(self) -> str:
        """Return who signs the id tokens of the tenant."""
        return f"{self.authority}/{self.tenant}/v2.0"


class EntraProvider:
    """Signs in the people of one tenant."""

    label = LABEL

    def __init__(
        self,
        application: EntraApplication,
        *,
        fetcher: Fetcher,
        id_tokens: IdTokens,
        strong: StrongClaims,
        clock: Clock,
    ) -> None:
        """Speak for the application, over `fetcher`."""
        self._settings = application
        self._fetcher = fetcher
        self._id_tokens = id_tokens
        self._strong = strong
        self._clock = clock
        self._known: _Application | None = None

    async def begin(self, redirect_uri: str, freshness: Freshness) -> Begun:
        """Begin a sign-in that leads back to `redirect_uri`."""
        application = await self._application()
        fresh = freshness is Freshness.NEW
        with warnings.catch_warnings():
            # Without https no cookie comes along with a form of another site, and msal warns of it.
            warnings.simplefilter("ignore", UserWarning)
            flow = application.initiate_auth_code_flow(
                ["email"],
                redirect_uri=redirect_uri,
                prompt="login" if fresh else None,
                response_mode="form_post" if self._settings.by_form_post else "query",
                claims_challenge=self._wanted() if fresh else None,
            )
        return Begun(str(flow["auth_uri"]), str(flow["state"]), json.dumps(flow))

    async def finish(self, flow: str, answer: Mapping[str, str]) -> SignedIn:
        """Return who signed in."""
        kept = cast(Flow, json.loads(flow))
        application = await self._application()
        try:
            tokens = await asyncio.to_thread(
                application.acquire_token_by_auth_code_flow, kept, dict(answer)
            )
        except Unanswered:
            raise IssuerSilent(LABEL) from None
        except (ValueError, RuntimeError, KeyError, IndexError):
            raise SignInFailed(LABEL, "its answer belongs to another sign-in") from None
        if "error" in tokens:
            raise SignInFailed(LABEL, reason_of(str(tokens["error"])))
        nonce = hashlib.sha256(str(kept["nonce"]).encode()).hexdigest()  # As msal sends it.
        return await self._person(str(tokens.get("id_token", "")), nonce)

    async def _person(self, id_token: str, nonce: str) -> SignedIn:
        settings = self._settings
        asked = Asked(settings.issuer, settings.client_id, nonce, settings.tenant)
        claims = await self._id_tokens.validate(id_token, asked)
        return SignedIn(
            issuer=settings.issuer,
            identifier=claims.text("oid"),  # `sub` differs from one application to the next.
            label=one_line(claims.text_or_empty("preferred_username")),
            email=mail_address(claims.text_or_empty("email")),
            display_name=one_line(claims.text_or_empty("name")),
            strong=self._strong.met_by(claims),
            authenticated_ms=authenticated_ms(claims, self._clock),
        )

    def _wanted(self) -> str:
        """Return the request for claims that Entra ID leaves out unless it is asked."""
        wanted: dict[str, object] = {"auth_time": {"essential": True}}
        contexts = self._strong.values_of("acrs")
        if contexts:
            wanted["acrs"] = {"essential": True, "values": contexts}
        return json.dumps({"id_token": wanted})

    async def _application(self) -> _Application:
        if self._known is None:
            session = FetchingSession(self._fetcher)
            try:
                self._known = await asyncio.to_thread(self._made, session)
            except (Unanswered, ValueError, RuntimeError, KeyError):
                raise IssuerSilent(LABEL) from None
        return self._known

    def _made(self, session: FetchingSession) -> _Application:
        # It costs 120 ms, which a cold start has no use for.
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
                token_cache=_forgetful(),
                exclude_scopes=["offline_access"],
            ),
        )


def authenticated_ms(claims: Claims, clock: Clock) -> int:
    """Return when the person last showed the provider who they are; now, if it does not say."""
    if "auth_time" not in claims.values:
        return clock.now_ms()
    return min(claims.seconds("auth_time") * 1000, clock.now_ms())


def managed_identity(client_id: str) -> Assertion:
    """Return what proves the application by a managed identity; `system` is the machine's own."""

    def assertion() -> str:
        import msal  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]
        import requests  # noqa: PLC0415 - as above.

        identity = (
            msal.SystemAssignedManagedIdentity()
            if client_id == "system"
            else msal.UserAssignedManagedIdentity(client_id=client_id)
        )
        # The machine's own endpoint is inside by design, so the guarded fetcher is not for it; and
        # a proxy that some variable names is not to see what it answers.
        with requests.Session() as session:
            session.trust_env = False
            client = msal.ManagedIdentityClient(identity, http_client=_Endpoint(session.get))
            return _token_of(client)

    return assertion


class _Identity(Protocol):
    """The part of msal's client of managed identities that is used here."""

    def acquire_token_for_client(self, *, resource: str) -> dict[str, object]:
        """Return a token, or an error."""
        ...


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """What msal asks the machine through, for no longer than a person waits."""

    ask: Callable[..., object]

    def get(self, url: str, **options: object) -> object:
        return self.ask(url, **{**options, "timeout": _IDENTITY_SECONDS})


def _token_of(client: object) -> str:
    identity = cast(_Identity, client)
    answer = identity.acquire_token_for_client(resource="api://AzureADTokenExchange")
    if "access_token" not in answer:
        raise Unanswered(_NO_IDENTITY)
    return str(answer["access_token"])


def _forgetful() -> object:
    """Return a cache that keeps no token: nothing is done in the name of those who sign in."""
    import msal  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]

    class Forgetful(msal.TokenCache):
        def add(self, event: object, now: object = None) -> None:
            """Keep nothing."""

    return Forgetful()
