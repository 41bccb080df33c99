"""Sign-in: whether an address allows it, sessions of browsers, sign-in attempts at an identity
provider, where a sign-in returns to, and the codes by which a person approves a token for a machine
(device login, RFC 8628).
"""

import re
from datetime import timedelta
from enum import Enum
from typing import ClassVar, Self
from urllib.parse import urlsplit

from shared.domain.errors.base import redact_tokens
from shared.domain.identity import Scope, is_loopback
from shared.domain.records import Entity, Place, Record
from shared.domain.times import MS

SECRET_ROTATION = timedelta(minutes=10)  # A stolen cookie is useless soon.
SECRET_GRACE = timedelta(minutes=1)  # For concurrent requests when the secret changes.


def needs_https(base_url: str) -> bool:
    """Check whether sign-in is refused at this address because the connection is not encrypted."""
    address = urlsplit(base_url)
    return address.scheme != "https" and not is_loopback(address.hostname or "")


class SecretState(Enum):
    """The state of the secret of a request."""

    CURRENT = "current"
    PREVIOUS = "previous"  # Just replaced, or replaced by one that the browser never got.
    COPIED = "copied"  # Replaced long ago: only a copy of the cookie has it.
    UNKNOWN = "unknown"


class Session(Entity):
    """A signed-in browser.

    `secrets` are hashes, latest first: the current one and the one before. The current one is
    confirmed when the browser presents it for the first time.
    """

    kind: ClassVar[str] = "session"

    id: str
    account: str
    provider: str
    created_ms: int
    seen_ms: int
    expires_ms: int
    idle_ms: int
    signed_in_ms: int
    strong: bool = False
    agent: str = ""
    address: str = ""
    secrets: tuple[str, ...]
    confirmed_ms: int | None = None

    @property
    def place(self) -> Place:
        return Place(self.account, self.id)

    @property
    def ends_ms(self) -> int:
        """When the session expires: after inactivity, or at its maximum age."""
        return min(self.expires_ms, self.seen_ms + self.idle_ms)

    def secret_state(self, secret_hash: str, now_ms: int) -> SecretState:
        if secret_hash == self.secrets[0]:
            return SecretState.CURRENT
        if secret_hash not in self.secrets:
            return SecretState.UNKNOWN
        if self.confirmed_ms is None or now_ms - self.confirmed_ms < SECRET_GRACE // MS:
            return SecretState.PREVIOUS
        return SecretState.COPIED

    def needs_rotation(self, presented: SecretState, now_ms: int) -> bool:
        """Check whether to replace the secret: it is old, or the browser never got the newest."""
        age_ms = now_ms - self.seen_ms
        if presented is SecretState.PREVIOUS:
            return self.confirmed_ms is None and age_ms >= SECRET_GRACE // MS
        return age_ms >= SECRET_ROTATION // MS

    def needs_confirmation(self, presented: SecretState) -> bool:
        """Check whether the browser presents the newest secret for the first time."""
        return presented is SecretState.CURRENT and self.confirmed_ms is None

    def with_new_secret(self, new_hash: str, kept_hash: str, now_ms: int) -> Self:
        """Return the session with a new secret; the one that the browser has stays valid."""
        return self.model_copy(
            update={"secrets": (new_hash, kept_hash), "confirmed_ms": None, "seen_ms": now_ms}
        )

    def confirmed(self, now_ms: int) -> Self:
        """Return the session after its newest secret was presented."""
        return self.model_copy(update={"confirmed_ms": now_ms})


class SignInPurpose(Enum):
    """The purpose of a sign-in."""

    ENTER = "enter"
    AGAIN = "again"  # To repeat a sign-in, for actions that need a recent one.
    LINK = "link"  # To link another identity.


class SignInAttempt(Record):
    """The state of a sign-in, stored here because a browser would show it to others.

    `browser` is the hash of the name of the browser that began it; `account` and `session` are
    those that it changes, empty for a sign-in that begins a session.
    """

    provider: str
    flow: str
    browser: str
    purpose: SignInPurpose
    to: str
    account: str
    session: str
    begun_ms: int


HOME_PATH = "/account"
MAX_RETURN_PATH_LENGTH = 512

# First path segments of pages that a sign-in may return to.
RETURN_PAGES = frozenset(
    {"account", "dashboard", "device", "manage", "orgs", "packages", "search", "about"}
)

# No second slash or backslash, which browsers read as a host; no control character, no fragment.
_PATH = re.compile(r"/(?P<first>[a-z]+)(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*(?:\?[^\\#<>\"]*)?")


def return_path(text: str) -> str:
    """Return the path if it is a page of the registry, else the account page."""
    form = (
        _PATH.fullmatch(text)
        if len(text) <= MAX_RETURN_PATH_LENGTH and text.isprintable()
        else None
    )
    if form is None or not text.isascii() or form["first"] not in RETURN_PAGES:
        return HOME_PATH
    # `..` could lead elsewhere.
    return HOME_PATH if ".." in text or "%2e" in text.lower() else text


DEVICE_CODE_LIFETIME = timedelta(minutes=10)  # A sign-in takes two or three.
POLL_INTERVAL = timedelta(seconds=5)  # The default of the RFC.
DEVICE_TOKEN_DAYS = 90
MAX_CLIENT_NAME = 60  # Characters: it becomes part of the token's name.

# Consonants only, as the RFC recommends: they form no words, and none is mistaken for another as
# 0 and O are. Eight of them are 34 bits.
USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
USER_CODE_LENGTH = 8
USER_CODE_RANDOM_BYTES = 16  # Many more bits than the code has, so the modulo is unbiased.

# Enough to build and publish; MANAGE is not for a token in a file.
DEVICE_SCOPES = (Scope.READ, Scope.PUSH_NEW, Scope.PUSH_VERSION, Scope.DEPRECATE)


class DeviceRequest(Record):
    """A device that waits for approval: its name, address and user agent."""

    device: str  # The hash of the device code.
    client: str
    address: str
    agent: str
    asked_ms: int
    expires_ms: int


class DeviceDecision(Record):
    """The account that the token is for; empty when the person refused."""

    account: str = ""


def user_code(random: bytes) -> str:
    """Return the user code for random bytes, as people type it: `BCDF-GHJK`."""
    number, letters = int.from_bytes(random), ""
    for _ in range(USER_CODE_LENGTH):
        number, digit = divmod(number, len(USER_CODE_LETTERS))
        letters += USER_CODE_LETTERS[digit]
    return f"{letters[:4]}-{letters[4:]}"


def read_user_code(text: str) -> str | None:
    """Return a user code in its canonical form, whatever case and separators were typed."""
    letters = "".join(char for char in text.upper() if char.isalnum())
    if len(letters) != USER_CODE_LENGTH or any(char not in USER_CODE_LETTERS for char in letters):
        return None
    return f"{letters[:4]}-{letters[4:]}"


def read_client_name(text: str) -> str:
    """Return the name that a device gives itself, on one short printable line."""
    shown = "".join(char if char.isprintable() else " " for char in redact_tokens(text))
    line = " ".join(shown.split())
    return line[:MAX_CLIENT_NAME] or "a machine without a name"
