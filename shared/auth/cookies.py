"""Cookies: names and attributes, and the cookies of browsers that are not signed in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Self
from urllib.parse import urlsplit

from shared.auth.secrets import Secret, random_text
from shared.auth.signing_keys import SigningKeys
from shared.domain.errors.base import InvalidRequest
from shared.domain.sign_in import needs_https
from shared.ports import Randomness


class SameSite(Enum):
    """Which requests from other sites carry a cookie."""

    LINKS = "Lax"  # Links do, forms do not.
    FORMS = "None"  # Forms do: an identity provider responds with a form.


@dataclass(frozen=True, slots=True)
class Cookie:
    """The name and attributes of a cookie.

    Over https the name begins with `__Host-`, so that browsers accept it from this host only. Over
    http it has another name and is allowed on localhost only.
    """

    name: str
    is_secure: bool
    is_allowed: bool
    same_site: SameSite
    site: str = ""  # The host of the registry's address, with its port.

    @classmethod
    def named(cls, word: str, base_url: str, same_site: SameSite = SameSite.LINKS) -> Self:
        """Return the cookie of the registry at `base_url`."""
        secure = urlsplit(base_url).scheme == "https"
        name = f"__Host-{word}" if secure else f"{word}-local"
        # Browsers take a cookie for forms of other sites over https alone.
        sent_with = same_site if secure else SameSite.LINKS
        site = urlsplit(base_url).netloc
        return cls(name, secure, not needs_https(base_url), sent_with, site)

    def read(self, headers: Mapping[str, str]) -> str:
        """Return the value of the cookie, or an empty text."""
        # The parser of the standard library drops all cookies after an invalid one, and on
        # localhost other programs set theirs.
        for pair in headers.get("cookie", "").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == self.name:
                return value
        return ""

    def is_sent_by_another_site(self, headers: Mapping[str, str]) -> bool:
        """Check whether a page of another origin made the request, according to the browser.

        Forms of our own pages have the origin `null`, because of their referrer policy.
        """
        origin = urlsplit(headers.get("origin", "")).netloc
        return origin not in ("", self.site, headers.get("host", ""))

    def set(self, value: str, lifetime: timedelta) -> Secret:
        """Return the `Set-Cookie` value that sets the cookie.

        Raises `InvalidRequest` over http, except on localhost: the cookie could be intercepted.
        """
        if not self.is_allowed:
            message = (
                "Signing in needs https, and this registry's address begins with http. "
                "Ask the operator to set BALLROOM_URL to an https address."
            )
            raise InvalidRequest(message)
        seconds = lifetime // timedelta(seconds=1)
        return Secret(f"{self.name}={value}; Max-Age={seconds}; {self._attributes}")

    def delete(self) -> Secret:
        return Secret(f"{self.name}=; Max-Age=0; {self._attributes}")

    @property
    def _attributes(self) -> str:
        secure = "; Secure" if self.is_secure else ""
        return f"Path=/; HttpOnly; SameSite={self.same_site.value}{secure}"


BROWSER_LIFETIME = timedelta(hours=1)  # How long a page with a form may stay open.
KNOWN_BROWSER_LIFETIME = timedelta(days=365)  # Since its last sign-in.
BROWSER_NAME_LENGTH = 32

_FORM = re.compile(rf"[0-9A-Za-z]{{{BROWSER_NAME_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class SignInBrowser:
    """The browser of a sign-in: its address, its user agent, and the values of its two cookies."""

    address: str
    agent: str
    name: str
    known_browser_cookie: str


class Browsers:
    """Names a browser by a cookie, and protects the forms that it is shown from cross-site
    requests."""

    def __init__(self, keys: SigningKeys, randomness: Randomness, base_url: str) -> None:
        self._signer = keys.signer("browser")
        self._randomness = randomness
        self._cookie = Cookie.named("ballroom-browser", base_url, SameSite.FORMS)

    async def ready(self) -> None:
        """Wait until there is a signing key; raise `SigningKeyUnavailable`."""
        await self._signer.ready()

    def name_or_create(self, headers: Mapping[str, str]) -> tuple[str, Secret]:
        """Return the browser's name, a new one if it has none, and the `Set-Cookie` value that
        keeps it."""
        # The same name in every tab, so that one sign-in does not break another.
        name = self.name(headers) or random_text(self._randomness, BROWSER_NAME_LENGTH)
        return name, self._cookie.set(name, BROWSER_LIFETIME)

    def name(self, headers: Mapping[str, str]) -> str:
        """Return the browser's name, or an empty text."""
        name = self._cookie.read(headers)
        return name if _FORM.fullmatch(name) else ""

    def csrf_token(self, name: str) -> str:
        return self._signer.sign(name)

    def is_csrf_token_valid(self, name: str, text: str) -> bool:
        return bool(name) and self._signer.verify(name, text)


class KnownBrowsers:
    """Recognizes browsers in which an account was signed in before, by a signed cookie."""

    def __init__(self, keys: SigningKeys, randomness: Randomness, base_url: str) -> None:
        self._signer = keys.signer("device")
        self._randomness = randomness
        # With forms of other sites as well: a provider may answer with one.
        self._cookie = Cookie.named("ballroom-device", base_url, SameSite.FORMS)

    async def ready(self) -> None:
        """Wait until there is a signing key; raise `SigningKeyUnavailable`."""
        await self._signer.ready()

    def read(self, headers: Mapping[str, str]) -> str:
        """Return the value of the cookie, or an empty text."""
        return self._cookie.read(headers)

    def is_known(self, account_id: str, value: str) -> bool:
        """Check whether the account was signed in before in the browser with this cookie value."""
        name, _, signature = value.partition(".")
        return bool(signature) and self._signer.verify(_signed_text(account_id, name), signature)

    def remember(self, account_id: str) -> Secret:
        """Return the `Set-Cookie` value by which the browser will be known."""
        name = random_text(self._randomness, BROWSER_NAME_LENGTH)
        signature = self._signer.sign(_signed_text(account_id, name))
        return self._cookie.set(f"{name}.{signature}", KNOWN_BROWSER_LIFETIME)


def _signed_text(account_id: str, name: str) -> str:
    return f"{account_id}\n{name}"
