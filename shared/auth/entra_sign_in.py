"""Sign-in with Microsoft Entra ID through msal, Microsoft's own library.

msal makes the request for a code, with PKCE, state and nonce, and exchanges the code. It does not
validate id tokens; that is done here, as for every provider.
"""

import asyncio
import hashlib
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar, cast
from urllib.parse import urlencode

from msgspec import Struct

from shared.auth.id_tokens import IdTokenRequest, IdTokenValidator
from shared.auth.identity_providers import (
    Freshness,
    StartedSignIn,
    StrongClaims,
    VerifiedIdentity,
    authenticated_ms,
    authorization_code,
    mail_address,
    one_line,
    provider_error_text,
)
from shared.auth.issuer_keys import IssuerDiscovery, IssuerDocument, translate_silence
from shared.auth.json_web_tokens import Claims, TokenFlaw
from shared.auth.microsoft_graph import MicrosoftGraph
from shared.auth.openid_connect import (
    NO_CODE,
    SECRET_LENGTH,
    OAuthClient,
    check_sender,
    require_known_client,
    tokens_of,
)
from shared.domain.directory_locks import DirectoryAnswer
from shared.domain.errors.identity import SignedTokenRefused, sign_in_failed
from shared.domain.identities import parse_groups
from shared.ports.http_client import HttpClient, Unanswered
from shared.ports.system import Clock
from shared.runtime.refreshed_values import ReportFailure

T = TypeVar("T")

ENTRA_LABEL = "Microsoft Entra ID"
_SCOPES = ["email"]  # msal adds openid and profile.
_UNUSABLE = "its discovery document names no addresses that can be used"
_OTHER_ADDRESS = "msal asks another address than that of the discovery document"

EntraFlow = dict[str, object]  # What msal needs when the person returns.


class EntraRegistration(Struct, frozen=True):
    """The registration of this registry in a tenant of Entra ID."""

    authority: str  # https://login.microsoftonline.com, or that of a national cloud.
    tenant: str
    client: OAuthClient
    by_form_post: bool  # The code comes in a form, so that no access log holds it.

    @property
    def issuer(self) -> str:
        """The issuer of the tenant's id tokens."""
        return f"{self.authority}/{self.tenant}/v2.0"


class _Application(Protocol):
    """The part of msal's application that is used here."""

    def initiate_auth_code_flow(self, scopes: list[str], **options: object) -> EntraFlow:
        """Return the flow to store, with the address to redirect to."""
        ...

    def acquire_token_by_auth_code_flow(
        self, auth_code_flow: EntraFlow, auth_response: dict[str, str]
    ) -> dict[str, object]:
        """Return tokens that are not validated, or an error."""
        ...


