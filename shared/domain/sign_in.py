"""Sign-in: whether an address allows it, attempts at an identity provider, where a sign-in returns
to, and which actions need a recent one."""

import re
from enum import Enum
from urllib.parse import urlsplit

from shared.domain.client_addresses import is_loopback
from shared.domain.records import Record


def needs_https(base_url: str) -> bool:
    """Check whether sign-in is refused at this address because the connection is not encrypted."""
    address = urlsplit(base_url)
    return address.scheme != "https" and not is_loopback(address.hostname or "")


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
RETURN_PAGES = frozenset({"account", "device", "manage", "orgs", "packages", "search", "about"})

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
