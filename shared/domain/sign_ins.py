"""Sign-ins that are under way at a provider, until their answer comes back."""

from enum import Enum

from shared.domain.package import Record


class Purpose(Enum):
    """What a sign-in is for."""

    ENTER = "enter"
    AGAIN = "again"  # To show once more who one is, for what takes a fresh sign-in.
    LINK = "link"  # To sign in with a further identity from now on.


class PendingSignIn(Record):
    """What is kept of a sign-in here, since a browser would show it to others.

    `browser` is the hash of the name of the one that began it; `account` and `session` are those
    that it is to change, empty for a sign-in that begins a session.
    """

    provider: str
    flow: str
    browser: str
    purpose: Purpose
    to: str
    account: str
    session: str
    begun_ms: int
