"""Sign-in with any OpenID Connect provider and with GitHub.

Both exchange a code for tokens, with PKCE. An id token says who signed in; GitHub issues none: its
API returns the user. Microsoft Entra ID is a provider of OpenID Connect with ways of its own.
"""

import asyncio
import hashlib
import hmac
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import cast
from urllib.parse import quote, urlencode

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.identity_providers import (
    Freshness,
    StartedSignIn,
    StrongClaims,
    VerifiedIdentity,
    authenticated_ms,
    mail_address,
    one_line,
    reason_of,
)
from shared.auth.issuer_keys import IssuerDiscovery, IssuerDocument
from shared.auth.signed_tokens import Claims, IdTokenRequest, IdTokenValidator
from shared.auth.tokens import Secret, random_text
from shared.domain.accounts import parse_groups
from shared.domain.directory_locks import DirectoryAnswer, DirectoryState
from shared.domain.errors.identity import issuer_silent, sign_in_failed
from shared.ports import Clock, HttpClient, HttpResponse, Randomness, Unanswered
from shared.runtime.caching import ReportFailure, ignore_failure

SECRET_LENGTH = 43  # For state, nonce and PKCE verifier: the minimum of PKCE.

# The errors of a client that is unknown or has another secret; the last one is of GitHub.
_CLIENT_REFUSED = frozenset(
    ("invalid_client", "unauthorized_client", "incorrect_client_credentials")
)
_OK, _NOT_FOUND, _SERVER_ERROR = 200, 404, 500
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class ClientAuthentication(Enum):
    """Where a token request has the credentials of the client."""

    HEADER = "client_secret_basic"
    FORM = "client_secret_post"


