"""Signed-in browsers: a cookie that proves itself, and the links that lead to one."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from shared.auth.base62 import random_text
from shared.auth.keys import KeyRing
from shared.auth.secret import Secret
from shared.domain.errors import InvalidRequest, LinkExpired
from shared.domain.identity import ANONYMOUS, Principal
from shared.domain.rights import Grant
from shared.ports import Clock, Randomness, WorkStore

SESSION_LIFETIME = timedelta(hours=12)  # A working day; the cookie cannot be taken back earlier.
LINK_LIFETIME = timedelta(hours=1)  # Long enough to read what a first start prints.
CODE_LENGTH = 32  # 190 bits, like a token.

_KIND = "sign-in"


class Sessions:
    """Signs people in by one-time links and recognizes them by their cookie; no store is asked."""

    def __init__(self, keys: KeyRing, clock: Clock, base_url: str) -> None:
        """Make cookies for the registry at `base_url`."""
        self._signer = keys.signer("session")
        self._clock = clock
        self._secure = urlsplit(base_url).scheme == "https"
        self._allowed = not needs_https(base_url)

    @property
    def cookie_name(self) -> str:
        """Return the cookie's name; browsers keep `__Host-` cookies to one host, on https."""
        return "__Host-ballroom" if self._secure else "ballroom-local"

    def principal(self, headers: Mapping[str, str]) -> Principal:
        """Return who is signed in; `ANONYMOUS` for no cookie, an expired or a forged one."""
        account_id, _, rest = self._cookie(headers).partition(".")
        expires, _, signature = rest.partition(".")
        if not (expires.isascii() and expires.isdigit()):
            return ANONYMOUS
        if not self._signer.verify(f"{account_id}.{expires}", signature):
            return ANONYMOUS
        if int(expires) <= self._clock.now_ms():
            return ANONYMOUS
        return Principal(account_id, "session", (Grant(),))

    def cookie(self, account_id: str) -> Secret:
        """Return the `Set-Cookie` value that signs the account in.

        Raises `InvalidRequest` on plain http, except on this machine: the cookie could be read on
        the way.
        """
        if not self._allowed:
            message = (
                "Signing in needs https, and this registry's address begins with http. "
                "Ask the operator to set BALLROOM_URL to an https address."
            )
            raise InvalidRequest(message)
        lifetime_s = SESSION_LIFETIME // timedelta(seconds=1)
        signed = f"{account_id}.{self._clock.now_ms() + lifetime_s * 1000}"
        value = f"{signed}.{self._signer.sign(signed)}"
        return Secret(f"{self.cookie_name}={value}; Max-Age={lifetime_s}; {self._attributes}")

    def farewell(self) -> str:
        """Return the `Set-Cookie` value that signs out."""
        return f"{self.cookie_name}=; Max-Age=0; {self._attributes}"

    @property
    def _attributes(self) -> str:
        # Lax: a link in a mail or a terminal leads to a signed-in page, a form elsewhere does not.
        return f"Path=/; HttpOnly; SameSite=Lax{'; Secure' if self._secure else ''}"

    def _cookie(self, headers: Mapping[str, str]) -> str:
        # By hand: the parser of the standard library drops all cookies for a bad one, and on
        # localhost every other program of the machine leaves its own.
        for pair in headers.get("cookie", "").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == self.cookie_name:
                return value
        return ""


class SignInLinks:
    """Links that sign an account in, once."""

    def __init__(
        self, work: WorkStore, clock: Clock, randomness: Randomness, *, base_url: str
    ) -> None:
        """Keep what waits to be used in `work`, as a hash."""
        self._work = work
        self._clock = clock
        self._randomness = randomness
        self._base_url = base_url

    async def create(self, account_id: str) -> Secret:
        """Return the address of a page that signs the account in, good for an hour and one use."""
        code = random_text(self._randomness, CODE_LENGTH)
        expires_ms = self._clock.now_ms() + LINK_LIFETIME // timedelta(milliseconds=1)
        await self._work.put(_KIND, _hash(code), account_id, expires_ms)
        return Secret(f"{self._base_url}/sign-in/link/{code}")

    async def redeem(self, code: str) -> str:
        """Return the id of the account that the link is for; raise `LinkExpired` from then on."""
        account_id = await self._work.take(_KIND, _hash(code), self._clock.now_ms())
        if account_id is None:
            raise LinkExpired
        return account_id


def needs_https(base_url: str) -> bool:
    """Say whether nobody may sign in at this address, since others could read along."""
    return urlsplit(base_url).scheme != "https" and not _is_loopback(base_url)


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _is_loopback(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
