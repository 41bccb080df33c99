"""The cookies of this registry: their names, their attributes, and how they are read."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from shared.auth.secret import Secret
from shared.domain.errors import InvalidRequest

# Cookies that leave with the answer to the request under way; the edge hands a list in.
leaving: ContextVar[list[Secret] | None] = ContextVar("leaving", default=None)


class Crossing(Enum):
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
    crossing: Crossing
    site: str = ""  # The host of the registry's address, with its port.

    @classmethod
    def named(cls, word: str, base_url: str, crossing: Crossing = Crossing.LINKS) -> Self:
        """Return the cookie of the registry at `base_url`."""
        secure = urlsplit(base_url).scheme == "https"
        name = f"__Host-{word}" if secure else f"{word}-local"
        # Browsers take a cookie for forms of other sites over https alone.
        sent_with = crossing if secure else Crossing.LINKS
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

    def forget(self) -> Secret:
        """Return the `Set-Cookie` value that takes it back."""
        return Secret(f"{self.name}=; Max-Age=0; {self._attributes}")

    @property
    def _attributes(self) -> str:
        secure = "; Secure" if self.is_secure else ""
        return f"Path=/; HttpOnly; SameSite={self.crossing.value}{secure}"


def leave(cookie: Secret) -> None:
    """Send the cookie with the answer to the request under way."""
    cookies = leaving.get()
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