class EntraProvider:
    """Signs in the people of one tenant."""

    label = ENTRA_LABEL

    def __init__(
        self,
        registration: EntraRegistration,
        *,
        discovery: IssuerDiscovery,
        fetcher: HttpClient,
        id_tokens: IdTokenValidator,
        strong: StrongClaims,
        clock: Clock,
        graph: MicrosoftGraph,
        reads_groups: bool,
        asks_states: bool,
        on_unread_groups: ReportFailure,
    ) -> None:
        """`graph` says the groups of people between sign-ins if `reads_groups`, and whether people
        are enabled if `asks_states`. Call `on_unread_groups` with the label and the reason when it
        does not say groups."""
        self._registration = registration
        self._client = registration.client
        self._issuer = registration.issuer
        self._discovery = discovery
        self._fetcher = fetcher
        self._id_tokens = id_tokens
        self._strong = strong
        self._clock = clock
        self._graph = graph
        self._reads_groups = reads_groups
        self._asks_states = asks_states
        self._on_unread_groups = on_unread_groups

    async def begin(self, redirect_uri: str, freshness: Freshness) -> StartedSignIn:
        is_new = freshness is Freshness.NEW
        by_form_post = self._registration.by_form_post
        if not by_form_post:
            # msal warns about it. Without https a form of another site carries no cookie.
            warnings.filterwarnings("ignore", "response_mode=", UserWarning)

        def initiate(application: _Application) -> EntraFlow:
            return application.initiate_auth_code_flow(
                _SCOPES,
                redirect_uri=redirect_uri,
                prompt="login" if is_new else None,
                response_mode="form_post" if by_form_post else "query",
                claims_challenge=self._requested_claims() if is_new else None,
            )

        document = await self._document()
        with translate_silence(self.label):
            flow = await self._with_application(document, initiate)
        return StartedSignIn(str(flow["auth_uri"]), str(flow["state"]), json.dumps(flow))

    async def finish(self, flow: str, answer: Mapping[str, str]) -> VerifiedIdentity:
        stored = cast(EntraFlow, json.loads(flow))
        code = authorization_code(answer, str(stored["state"]), self.label)
        document = await self._document()
        check_sender(answer, document, self.label)
        with translate_silence(self.label):
            tokens = await self._exchange(document, stored, code)
        if "error" in tokens:
            raise sign_in_failed(self.label, provider_error_text(str(tokens["error"])))
        nonce = hashlib.sha256(str(stored["nonce"]).encode()).hexdigest()  # As msal sends it.
        return await self._person(str(tokens.get("id_token", "")), nonce)

    async def groups_of(self, identifier: str) -> tuple[str, ...] | None:
        if not self._reads_groups:
            return None
        try:
            return await self._graph.groups_of(identifier)
        except Unanswered as failure:
            self._on_unread_groups(self.label, str(failure))
            return None

    def covers(self, issuer: str) -> bool:
        return self._asks_states and issuer == self._issuer

    async def account_states(self, identifiers: Sequence[str]) -> list[DirectoryAnswer]:
        return await self._graph.account_states(identifiers)

    async def check(self) -> None:
        document = await self._discovery.document(self._issuer)
        (await self._fetcher.get(document.keys, {"Accept": "application/json"})).json_object()
        tokens = await self._exchange(document, _no_flow(), NO_CODE)
        require_known_client(tokens)
        if self._asks_states:
            await self._graph.check_states()
        elif self._reads_groups:
            await self._graph.token()

    async def _exchange(
        self, document: IssuerDocument, flow: EntraFlow, code: str
    ) -> Mapping[str, object]:
        """Exchange a code for tokens that are not validated; a refusal is returned as `error`.
        Raises `Unanswered`."""
        # Nothing else of what the browser sends reaches msal, which puts `client_info` in a header.
        answer = {"state": str(flow["state"]), "code": code}
        return await self._with_application(
            document, lambda each: each.acquire_token_by_auth_code_flow(flow, answer)
        )

    async def _with_application(
        self, document: IssuerDocument, call: Callable[[_Application], T]
    ) -> T:
        """Call msal in a thread, since it blocks; raise `Unanswered`.

        The application and its caches end with the call: no token outlives it, and discovery
        documents are cached with those of all issuers.
        """
        session = _Session(self._fetcher, document, asyncio.get_running_loop())
        return await asyncio.to_thread(lambda: _answered(call, session, self._registration))

    def _requested_claims(self) -> str:
        """Return the request for claims that Entra ID omits by default."""
        requested: dict[str, object] = {"auth_time": {"essential": True}}
        if contexts := self._strong.values_of("acrs"):
            requested["acrs"] = {"essential": True, "values": contexts}
        return json.dumps({"id_token": requested})

    async def _person(self, id_token: str, nonce: str) -> VerifiedIdentity:
        tenant = self._registration.tenant
        request = IdTokenRequest(self._issuer, self._client.client_id, nonce, tenant)
        claims = await self._id_tokens.validate(id_token, request)
        email = mail_address(claims.text_or_empty("email"))  # A tenant knows its own addresses.
        name = claims.text_or_empty("name")
        identifier = claims.text("oid")  # `sub` differs from one application to the next.
        return VerifiedIdentity(
            issuer=self._issuer,
            identifier=identifier,
            label=one_line(claims.text_or_empty("preferred_username") or email or name),
            email=email,
            display_name=one_line(name),
            strong=self._strong.met_by(claims),
            authenticated_ms=authenticated_ms(claims, self._clock),
            groups=await self._groups(claims, identifier),
        )

    async def _groups(self, claims: Claims, identifier: str) -> tuple[str, ...] | None:
        if not self._reads_groups:
            return None
        roles = claims.texts("roles")
        if not _is_too_long(claims):
            return parse_groups(claims.texts("groups"), roles)
        read = await self.groups_of(identifier)
        return None if read is None else parse_groups(read, roles)

    async def _document(self) -> IssuerDocument:
        with translate_silence(self.label):
            return await self._discovery.document(self._issuer)


