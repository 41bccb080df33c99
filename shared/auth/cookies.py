"""Cookies: names and attributes, and the cookies of browsers that are not signed in."""

import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from shared.auth.secrets import Secret, random_text
from shared.auth.signing_keys import SigningKeys
from shared.domain.errors.base import InvalidRequest
from shared.ports import Randomness

# Cookies that leave with the answer to the request under way; the edge hands a list in.
set_cookies: ContextVar[list[Secret] | None] = ContextVar("leaving", default=None)


class SameSite(Enum):
    """With which requests from other sites a cookie is sent."""

    LINKS = "Lax"  # A link leads to a signed-in page, a form elsewhere does not.
    FORMS = "None"  # A provider of identities answers with a form.


@dataclass(frozen=True, slots=True)
class Cookie:
    """One kind of cookie.

    Over https its name begins with `__Host-`, so that browsers take it from this host alone. On
    plain http it has another name, and is set on this machine alone.
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
        """Return its value, or an empty text.

        By hand: the parser of the standard library drops all cookies for a bad one, and on
        localhost every other program of the machine leaves its own.
        """
        for pair in headers.get("cookie", "").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == self.name:
                return value
        return ""

    def is_sent_by_another_site(self, headers: Mapping[str, str]) -> bool:
        """Say whether a page of another origin made the request, as its browser says.

        Forms of our own pages have the origin `null`, since they tell nobody where they lead from.
        """
        origin = urlsplit(headers.get("origin", "")).netloc
        return origin not in ("", self.site, headers.get("host", ""))

    def set(self, value: str, lifetime: timedelta) -> Secret:
        """Return the `Set-Cookie` value that leaves it with a browser.

        Raises `InvalidRequest` on plain http, except on this machine: it could be read on the way.
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
        """Return the `Set-Cookie` value that takes it back."""
        return Secret(f"{self.name}=; Max-Age=0; {self._attributes}")

    @property
    def _attributes(self) -> str:
        secure = "; Secure" if self.is_secure else ""
        return f"Path=/; HttpOnly; SameSite={self.same_site.value}{secure}"


def send_cookie(cookie: Secret) -> None:
    """Send the cookie with the answer to the request under way."""
    cookies = set_cookies.get()
    if cookies is not None:
        cookies.append(cookie)


def needs_https(base_url: str) -> bool:
    """Say whether nobody may sign in at this address, since others could read along."""
    return urlsplit(base_url).scheme != "https" and not _is_loopback(base_url)


def _is_loopback(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


BROWSER_LIFETIME = timedelta(hours=1)  # As long as a page with a form may lie open.
KNOWN_BROWSER_LIFETIME = timedelta(days=365)  # A browser that was here within a year is no new one.
BROWSER_NAME_LENGTH = 32

_FORM = re.compile(rf"[0-9A-Za-z]{{{BROWSER_NAME_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class SignInBrowser:
    """A browser that comes to sign in: where it is, what it is, and what was left with it."""

    address: str
    agent: str
    browser: str
    device: str


class Browsers:
    """Names a browser by a cookie, and makes forms that no other browser can send."""

    def __init__(self, keys: SigningKeys, randomness: Randomness, *, cookie: Cookie) -> None:
        """Sign forms with `keys`."""
        self._signer = keys.signer("browser")
        self._randomness = randomness
        self._cookie = cookie

    async def ready(self) -> None:
        """Wait until forms can be signed; raise `SigningKeyUnavailable` where they cannot."""
        await self._signer.ready()

    def name_or_create(self, headers: Mapping[str, str]) -> str:
        """Return the browser's name, and leave it a new one where it has none."""
        # The same name for every tab, so that one sign-in does not break another.
        name = self.name(headers) or random_text(self._randomness, BROWSER_NAME_LENGTH)
        send_cookie(self._cookie.set(name, BROWSER_LIFETIME))
        return name

    def name(self, headers: Mapping[str, str]) -> str:
        """Return the browser's name, or an empty text."""
        name = self._cookie.read(headers)
        return name if _FORM.fullmatch(name) else ""

    def csrf_token(self, name: str) -> str:
        """Return what forms of this browser hold."""
        return self._signer.sign(name)

    def is_csrf_token_valid(self, name: str, text: str) -> bool:
        """Say whether a form was shown in this browser."""
        return bool(name) and self._signer.verify(name, text)


class KnownBrowsers:
    """Tells browsers that an account was signed in with before, by a cookie that proves it."""

    def __init__(self, keys: SigningKeys, randomness: Randomness, *, cookie: Cookie) -> None:
        """Sign with `keys`."""
        self._signer = keys.signer("device")
        self._randomness = randomness
        self._cookie = cookie

    async def ready(self) -> None:
        """Wait until browsers can be told apart; raise `SigningKeyUnavailable`."""
        await self._signer.ready()

    def read(self, headers: Mapping[str, str]) -> str:
        """Return what the browser shows of earlier visits."""
        return self._cookie.read(headers)

    def is_known(self, account_id: str, shown: str) -> bool:
        """Say whether the account was signed in with the browser that shows this."""
        name, _, signature = shown.partition(".")
        return bool(signature) and self._signer.verify(_statement(account_id, name), signature)

    def remember(self, account_id: str) -> None:
        """Leave the browser what it shows when it comes back."""
        name = random_text(self._randomness, BROWSER_NAME_LENGTH)
        signature = self._signer.sign(_statement(account_id, name))
        send_cookie(self._cookie.set(f"{name}.{signature}", KNOWN_BROWSER_LIFETIME))


def _statement(account_id: str, name: str) -> str:
    return f"{account_id}\n{name}"
