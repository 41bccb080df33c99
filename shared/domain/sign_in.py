"""Sign-in: whether an address allows it, and attempts at an identity provider."""

from enum import Enum
from urllib.parse import urlsplit

from shared.domain.client_addresses import is_loopback
from shared.domain.records import Record


def needs_https(base_url: str) -> bool:
    """Check whether sign-in is refused at this address because the connection is not encrypted."""
    address = urlsplit(base_url)
    return address.scheme != "https" and not is_loopback(address.hostname or "")


class SignInPurpose(Enum):
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
