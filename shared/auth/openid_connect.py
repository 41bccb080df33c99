"""Sign-in with any OpenID Connect provider and with GitHub.

Both exchange a code for tokens, with PKCE. An id token says who signed in; GitHub issues none: its
API returns the user.
"""

import asyncio
import hashlib
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from enum import Enum
from http import HTTPStatus
from typing import cast
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

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
from shared.auth.secrets import Secret, random_text
from shared.domain.errors.identity import sign_in_failed
from shared.domain.identities import parse_groups
from shared.ports.http_client import HttpClient, HttpResponse, Unanswered
from shared.ports.system import Clock, Randomness

SECRET_LENGTH = 43  # For state, nonce and PKCE verifier: the minimum of PKCE.

# The errors of a client that is unknown or has another secret; the last one is of GitHub.
_CLIENT_REFUSED = frozenset(
    ("invalid_client", "unauthorized_client", "incorrect_client_credentials")
)
NO_CODE = "none"  # A placeholder for a code that was never issued.

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class ClientAuthentication(Enum):
    """Where a token request has the credentials of the client."""

    HEADER = "client_secret_basic"
    FORM = "client_secret_post"


class OAuthClient(Struct, frozen=True):
    """The registration of this registry at a provider."""

    client_id: str
    client_secret: Secret
    # Returns a signed assertion that replaces the secret; it blocks.
    assertion: Callable[[], str] | None = None

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
        return tokens_of(await fetcher.post(endpoint, headers, urlencode(form).encode()))

    async def check(
        self, fetcher: HttpClient, endpoint: str, authentication: ClientAuthentication
    ) -> None:
        """Exchange a code that nobody got; raise `Unanswered` if that is not what is refused."""
        flow = OidcFlow("", "", "0" * SECRET_LENGTH, "")
        tokens = await self.exchange(fetcher, endpoint, flow, NO_CODE, authentication)
        require_known_client(tokens)


def require_known_client(tokens: Mapping[str, object]) -> None:
    """Raise `Unanswered` if the answer refuses the client, and not only the code that it sent."""
    error = str(tokens.get("error", ""))
    if error in _CLIENT_REFUSED:
        message = f"it does not accept the client id and secret of this registry ({error})"
        raise Unanswered(message)


def tokens_of(answer: HttpResponse) -> Mapping[str, object]:
    """Return the tokens or the `error` of a response to a token request; raise `Unanswered`."""
    # Providers refuse with a status of 400 or 401 and an `error`, GitHub with 200.
    status = HTTPStatus.OK if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR else answer.status
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


def check_sender(answer: Mapping[str, str], document: IssuerDocument, label: str) -> None:
    """Refuse a response that names another issuer, or none though its issuer names itself."""
    if answer.get("iss", "" if document.names_itself else document.issuer) != document.issuer:
        raise sign_in_failed(label, "the answer came from another provider")


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
        groups_claim: str,
    ) -> None:
        """Without a name of their claim, groups are not read."""
        self.label = label
        self._groups_claim = groups_claim
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
        # The standard requests a new sign-in by a `max_age` of 0; unlike `prompt`, providers that
        # do not support it ignore it.
        age = {"max_age": "0"} if freshness is Freshness.NEW else {}
        address = self._client.sign_in_address(
            document.authorization, flow, scope="openid profile email", nonce=flow.nonce, **age
        )
        return StartedSignIn(address, flow.state, flow.to_json())

    async def finish(self, flow: str, answer: Mapping[str, str]) -> VerifiedIdentity:
        stored = OidcFlow.parse(flow)
        document = await self._document()
        code = authorization_code(answer, stored.state, self.label)
        check_sender(answer, document, self.label)
        tokens = await self._tokens(document, stored, code)
        if "error" in tokens:
            raise sign_in_failed(self.label, provider_error_text(str(tokens["error"])))
        return await self._person(str(tokens.get("id_token", "")), stored.nonce)

    async def _tokens(
        self, document: IssuerDocument, stored: OidcFlow, code: str
    ) -> Mapping[str, object]:
        with translate_silence(self.label):
            return await self._client.exchange(
                self._fetcher, document.token, stored, code, self._authentication(document)
            )

    def _authentication(self, document: IssuerDocument) -> ClientAuthentication:
        methods = document.client_authentication
        by_form = "client_secret_basic" not in methods and "client_secret_post" in methods
        return ClientAuthentication.FORM if by_form else ClientAuthentication.HEADER

    async def _person(self, id_token: str, nonce: str) -> VerifiedIdentity:
        request = IdTokenRequest(self._issuer, self._client.client_id, nonce)
        claims = await self._id_tokens.validate(id_token, request)
        email = mail_address(claims.text_or_empty("email"))
        name = claims.text_or_empty("name")
        return VerifiedIdentity(
            issuer=self._issuer,
            identifier=claims.text("sub"),
            label=one_line(claims.text_or_empty("preferred_username") or email or name),
            # An unverified address can be anything that somebody typed.
            email=email if claims.values.get("email_verified") is True else "",
            display_name=one_line(name),
            strong=self._strong.met_by(claims),
            authenticated_ms=authenticated_ms(claims, self._clock),
            groups=parse_groups(claims.texts(self._groups_claim)) if self._groups_claim else None,
        )

    async def groups_of(self, identifier: str) -> tuple[str, ...] | None:  # noqa: ARG002 - a port.
        return None

    async def check(self) -> None:
        document = await self._discovery.document(self._issuer)
        (await self._fetcher.get(document.keys, {"Accept": "application/json"})).json_object()
        await self._client.check(self._fetcher, document.token, self._authentication(document))

    async def _document(self) -> IssuerDocument:
        with translate_silence(self.label):
            return await self._discovery.document(self._issuer)


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
        code = authorization_code(answer, stored.state, GITHUB_LABEL)
        with translate_silence(GITHUB_LABEL):
            return await self._person(await self._access_token(stored, code))

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
            raise sign_in_failed(GITHUB_LABEL, provider_error_text(str(tokens["error"])))
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
        login = user.get("login")
        name = user.get("name")
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
    except (ValueError, RecursionError):
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
