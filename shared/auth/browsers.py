"""Browsers that nobody is signed in with yet: what ties a sign-in to the one that began it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.auth.base62 import random_text
from shared.auth.cookies import Cookie, leave
from shared.auth.keys import Keys
from shared.ports import Randomness

BROWSER_LIFETIME = timedelta(hours=1)  # As long as a page with a form may lie open.
DEVICE_LIFETIME = timedelta(days=365)  # A browser that was here within a year is no new one.
NAME_LENGTH = 32

_FORM = re.compile(rf"[0-9A-Za-z]{{{NAME_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A browser that comes to sign in: where it is, what it is, and what was left with it."""

    address: str
    agent: str
    browser: str
    device: str


class Browsers:
    """Names a browser by a cookie, and makes forms that no other browser can send."""

    def __init__(self, keys: Keys, randomness: Randomness, *, cookie: Cookie) -> None:
        """Sign forms with `keys`."""
        self._signer = keys.signer("browser")
        self._randomness = randomness
        self._cookie = cookie

    async def ready(self) -> None:
        """Wait until forms can be signed; raise `SigningKeyUnavailable` where they cannot."""
        await self._signer.ready()

    def named(self, headers: Mapping[str, str]) -> str:
        """Return the browser's name, and leave it a new one where it has none."""
        # The same name for every tab, so that one sign-in does not break another.
        name = self.known(headers) or random_text(self._randomness, NAME_LENGTH)
        leave(self._cookie.set(name, BROWSER_LIFETIME))
        return name

    def known(self, headers: Mapping[str, str]) -> str:
        """Return the browser's name, or an empty text."""
        name = self._cookie.read(headers)
        return name if _FORM.fullmatch(name) else ""

    def csrf(self, name: str) -> str:
        """Return what forms of this browser hold."""
        return self._signer.sign(name)

    def csrf_fits(self, name: str, text: str) -> bool:
        """Say whether a form was shown in this browser."""
        return bool(name) and self._signer.verify(name, text)


class Devices:
    """Tells browsers that an account was signed in with before, by a cookie that proves it."""

    def __init__(self, keys: Keys, randomness: Randomness, *, cookie: Cookie) -> None:
        """Sign with `keys`."""
        self._signer = keys.signer("device")
        self._randomness = randomness
        self._cookie = cookie

    async def ready(self) -> None:
        """Wait until browsers can be told apart; raise `SigningKeyUnavailable`."""
        await self._signer.ready()

    def shown(self, headers: Mapping[str, str]) -> str:
        """Return what the browser shows of earlier visits."""
        return self._cookie.read(headers)

    def knows(self, account_id: str, shown: str) -> bool:
        """Say whether the account was signed in with the browser that shows this."""
        name, _, signature = shown.partition(".")
        return bool(signature) and self._signer.verify(_statement(account_id, name), signature)

    def remember(self, account_id: str) -> None:
        """Leave the browser what it shows when it comes back."""
        name = random_text(self._randomness, NAME_LENGTH)
        signature = self._signer.sign(_statement(account_id, name))
        leave(self._cookie.set(f"{name}.{signature}", DEVICE_LIFETIME))


def _statement(account_id: str, name: str) -> str:
    return f"{account_id}\n{name}"
