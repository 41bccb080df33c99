"""Identity providers: what each says about a person, and the HTTP session that their libraries
use.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, Self
from urllib.parse import urlencode

from shared.auth.signed_tokens import Claims
from shared.ports import Clock, HttpClient, HttpResponse, Unanswered

MAX_NAME_LENGTH = 100  # What is shown of a person is one short line.
MAX_EMAIL_LENGTH = 254  # What SMTP can carry.


class Freshness(Enum):
    """Whether an earlier sign-in at the provider is good enough."""

    ANY = "any"
    NEW = "new"  # The person has to show there again who they are.


@dataclass(frozen=True, slots=True)
class StartedSignIn:
    """A sign-in that goes on at the provider: where, and what to keep until it comes back."""

    address: str
    state: str  # Comes back with the answer, and finds the rest.
    flow: str  # JSON; it holds secrets, so it never leaves the registry.


@dataclass(frozen=True, slots=True)
class VerifiedIdentity:
    """What a provider says of the person who just signed in.

    Issuer and identifier name the person for ever. Mail address and names change hands, and are for
    show and for notices alone.
    """

    issuer: str
    identifier: str
    label: str
    email: str
    display_name: str
    strong: bool
    authenticated_ms: int


class IdentityProvider(Protocol):
    """Somebody whose word on who a person is counts here.

    Both methods raise `SignInFailed`, or `IssuerSilent` when the provider does not answer.
    """

    @property
    def label(self) -> str:
        """Return the name that people know it by."""
        ...

    async def begin(self, redirect_uri: str, freshness: Freshness) -> StartedSignIn:
        """Begin a sign-in that leads back to `redirect_uri`."""
        ...

    async def finish(self, flow: str, answer: Mapping[str, str]) -> VerifiedIdentity:
        """Return who signed in, from what was kept and what came back. It succeeds once."""
        ...


@dataclass(frozen=True, slots=True)
class StrongClaims:
    """The claims of an id token that tell a sign-in which cannot be phished."""

    pairs: frozenset[tuple[str, str]]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `claim=value` pairs with commas between them; raise `ValueError` for others."""
        split = [pair.strip().partition("=") for pair in text.split(",") if pair.strip()]
        if any(not name or not value for name, _, value in split):
            message = "it is no list such as amr=fido,acr=phr"
            raise ValueError(message)
        return cls(frozenset((name.strip(), value.strip()) for name, _, value in split))

    def met_by(self, claims: Claims) -> bool:
        """Say whether the token has one of the claims."""
        return any(value in claims.texts(name) for name, value in self.pairs)

    def values_of(self, claim: str) -> list[str]:
        """Return which values of this claim count."""
        return sorted(value for name, value in self.pairs if name == claim)


def one_line(text: str, length: int = MAX_NAME_LENGTH) -> str:
    """Return what can be shown of a text that somebody else wrote."""
    shown = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(shown.split())[:length].strip()


def mail_address(text: str) -> str:
    name, _, domain = text.strip().rpartition("@")
    readable = text.isascii() and text.isprintable() and " " not in text.strip()
    return text.strip() if name and domain and readable and len(text) <= MAX_EMAIL_LENGTH else ""


def reason_of(error: str) -> str:
    """Return a provider's code of an error as a reason that a person can read."""
    if error in ("access_denied", "consent_required", "interaction_required"):
        return "you did not agree, or the provider does not let you in here"
    # The code alone: texts in an address are whoever's who made the address.
    known = error.isascii() and error.replace("_", "").isalnum() and len(error) <= _MAX_CODE
    return f"the provider answered {error}" if known else "the provider answered with an error"


_MAX_CODE = 40


def authenticated_ms(claims: Claims, clock: Clock) -> int:
    """Return when the person last showed the provider who they are; now, if it does not say."""
    if "auth_time" not in claims.values:
        return clock.now_ms()
    return min(claims.seconds("auth_time") * 1000, clock.now_ms())


_FORM = "application/x-www-form-urlencoded"
_FAILED = 400


class LibraryAuth(Protocol):
    """What authlib adds to a request so that the provider knows the client."""

    def prepare(
        self, method: str, uri: str, headers: dict[str, str], body: str
    ) -> tuple[str, dict[str, str], str]:
        """Return address, headers and body with it."""
        ...


@dataclass(frozen=True, slots=True)
class LibraryResponse:
    """An answer in the shape that the libraries read."""

    fetched: HttpResponse

    @property
    def status_code(self) -> int:
        return self.fetched.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self.fetched.headers

    @property
    def text(self) -> str:
        """Return the body."""
        return self.fetched.body.decode("utf-8", "replace")

    def json(self) -> object:
        """Return the body as JSON, or raise `ValueError`."""
        return json.loads(self.text)

    def raise_for_status(self) -> None:
        """Raise `Unanswered` for a failure."""
        if self.fetched.status >= _FAILED:
            message = f"the answer was {self.fetched.status}"
            raise Unanswered(message)


class LibrarySession:
    """The part of a `requests` session that msal and authlib use.

    Its methods wait for the loop that made it, so they are for other threads.
    """

    def __init__(self, fetcher: HttpClient) -> None:
        """Ask through `fetcher`, on the loop that runs now."""
        self._fetcher = fetcher
        self._loop = asyncio.get_running_loop()

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_options: object,
    ) -> LibraryResponse:
        """Return what is at the address."""
        request = self._fetcher.get(_with(url, params), dict(headers or {}))
        return LibraryResponse(asyncio.run_coroutine_threadsafe(request, self._loop).result())

    def post(
        self,
        url: str,
        data: Mapping[str, object] | str | None = None,
        headers: Mapping[str, str] | None = None,
        auth: LibraryAuth | None = None,
        *,
        params: Mapping[str, str] | None = None,
        **_options: object,
    ) -> LibraryResponse:
        """Send a form."""
        body = data if isinstance(data, str) else urlencode(data or {})
        sent = {"Content-Type": _FORM, "Accept": "application/json", **(headers or {})}
        if auth is not None:
            url, sent, body = auth.prepare("POST", url, sent, body)
        request = self._fetcher.post(_with(url, params), sent, body.encode())
        return LibraryResponse(asyncio.run_coroutine_threadsafe(request, self._loop).result())

    def close(self) -> None:
        """Keep nothing open."""


def _with(url: str, params: Mapping[str, str] | None) -> str:
    if not params:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(params)}"