def _is_too_long(claims: Claims) -> bool:
    """Check whether Entra ID left the groups out of the token, because there are too many."""
    names = claims.values.get("_claim_names")
    return claims.values.get("hasgroups") is True or (isinstance(names, dict) and "groups" in names)


def _no_flow() -> EntraFlow:
    """Return the flow of a sign-in that nobody began."""
    verifier = "0" * SECRET_LENGTH
    return {"state": NO_CODE, "nonce": "", "code_verifier": verifier, "redirect_uri": ""}


def _answered(
    call: Callable[[_Application], T], session: "_Session", registration: EntraRegistration
) -> T:
    """Call msal; raise `Unanswered`, or `SignedTokenRefused` for a token that msal refuses."""
    application = _application(session, registration)
    try:
        return call(application)
    except RecursionError:
        raise SignedTokenRefused(TokenFlaw.UNREADABLE.value) from None
    except RuntimeError:  # msal compares the nonce of a token that is not validated yet.
        raise SignedTokenRefused(TokenFlaw.NONCE.value) from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise SignedTokenRefused(TokenFlaw.UNREADABLE.value) from None


def _application(session: "_Session", registration: EntraRegistration) -> _Application:
    # The import takes 200 ms, which a cold start does not need.
    import msal  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]

    client = registration.client
    credential = {"client_assertion": client.assertion} if client.assertion else None
    try:
        application = msal.ConfidentialClientApplication(
            client.client_id,
            client_credential=credential or client.client_secret.reveal(),
            authority=f"{registration.authority}/{registration.tenant}",
            instance_discovery=False,  # No other server says whether it is an authority.
            azure_region=False,  # The environment names no other address.
            http_client=session,
            exclude_scopes=["offline_access"],
        )
    except (ValueError, LookupError):
        raise Unanswered(_UNUSABLE) from None
    return cast(_Application, application)


class _Session:
    """The part of a session of `requests` that msal uses, over the registry's own HTTP client.

    Its methods block until `loop` has sent the request, so another thread calls them.
    """

    def __init__(
        self, fetcher: HttpClient, document: IssuerDocument, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._fetcher = fetcher
        self._document = document
        self._loop = loop

    def get(self, url: str, **_options: object) -> "_Response":
        """Return the discovery document, which is read and checked already."""
        if url != f"{self._document.issuer}/.well-known/openid-configuration":
            raise Unanswered(_OTHER_ADDRESS)
        endpoints = {
            "issuer": self._document.issuer,
            "authorization_endpoint": self._document.authorization,
            "token_endpoint": self._document.token,
        }
        return _Response(200, json.dumps(endpoints))

    def post(
        self, url: str, *, data: Mapping[str, str], headers: Mapping[str, str], **_options: object
    ) -> "_Response":
        """Send a token request; raise `Unanswered`."""
        sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        request = self._fetcher.post(url, sent, urlencode(data).encode())
        answer = asyncio.run_coroutine_threadsafe(request, self._loop).result()
        return _Response(answer.status, json.dumps(tokens_of(answer)))

    def close(self) -> None:
        """Do nothing: the HTTP client stays open."""


class _Response(Struct, frozen=True):
    """A response with the attributes that msal reads."""

    status_code: int
    text: str
    headers: Mapping[str, str] = {}

    def raise_for_status(self) -> None:
        """Do nothing: an error of the server is raised before msal sees it."""
