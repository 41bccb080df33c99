"""Browsers: the name of one that shows a form, and those in which somebody signed in before."""

import re
from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct

from shared.auth.cookies import Cookie, SameSite
from shared.auth.secrets import Secret, random_text
from shared.auth.signing_keys import SigningKeys
from shared.ports.system import Randomness

BROWSER_LIFETIME = timedelta(hours=1)  # How long a page with a form may stay open.
KNOWN_BROWSER_LIFETIME = timedelta(days=365)  # Since its last sign-in.
BROWSER_NAME_LENGTH = 32
_NAME_FORM = re.compile(rf"[0-9A-Za-z]{{{BROWSER_NAME_LENGTH}}}")


class SignInBrowser(Struct, frozen=True):
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
        return name if _NAME_FORM.fullmatch(name) else ""

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
