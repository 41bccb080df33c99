"""Rate limits: how many requests of a class a caller may make in a window, and what remains.

A window slides: the count of the window before counts as well, in proportion to the part of it that
is still within the window's length. So no moment lets twice the limit through, as a fixed window
does, and a store keeps two numbers for each caller.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from types import MappingProxyType
from typing import Self

from msgspec import Struct

from shared.domain.client_addresses import caller_network
from shared.domain.principals import Principal
from shared.domain.sentences import counted
from shared.domain.times import MS


class RateLimitClass(Enum):
    """Operations that share a rate limit."""

    READ = "read"
    WRITE = "write"
    PUSH = "push"
    TOKEN_ISSUE = "token-issue"  # noqa: S105 - the name of a class.
    SIGN_IN = "sign-in"
    DEVICE = "device"
    INVITATION = "invitation"
    FOUND = "found"
    LOOK_UP = "look-up"
    FAILURE = "failure"
    MIRROR = "mirror"
    AGENT = "agent"
    DRY_RUN = "dry-run"
    REPORT = "report"
    ADVISORIES = "advisories"
    SCIM = "scim"
    EXPORT = "export"

    @property
    def window(self) -> timedelta:
        return _WINDOWS.get(self, timedelta(minutes=1))

    @property
    def is_write(self) -> bool:
        """Whether requests of the class change stored data."""
        return self in _CHANGING

    @property
    def noun(self) -> str:
        return _NOUNS[self]


# Longer windows against guessing, mass creation of credentials, mass mailing, and many requests to
# other servers, of which GitHub takes 60 an hour from an address.
_WINDOWS = {
    RateLimitClass.TOKEN_ISSUE: timedelta(minutes=5),
    RateLimitClass.SIGN_IN: timedelta(minutes=5),
    RateLimitClass.DEVICE: timedelta(minutes=5),
    RateLimitClass.INVITATION: timedelta(minutes=60),
    RateLimitClass.FAILURE: timedelta(minutes=5),
    RateLimitClass.FOUND: timedelta(days=1),
    RateLimitClass.LOOK_UP: timedelta(minutes=60),
    RateLimitClass.REPORT: timedelta(days=1),
}
_CHANGING = {
    RateLimitClass.WRITE,
    RateLimitClass.PUSH,
    RateLimitClass.TOKEN_ISSUE,
    RateLimitClass.DEVICE,
    RateLimitClass.INVITATION,
    RateLimitClass.FOUND,
    RateLimitClass.REPORT,
}
_NOUNS = {
    RateLimitClass.READ: "requests",
    RateLimitClass.WRITE: "changes",
    RateLimitClass.PUSH: "pushes",
    RateLimitClass.TOKEN_ISSUE: "new tokens",
    RateLimitClass.SIGN_IN: "attempts to sign in",
    RateLimitClass.DEVICE: "device codes",
    RateLimitClass.INVITATION: "invitations",
    RateLimitClass.FOUND: "new organizations",
    RateLimitClass.LOOK_UP: "look-ups of repositories",
    RateLimitClass.FAILURE: "requests with credentials that are not valid",
    RateLimitClass.MIRROR: "requests that the upstream registry is asked for",
    RateLimitClass.AGENT: "calls of /mcp",
    RateLimitClass.DRY_RUN: "checks of archives",
    RateLimitClass.REPORT: "reports about releases",
    RateLimitClass.ADVISORIES: "questions about advisories",
    RateLimitClass.SCIM: "requests of a directory to /scim/v2",
    RateLimitClass.EXPORT: "downloads of all advisories",
}


class RateLimitSubject(Enum):
    """By what requests are counted: the credential, its account, the address, or all together."""

    TOKEN = "token"  # noqa: S105 - the name of a subject.
    ACCOUNT = "account"
    ADDRESS = "address"
    ALL = "all"

    @property
    def phrase(self) -> str:
        """Whose requests are counted, in a sentence."""
        return "all callers together" if self is RateLimitSubject.ALL else f"this {self.value}"


class RateLimitKeys(Struct, frozen=True):
    """The keys by which a principal is counted; an empty key is not counted.

    `everybody` is the server that is asked for all callers together.
    """

    token: str = ""
    account: str = ""
    address: str = ""
    everybody: str = ""

    @classmethod
    def of(cls, principal: Principal) -> Self:
        """Return the keys for credential, account and address."""
        address = caller_network(principal.address)
        return cls(principal.credential, principal.id, address)

    def key_of(self, subject: RateLimitSubject) -> str:
        return _KEYS_BY_SUBJECT[subject](self)


_KEYS_BY_SUBJECT: Mapping[RateLimitSubject, Callable[[RateLimitKeys], str]] = {
    RateLimitSubject.TOKEN: lambda keys: keys.token,
    RateLimitSubject.ACCOUNT: lambda keys: keys.account,
    RateLimitSubject.ADDRESS: lambda keys: keys.address,
    RateLimitSubject.ALL: lambda keys: keys.everybody,
}

_PART = re.compile(r"(token|account|address|all)=(\d{1,9})")


class RateLimit(Struct, frozen=True):
    """The limits of one class; a subject without a limit is not counted."""

    limit_class: RateLimitClass
    limits: Mapping[RateLimitSubject, int]

    @classmethod
    def parse(cls, operation: RateLimitClass, text: str) -> Self:
        """Parse `token=120 account=240 address=480`, or raise `ValueError`. Only requests to other
        servers are counted for all callers together."""
        most: dict[RateLimitSubject, int] = {}
        for part in text.split():
            found = _PART.fullmatch(part)
            is_wrong = found is None or RateLimitSubject(found[1]) in most or int(found[2]) == 0
            if found is None or is_wrong or not _counts(operation, RateLimitSubject(found[1])):
                reason = (
                    f"{part[:40]!r} is not a limit such as token=120, account=240 or address=480"
                )
                raise ValueError(reason)
            most[RateLimitSubject(found[1])] = int(found[2])
        return cls(operation, MappingProxyType(most))

    def of(self, keys: RateLimitKeys) -> list[tuple[RateLimitSubject, str, int]]:
        """Return the subjects that a request counts for, each with its key and limit."""
        named = ((subject, keys.key_of(subject), most) for subject, most in self.limits.items())
        return [each for each in named if each[1]]


def _counts(operation: RateLimitClass, subject: RateLimitSubject) -> bool:
    return subject is not RateLimitSubject.ALL or operation is RateLimitClass.LOOK_UP


class Window(Struct, frozen=True):
    """The period that holds a moment; windows follow each other without gaps."""

    number: int
    length_ms: int
    into_ms: int

    @classmethod
    def at(cls, now_ms: int, length: timedelta) -> Self:
        length_ms = length // MS
        return cls(now_ms // length_ms, length_ms, now_ms % length_ms)

    @property
    def left_ms(self) -> int:
        return self.length_ms - self.into_ms


class WindowCounts(Struct, frozen=True):
    """The counts of the previous window and of this one, including the current request."""

    before: int
    now: int


class RateLimitAllowance(Struct, frozen=True):
    """The remaining requests of a caller; after `wait_ms` there are more."""

    limit_class: RateLimitClass
    subject: RateLimitSubject
    limit: int
    remaining: int
    wait_ms: int
    is_exceeded: bool = False

    @property
    def period(self) -> str:
        """The length of the window in words."""
        minutes = self.limit_class.window // timedelta(minutes=1)
        if self.limit_class.window == timedelta(days=1):
            return "a day"
        return "a minute" if minutes == 1 else f"{minutes} minutes"

    @property
    def wait_s(self) -> int:
        """The wait in whole seconds, for headers; at least 1, as clients do not read 0."""
        return max(1, -(-self.wait_ms // 1000))

    @property
    def wait(self) -> str:
        """The wait in words."""
        return counted(self.wait_s, "second")


def check_limit(
    limit: int,
    counts: WindowCounts,
    window: Window,
    *,
    limit_class: RateLimitClass,
    subject: RateLimitSubject,
) -> RateLimitAllowance:
    """Check the request that was counted last against the limit, and return what remains."""
    # Refused requests were counted as well, but never more than the limit was allowed.
    before = min(counts.before, limit)
    used = counts.now + _in_reach(before, window)
    if used > limit:
        wait_ms = _wait_ms(limit, before, counts.now, window)
        return RateLimitAllowance(limit_class, subject, limit, 0, wait_ms, is_exceeded=True)
    is_last = used == limit
    wait_ms = _wait_ms(limit, before, counts.now + 1, window) if is_last else window.left_ms
    return RateLimitAllowance(limit_class, subject, limit, limit - used, wait_ms)


def tightest_allowance(allowances: Sequence[RateLimitAllowance]) -> RateLimitAllowance:
    """Return the exceeded allowance with the longest wait, else that with the fewest remaining."""
    exceeded = [each for each in allowances if each.is_exceeded]
    if exceeded:
        return max(exceeded, key=lambda each: each.wait_ms)
    return min(allowances, key=lambda each: each.remaining)


def _in_reach(before: int, window: Window) -> int:
    """Return the part of the previous window's count that is less than a window ago, rounded up."""
    return -(-before * window.left_ms // window.length_ms)


def _wait_ms(limit: int, before: int, now: int, window: Window) -> int:
    """Return when a repeat of the request fits, if there are no others until then.

    `now` includes the request, which is not counted when it is refused.
    """
    room = limit - now
    if room >= 0 and before:
        # Wait until enough of the previous window is too old.
        left_ms = room * window.length_ms // before
        return max(1, window.left_ms - left_ms)
    # This window is full: wait until one of its requests is too old.
    left_ms = (limit - 1) * window.length_ms // limit
    return window.left_ms + window.length_ms - left_ms