class OAuthClient(Struct, frozen=True):
    """The registration of this registry at a provider."""

    client_id: str
    client_secret: Secret
    assertion: Callable[[], str] | None = None  # In place of a secret; blocks.

    def sign_in_address(self, endpoint: str, flow: "OidcFlow", **parameters: str) -> str:
        """Return the address to redirect to: a request for a code, with PKCE."""
        challenge = hashlib.sha256(flow.code_verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": flow.redirect_uri,
            "state": flow.state,
            "code_challenge": urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
            **parameters,
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    async def exchange(
        self,
        fetcher: HttpClient,
        endpoint: str,
        flow: "OidcFlow",
        code: str,
        authentication: ClientAuthentication,
    ) -> Mapping[str, object]:
        """Exchange a code for tokens; a refusal is returned as `error`. Raises `Unanswered`."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": flow.redirect_uri,
            "code_verifier": flow.code_verifier,
        }
        return await self.request_tokens(fetcher, endpoint, form, authentication)

    async def request_tokens(
        self,
        fetcher: HttpClient,
        endpoint: str,
        form: dict[str, str],
        authentication: ClientAuthentication,
    ) -> Mapping[str, object]:
        """Send a token request with the credentials of the client; as `exchange`."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        secret = self.client_secret.reveal()
        if self.assertion is not None:
            form["client_id"] = self.client_id
            form["client_assertion_type"] = _ASSERTION_TYPE
            form["client_assertion"] = await asyncio.to_thread(self.assertion)
        elif secret and authentication is ClientAuthentication.HEADER:
            pair = b64encode(f"{self.client_id}:{secret}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        else:
            form["client_id"] = self.client_id
            form.update({"client_secret": secret} if secret else {})
        return _tokens(await fetcher.post(endpoint, headers, urlencode(form).encode()))

    async def check(
        self, fetcher: HttpClient, endpoint: str, authentication: ClientAuthentication
    ) -> None:
        """Exchange a code that nobody got; raise `Unanswered` if that is not what is refused."""
        flow = OidcFlow("", "", "0" * SECRET_LENGTH, "")
        tokens = await self.exchange(fetcher, endpoint, flow, "none", authentication)
        error = str(tokens.get("error", ""))
        if error in _CLIENT_REFUSED:
            message = f"it does not accept the client id and secret of this registry ({error})"
            raise Unanswered(message)


def _tokens(answer: HttpResponse) -> Mapping[str, object]:
    # Providers refuse with a status of 400 or 401 and an `error`, GitHub with 200.
    status = _OK if answer.status < _SERVER_ERROR else answer.status
    return replace(answer, status=status).json_object()


class OidcFlow(Struct, frozen=True):
    """The state of a sign-in that is stored until the provider responds."""

    state: str
    nonce: str
    code_verifier: str
    redirect_uri: str

    @classmethod
    def new(cls, redirect_uri: str, randomness: Randomness) -> "OidcFlow":
        """Return a flow with new random secrets."""
        state, nonce, verifier = (random_text(randomness, SECRET_LENGTH) for _ in range(3))
        return cls(state, nonce, verifier, redirect_uri)

    @classmethod
    def parse(cls, text: str) -> "OidcFlow":
        return cls(**cast(dict[str, str], json.loads(text)))

    def to_json(self) -> str:
        return json.dumps({name: getattr(self, name) for name in self.__struct_fields__})

    def code_of(self, answer: Mapping[str, str], label: str) -> str:
        """Return the code of a response to this sign-in, or raise `sign-in-failed`."""
        if not hmac.compare_digest(answer.get("state", "").encode(), self.state.encode()):
            raise sign_in_failed(label, "its answer belongs to another sign-in")
        if "error" in answer:
            raise sign_in_failed(label, reason_of(answer["error"]))
        if not answer.get("code"):
            raise sign_in_failed(label, "its answer holds no code")
        return answer["code"]


ENTRA_LABEL = "Microsoft Entra ID"
_NO_GROUPS = "the answer holds no groups"
_NO_STATE = "the answer does not say whether the person is enabled"
_REFUSED = (401, 403)
_NOT_PERMITTED = "Microsoft Graph refuses it; the application needs the permission User.Read.All"
_ASKED_AT_ONCE = 16  # Microsoft Graph takes far more from an application.
_NO_PERSON = "00000000-0000-0000-0000-000000000000"


class EntraSignIn(Struct, frozen=True):
    """How people of one tenant of Entra ID sign in."""

    tenant: str
    by_form_post: bool  # The code comes in a form, so that no access log holds it.

    def parameters(self, strong: StrongClaims, freshness: Freshness) -> dict[str, str]:
        """Return what a request for a code says besides; Entra ID omits some claims by default."""
        mode = {"response_mode": "form_post" if self.by_form_post else "query"}
        if freshness is not Freshness.NEW:
            return mode
        requested: dict[str, object] = {"auth_time": {"essential": True}}
        if contexts := strong.values_of("acrs"):
            requested["acrs"] = {"essential": True, "values": contexts}
        return {**mode, "prompt": "login", "claims": json.dumps({"id_token": requested})}


class OidcProvider:
    """Signs people in with an OpenID Connect provider."""

    def __init__(
        self,
        issuer: str,
        label: str,
        client: OAuthClient,
        *,
        discovery: IssuerDiscovery,
        fetcher: HttpClient,
        id_tokens: IdTokenValidator,
        strong: StrongClaims,
        clock: Clock,
        randomness: Randomness,
        entra: EntraSignIn | None = None,
        groups_claim: str = "",
        graph: str = "",
        asks_states: bool = False,
        groups_unread: ReportFailure = ignore_failure,
    ) -> None:
        """Without a name of their claim, groups are not read. `graph` is the address of Microsoft
        Graph; call `groups_unread` with the label and the reason when it does not say them. It is
        asked whether people are enabled if `asks_states`."""
        self.label = label
        self._entra = entra
        self._groups_claim = groups_claim
        self._graph = graph
        self._asks_states = asks_states
        self._groups_unread = groups_unread
        self._issuer = issuer
        self._client = client
        self._discovery = discovery
        self._fetcher = fetcher
        self._id_tokens = id_tokens
        self._strong = strong
        self._clock = clock
        self._randomness = randomness

    async def begin(self, redirect_uri: str, freshness: Freshness) -> StartedSignIn:
        document = await self._document()
        flow = OidcFlow.new(redirect_uri, self._randomness)
        if self._entra is not None:
            own = self._entra.parameters(self._strong, freshness)
        else:
            # The standard requests a new sign-in by a `max_age` of 0; unlike `prompt`, providers
            # that do not support it ignore it.
            own = {"max_age": "0"} if freshness is Freshness.NEW else {}
        address = self._client.sign_in_address(
            document.authorization, flow, scope="openid profile email", nonce=flow.nonce, **own
        )
        return StartedSignIn(address, flow.state, flow.to_json())

    async def finish(self, flow: str, answer: Mapping[str, str]) -> VerifiedIdentity:
        stored = OidcFlow.parse(flow)
        document = await self._document()
        code = stored.code_of(answer, self.label)
        if answer.get("iss", "" if document.names_itself else self._issuer) != self._issuer:
            raise sign_in_failed(self.label, "the answer came from another provider")
        tokens = await self._tokens(document, stored, code)
        if "error" in tokens:
            raise sign_in_failed(self.label, reason_of(str(tokens["error"])))
        return await self._person(str(tokens.get("id_token", "")), stored.nonce)

    async def _tokens(
        self, document: IssuerDocument, stored: OidcFlow, code: str
    ) -> Mapping[str, object]:
        try:
            return await self._client.exchange(
                self._fetcher, document.token, stored, code, self._authentication(document)
            )
        except Unanswered as failure:
            raise issuer_silent(self.label, failure.trouble) from None

    def _authentication(self, document: IssuerDocument) -> ClientAuthentication:
        methods = document.client_authentication
        by_form = "client_secret_basic" not in methods and "client_secret_post" in methods
        by_form = by_form or self._entra is not None
        return ClientAuthentication.FORM if by_form else ClientAuthentication.HEADER

    async def _person(self, id_token: str, nonce: str) -> VerifiedIdentity:
        tenant = self._entra.tenant if self._entra else ""
        request = IdTokenRequest(self._issuer, self._client.client_id, nonce, tenant)
        claims = await self._id_tokens.validate(id_token, request)
        email = mail_address(claims.text_or_empty("email"))
        name = claims.text_or_empty("name")
        # `sub` of Entra ID differs from one application to the next.
        identifier = claims.text("oid" if self._entra else "sub")
        return VerifiedIdentity(
            issuer=self._issuer,
            identifier=identifier,
            label=one_line(claims.text_or_empty("preferred_username") or email or name),
            # An unverified address can be anything that somebody typed; a tenant knows its own.
            email=email if self._entra or claims.values.get("email_verified") is True else "",
            display_name=one_line(name),
            strong=self._strong.met_by(claims),
            authenticated_ms=authenticated_ms(claims, self._clock),
            groups=await self._groups(claims, identifier),
        )

    async def groups_of(self, identifier: str) -> tuple[str, ...] | None:
        if not (self._graph and self._groups_claim):
            return None
        try:
            return await self._groups_by_graph(identifier)
        except Unanswered as failure:
            self._groups_unread(self.label, str(failure))
            return None

    def says_states(self, issuer: str) -> bool:
        return self._asks_states and issuer == self._issuer

    async def states_of(self, identifiers: Sequence[str]) -> list[DirectoryAnswer]:
        try:
            headers = {"Authorization": f"Bearer {await self._graph_token()}"}
        except Unanswered as failure:
            return [DirectoryAnswer(None, str(failure))] * len(identifiers)
        gate = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def ask(identifier: str) -> DirectoryAnswer:
            async with gate:
                try:
                    return DirectoryAnswer(await self._state_of(identifier, headers))
                except Unanswered as failure:
                    return DirectoryAnswer(None, str(failure))

        return await asyncio.gather(*map(ask, identifiers))

    async def check(self) -> None:
        document = await self._discovery.document(self._issuer)
        (await self._fetcher.get(document.keys, {"Accept": "application/json"})).json_object()
        await self._client.check(self._fetcher, document.token, self._authentication(document))
        if self._asks_states:
            # Refused without the permission, also for somebody who does not exist.
            headers = {"Authorization": f"Bearer {await self._graph_token()}"}
            await self._state_of(_NO_PERSON, headers)
        elif self._graph and self._groups_claim:
            await self._graph_token()

    async def _state_of(self, identifier: str, headers: Mapping[str, str]) -> DirectoryState:
        """Ask Microsoft Graph about a person; raise `Unanswered` unless the answer is about that
        person."""
        url = f"{self._graph}/v1.0/users/{quote(identifier, safe='')}?$select=accountEnabled"
        answer = await self._fetcher.get(url, headers)
        if answer.status in _REFUSED:
            raise Unanswered(_NOT_PERMITTED)
        if _is_gone(answer):
            return DirectoryState.GONE
        enabled = answer.json_object().get("accountEnabled")
        if not isinstance(enabled, bool):
            raise Unanswered(_NO_STATE)
        return DirectoryState.ENABLED if enabled else DirectoryState.DISABLED

    async def _groups_by_graph(self, identifier: str) -> tuple[str, ...]:
        """Return all security groups that a person is in, also by other groups; none for somebody
        who left. Raises `Unanswered`."""
        headers = {
            "Authorization": f"Bearer {await self._graph_token()}",
            "Content-Type": "application/json",
        }
        # Never the address in a token with too many groups: it is of an earlier service.
        url = f"{self._graph}/v1.0/users/{quote(identifier, safe='')}/getMemberObjects"
        answer = await self._fetcher.post(url, headers, b'{"securityEnabledOnly": true}')
        if _is_gone(answer):
            return ()
        groups = answer.json_object().get("value")
        if not isinstance(groups, list):
            raise Unanswered(_NO_GROUPS)
        return parse_groups(e for e in cast(list[object], groups) if isinstance(e, str))

    async def _graph_token(self) -> str:
        """Return a token of this registry for Microsoft Graph; raise `Unanswered`."""
        endpoint = (await self._discovery.document(self._issuer)).token
        form = {"grant_type": "client_credentials", "scope": f"{self._graph}/.default"}
        tokens = await self._client.request_tokens(
            self._fetcher, endpoint, form, ClientAuthentication.FORM
        )
        if "access_token" not in tokens:
            message = f"no token for Microsoft Graph: {reason_of(str(tokens.get('error', '')))}"
            raise Unanswered(message)
        return str(tokens["access_token"])

    async def _groups(self, claims: Claims, identifier: str) -> tuple[str, ...] | None:
        if not self._groups_claim:
            return None
        roles = claims.texts("roles") if self._entra else ()
        if not (self._entra and _is_too_long(claims)):
            return parse_groups(claims.texts(self._groups_claim), roles)
        read = await self.groups_of(identifier)
        return None if read is None else parse_groups(read, roles)

    async def _document(self) -> IssuerDocument:
        try:
            return await self._discovery.document(self._issuer)
        except Unanswered as failure:
            raise issuer_silent(self.label, failure.trouble) from None


def _is_gone(answer: HttpResponse) -> bool:
    """Check whether Microsoft Graph says that there is no such person. A 404 alone may be that of a
    wrong address or of a proxy."""
    if answer.status != _NOT_FOUND:
        return False
    try:
        error = replace(answer, status=_OK).json_object().get("error")
    except Unanswered:
        return False
    code = cast(dict[str, object], error).get("code") if isinstance(error, dict) else None
    return code == "Request_ResourceNotFound"


def _is_too_long(claims: Claims) -> bool:
    """Check whether Entra ID left the groups out of the token, because there are too many."""
    names = claims.values.get("_claim_names")
    return claims.values.get("hasgroups") is True or (isinstance(names, dict) and "groups" in names)


GITHUB_LABEL = "GitHub"
GITHUB_URL = "https://github.com"
_PUBLIC_API = "https://api.github.com"
_NOBODY = "the answer names nobody"


class GitHubProvider:
    """Signs people in with GitHub or GitHub Enterprise Server.

    GitHub does not say when or how somebody signed in: the time of its response counts, and the
    sign-in is never a strong one.
    """

    label = GITHUB_LABEL

    def __init__(
        self,
        address: str,
        client: OAuthClient,
        *,
        fetcher: HttpClient,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._address = address
        self._api = _PUBLIC_API if address == GITHUB_URL else f"{address}/api/v3"
        self._client = client
        self._fetcher = fetcher
        self._clock = clock
        self._randomness = randomness

    async def begin(self, redirect_uri: str, freshness: Freshness) -> StartedSignIn:
        flow = OidcFlow.new(redirect_uri, self._randomness)
        prompt = {"prompt": "select_account"} if freshness is Freshness.NEW else {}
        address = self._client.sign_in_address(
            f"{self._address}/login/oauth/authorize", flow, scope="read:user user:email", **prompt
        )
        return StartedSignIn(address, flow.state, flow.to_json())

    async def finish(self, flow: str, answer: Mapping[str, str]) -> VerifiedIdentity:
        stored = OidcFlow.parse(flow)
        code = stored.code_of(answer, GITHUB_LABEL)
        try:
            return await self._person(await self._access_token(stored, code))
        except Unanswered as failure:
            raise issuer_silent(GITHUB_LABEL, failure.trouble) from None

    def says_states(self, issuer: str) -> bool:  # noqa: ARG002 - a port.
        return False

    async def states_of(self, identifiers: Sequence[str]) -> list[DirectoryAnswer]:
        return [DirectoryAnswer(None)] * len(identifiers)

    async def groups_of(self, identifier: str) -> tuple[str, ...] | None:  # noqa: ARG002 - a port.
        return None

    async def check(self) -> None:
        endpoint = f"{self._address}/login/oauth/access_token"
        await self._client.check(self._fetcher, endpoint, ClientAuthentication.FORM)

    async def _access_token(self, stored: OidcFlow, code: str) -> str:
        endpoint = f"{self._address}/login/oauth/access_token"
        tokens = await self._client.exchange(
            self._fetcher, endpoint, stored, code, ClientAuthentication.FORM
        )
        if "error" in tokens:
            raise sign_in_failed(GITHUB_LABEL, reason_of(str(tokens["error"])))
        return str(tokens.get("access_token", ""))

    async def _person(self, access_token: str) -> VerifiedIdentity:
        headers = {
            "Authorization": f"Bearer {access_token}",
            "Accept": "application/vnd.github+json",
            "User-Agent": "Ballroom",  # GitHub refuses requests without one.
        }
        user = (await self._fetcher.get(f"{self._api}/user", headers)).json_object()
        emails = await self._fetcher.get(f"{self._api}/user/emails", headers)
        number = user.get("id")
        # The number stays when the login is renamed, and somebody else can take the old login.
        if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
            raise Unanswered(_NOBODY)
        login, name = user.get("login"), user.get("name")
        return VerifiedIdentity(
            issuer=self._address,
            identifier=str(number),
            label=one_line(str(login or "")),
            email=_primary(emails),
            display_name=one_line(str(name or login or "")),
            strong=False,
            authenticated_ms=self._clock.now_ms(),
        )


def _primary(fetched: HttpResponse) -> str:
    """Return the verified primary address, or an empty text."""
    try:
        entries: object = json.loads(fetched.body)
    except ValueError:
        return ""
    if not isinstance(entries, list):
        return ""
    for entry in cast(list[object], entries):
        match entry:
            case {"email": str(email), "primary": True, "verified": True}:
                return mail_address(email)
            case _:
                continue
    return ""
