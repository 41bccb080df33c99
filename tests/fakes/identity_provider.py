"""An identity provider for tests: discovery, sign-in with code and PKCE, keys, signed tokens.

One issuer is Entra-shaped, OpenID-Connect-shaped and GitHub-shaped at once. In process a
`FakeInternet` fetches from it; `tests.support.server.served_app(issuer.app, at=socket)` serves it.

    issuer = Issuer("https://login.test")
    token = issuer.sign({"aud": "ballroom", "sub": "repo:acme/greet:ref:refs/heads/main"})
"""

import base64
import hashlib
import os
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from shared.ports.http_client import HttpResponse, Unanswered
from tests.paths import ROOT

CLIENT_ID = "11111111-2222-3333-4444-555555555555"
CLIENT_SECRET = "the secret of the client"
LIFETIME_S = 3600
OK = 200
NOBODY = "00000000-0000-0000-0000-000000000000"
RSA_KEYS = ROOT / ".test-results" / "rsa-keys"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(number: int, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return the same key for the same number in this process. It is kept for other processes,
    because making one takes a tenth of a second; one of them may have made another."""
    file = RSA_KEYS / f"{number}-of-{bits}-bits.pem"
    with suppress(FileNotFoundError, ValueError):  # It is not there, or not whole.
        # To check a key takes as long as to make one.
        key = serialization.load_pem_private_key(
            file.read_bytes(), None, unsafe_skip_rsa_key_validation=True
        )
        assert isinstance(key, rsa.RSAPrivateKey)
        return key
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    file.parent.mkdir(parents=True, exist_ok=True)
    own = file.with_suffix(f".{os.getpid()}")
    own.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    own.replace(file)
    return key


@cache
def ec_key(number: int) -> ec.EllipticCurvePrivateKey:  # noqa: ARG001 - a cache key.
    """Return the same key for the same number."""
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: PrivateKey) -> bytes:
    """Return the public half as text, as an attacker has it."""
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def jwk(key: PrivateKey, name: str, **more: Any) -> dict[str, Any]:
    """Return the public half as an entry of a key set."""
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    read = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    return {**read, "kid": name, "use": "sig", "alg": algorithm, **more}


@dataclass
class Somebody:
    """Who signs in next, and what the provider says of them beside `sub`, `name` and `email`."""

    subject: str = "subject-of-kim"
    name: str = "Kim Larsen"
    email: str = "kim@example.org"
    claims: dict[str, Any] = field(default_factory=dict[str, Any])
    github_id: int = 583_231


@dataclass
class Issuer:
    """The provider; what it does next is in its fields."""

    url: str = "https://login.test"
    now_s: Callable[[], float] = time.time
    person: Somebody = field(default_factory=Somebody)
    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    keys: dict[str, PrivateKey] = field(default_factory=lambda: {"key-1": rsa_key(1)})
    codes: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    calls: list[str] = field(default_factory=list[str])
    change_token: Callable[[str], str] = lambda token: token
    refusal: str = "invalid_grant"  # What it says of a code that it does not exchange.
    names_itself: bool = False
    client_authentication: list[str] = field(default_factory=list[str])
    graph_groups: list[str] | None = field(default_factory=list[str])  # None: no such person.
    # Whether people are enabled, by their ids; all others are. None: no such person.
    graph_accounts: dict[str, bool | None] = field(default_factory=dict[str, bool | None])
    graph_status: int = 200

    def sign(
        self, claims: Mapping[str, Any], *, key: str = "", headers: Mapping[str, Any] | None = None
    ) -> str:
        """Return a token with these claims; issuer and times are added, and None leaves one out."""
        name = key or list(self.keys)[-1]
        now = int(self.now_s())
        whole = {"iss": self.url, "iat": now, "nbf": now, "exp": now + LIFETIME_S, **claims}
        kept = {claim: value for claim, value in whole.items() if value is not None}
        algorithm = "RS256" if isinstance(self.keys[name], rsa.RSAPrivateKey) else "ES256"
        return jwt.encode(
            kept, self.keys[name], algorithm=algorithm, headers={"kid": name, **(headers or {})}
        )

    def rotate(self) -> None:
        """Sign with a new key from now on, and show only that one."""
        number = len(self.keys) + int(list(self.keys)[-1].rpartition("-")[2])
        self.keys = {f"key-{number}": rsa_key(number)}

    def id_token(self, nonce: str, **claims: Any) -> str:
        """Return an id token of the person who signs in."""
        person = self.person
        return self.sign(
            {
                "aud": self.client_id,
                "sub": person.subject,
                "name": person.name,
                "email": person.email,
                "nonce": nonce,
                **person.claims,
                **claims,
            }
        )

    @property
    def app(self) -> Starlette:
        """Return the provider as an application."""
        return Starlette(
            routes=[
                Route("/{tenant:path}/.well-known/openid-configuration", self._discovery),
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/keys", self._keys),
                Route("/authorize", self._authorize),
                Route("/v1.0/users/{id}/getMemberObjects", self._member_objects, methods=["POST"]),
                Route("/v1.0/users/{id}", self._graph_user),
                Route("/token", self._token, methods=["POST"]),
                Route("/login/oauth/authorize", self._authorize),
                Route("/login/oauth/access_token", self._token, methods=["POST"]),
                Route("/user", self._user),
                Route("/api/v3/user", self._user),
                Route("/api/v3/user/emails", self._emails),
            ]
        )

    async def _discovery(self, request: Request) -> Response:
        self.calls.append("discovery")
        root = self._root
        return JSONResponse(
            {
                "issuer": self.url,
                "jwks_uri": f"{root}/keys",
                "authorization_endpoint": f"{root}/authorize",
                "token_endpoint": f"{root}/token",
                "userinfo_endpoint": f"{root}/user",
                "token_endpoint_auth_methods_supported": self.client_authentication,
                "authorization_response_iss_parameter_supported": self.names_itself,
            }
        )

    async def _keys(self, request: Request) -> Response:
        self.calls.append("keys")
        return JSONResponse({"keys": [jwk(key, name) for name, key in self.keys.items()]})

    async def _authorize(self, request: Request) -> Response:
        """Let the person in at once: they have a session, or hold the right key."""
        self.calls.append("authorize")
        asked = dict(request.query_params)
        code = f"code-{len(self.calls)}"  # Never the same, since calls are never forgotten.
        self.codes[code] = asked
        answer = {"code": code, "state": asked.get("state", "")}
        if self.names_itself:
            answer["iss"] = self.url
        if asked.get("response_mode") == "form_post":
            return HTMLResponse(_form(asked["redirect_uri"], answer))
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}")

    async def _token(self, request: Request) -> Response:
        self.calls.append("token")
        sent = {
            name: values[0] for name, values in parse_qs((await request.body()).decode()).items()
        }
        if sent.get("grant_type") == "client_credentials" and self._is_client(request, sent):
            return JSONResponse({"access_token": f"graph of {sent['scope']}"})
        if not self._is_exchange(request, sent):
            return JSONResponse({"error": "invalid_request"}, 400)
        asked = self.codes.pop(sent.get("code", ""), None)
        if asked is None or not self._fits(asked, sent) or not self._is_client(request, sent):
            status = 200 if "access_token" in request.url.path else 400
            return JSONResponse({"error": self.refusal}, status)
        token = {"access_token": "access-token", "token_type": "Bearer", "expires_in": 3600}
        if "openid" in asked.get("scope", ""):
            token["id_token"] = self.change_token(self.id_token(asked.get("nonce", "")))
        return JSONResponse(token)

    def _is_exchange(self, request: Request, sent: Mapping[str, str]) -> bool:
        """Say whether it is a form that exchanges a code, from somebody who reads JSON."""
        kind = request.headers.get("content-type", "").partition(";")[0]
        form = kind == "application/x-www-form-urlencoded"
        reads = request.headers.get("accept") == "application/json"
        return form and reads and sent.get("grant_type") == "authorization_code"

    def _fits(self, asked: Mapping[str, str], sent: Mapping[str, str]) -> bool:
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return (
            asked.get("code_challenge_method") == "S256"
            and asked.get("code_challenge") == challenge
            and asked.get("redirect_uri") == sent.get("redirect_uri")
        )

    def _is_client(self, request: Request, sent: Mapping[str, str]) -> bool:
        if sent.get("client_assertion"):
            return sent.get("client_id") == self.client_id
        basic = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        by_header = request.headers.get("authorization") == f"Basic {basic}"
        if by_header and self.client_authentication != ["client_secret_post"]:
            return True
        pair = (sent.get("client_id"), sent.get("client_secret"))
        return pair == (self.client_id, self.client_secret)

    async def _member_objects(self, request: Request) -> Response:
        """Say the groups of a person to an application that has a token for this service."""
        self.calls.append(f"groups of {request.path_params['id']}")
        if request.headers.get("authorization") != f"Bearer graph of {self._root}/.default":
            return JSONResponse({"error": {"code": "InvalidAuthenticationToken"}}, 401)
        if self.graph_groups is None:
            return JSONResponse({"error": {"code": "Request_ResourceNotFound"}}, 404)
        asked = await request.json()
        assert asked == {"securityEnabledOnly": True}
        return JSONResponse({"value": self.graph_groups}, self.graph_status)

    async def _graph_user(self, request: Request) -> Response:
        """Say whether a person is enabled to an application that has a token for this service."""
        person = request.path_params["id"]
        self.calls.append(f"account of {person}")
        if request.headers.get("authorization") != f"Bearer graph of {self._root}/.default":
            return JSONResponse({"error": {"code": "InvalidAuthenticationToken"}}, 401)
        assert dict(request.query_params) == {"$select": "accountEnabled"}
        if self.graph_status != OK:
            return JSONResponse({"error": {"code": "UnknownError"}}, self.graph_status)
        enabled = self.graph_accounts.get(person, True)
        if enabled is None or self.graph_groups is None or person == NOBODY:
            return JSONResponse({"error": {"code": "Request_ResourceNotFound"}}, 404)
        return JSONResponse({"accountEnabled": enabled})

    async def _user(self, request: Request) -> Response:
        self.calls.append("user")
        person = self.person
        if request.headers.get("authorization") != "Bearer access-token":
            return JSONResponse({"message": "Requires authentication"}, 401)
        return JSONResponse(
            {"id": person.github_id, "login": "kim", "name": person.name, "sub": person.subject}
        )

    async def _emails(self, request: Request) -> Response:
        self.calls.append("emails")
        return JSONResponse(
            [
                {"email": "old@example.org", "primary": False, "verified": True},
                {"email": self.person.email, "primary": True, "verified": True},
            ]
        )

    @property
    def _root(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


def _form(target: str, answer: Mapping[str, str]) -> str:
    fields = "".join(f'<input name="{name}" value="{text}">' for name, text in answer.items())
    return f'<form method="post" action="{target}">{fields}</form>'


def answer_of(page: httpx.Response, target: str) -> dict[str, str]:
    """Return what a browser brings from the issuer's page to `target`, by address or by form."""
    if page.is_redirect:
        address, _, query = page.headers["location"].partition("?")
        assert address == target
        return {name: values[0] for name, values in parse_qs(query).items()}
    assert f'action="{target}"' in page.text
    return dict(re.findall(r'<input name="(\w+)" value="([^"]*)">', page.text))


@dataclass
class FakeInternet:
    """A `HttpClient` that reaches these issuers by the host of their address, and nobody else."""

    issuers: list[Issuer] = field(default_factory=list[Issuer])
    is_down: bool = False
    asked: list[str] = field(default_factory=list[str])
    replaced: dict[str, bytes] = field(default_factory=dict[str, bytes])  # Answers, by address.

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """Return what the issuer has at the address."""
        return await self._send("GET", url, headers, b"")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Send a body to the issuer."""
        return await self._send("POST", url, headers, body)

    async def browse(self, url: str) -> httpx.Response:
        """Open the issuer's page as a person's browser does."""
        async with self._client(url) as client:
            return await client.get(url)

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse:
        self.asked.append(url)
        if self.is_down:
            raise Unanswered("the cable is cut")  # noqa: TRY003 - a fake.
        if url in self.replaced:
            return HttpResponse(OK, {}, self.replaced[url])
        async with self._client(url) as client:
            answer = await client.request(method, url, headers=headers, content=body)
        return HttpResponse(answer.status_code, dict(answer.headers), answer.content)

    def _client(self, url: str) -> httpx.AsyncClient:
        host = urlsplit(url).netloc
        found = [each for each in self.issuers if urlsplit(each.url).netloc == host]
        if not found:
            raise Unanswered(host)
        return httpx.AsyncClient(transport=httpx.ASGITransport(found[0].app))
