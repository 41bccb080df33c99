"""Cookies of this registry."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Self
from urllib.parse import urlsplit

from msgspec import Struct

from shared.auth.secrets import Secret
from shared.domain.errors.base import InvalidRequest
from shared.domain.sign_in import needs_https


class SameSite(Enum):
    """Which requests from other sites carry a cookie."""

    # The cookie is sent when a link of another site is followed, but not with its forms.
    LINKS = "Lax"
    # The cookie is sent with forms of other sites: an identity provider responds with one.
    FORMS = "None"


class Cookie(Struct, frozen=True):
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
        # For forms of other sites, browsers accept cookies only over https.
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

        Forms of our own pages have the origin `null`, because of their referrer policy. An origin
        that cannot be read is another one.
        """
        try:
            origin = urlsplit(headers.get("origin", "")).netloc
        except ValueError:
            return True
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
