"""The change feed and the audit log: changes of packages, queries for events, and what events say
of people.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Self

from msgspec import Struct

from shared.domain.coordinates import Package
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.packages import Withdrawal
from shared.domain.records import Event
from shared.domain.times import parse_time


class ChangeKind(Enum):
    """The kinds of changes of a release, or of every release of a package."""

    PUBLISHED = "published"
    DEPRECATED = "deprecated"
    UNDEPRECATED = "undeprecated"
    WITHDRAWN = "withdrawn"
    RESTORED = "restored"


# The feed does not say whether a release is held, quarantined or removed.
_CHANGES = {
    "release.published": ChangeKind.PUBLISHED,
    "release.confirmed": ChangeKind.PUBLISHED,
    "release.mirrored": ChangeKind.PUBLISHED,
    "release.deprecated": ChangeKind.DEPRECATED,
    "release.undeprecated": ChangeKind.UNDEPRECATED,
    "release.held": ChangeKind.WITHDRAWN,
    "release.quarantined": ChangeKind.WITHDRAWN,
    "release.removed": ChangeKind.WITHDRAWN,
    "release.owner-held": ChangeKind.WITHDRAWN,
    "release.owner-erased": ChangeKind.WITHDRAWN,
    "release.live": ChangeKind.RESTORED,
    "release.owner-restored": ChangeKind.RESTORED,
    "package.deprecated": ChangeKind.DEPRECATED,
    "package.undeprecated": ChangeKind.UNDEPRECATED,
    "package.private": ChangeKind.WITHDRAWN,
    "package.internal": ChangeKind.WITHDRAWN,
    "package.public": ChangeKind.RESTORED,
}
# Shown to everybody, because the package was public until then and mirrors still have it.
_REMOVALS = {"package.private", "package.internal"}

EVERY_VERSION = "*"


class PackageChange(Struct, frozen=True):
    """A change in the feed: `number` is its position, `version` may be `EVERY_VERSION`."""

    number: int
    at_ms: int
    change: ChangeKind
    package: Package
    version: str
    is_removal: bool = False  # Also shown to those who may no longer read the package.
    withdrawal: Withdrawal | None = None  # What is told of a release that was withdrawn.


def package_change(number: int, event: Event) -> PackageChange | None:
    """Return the change of a package that the event records, or None for other events."""
    change = _CHANGES.get(event.kind)
    if change is None:
        return None
    subject, _, version = event.subject.partition(":")
    org, _, name = subject.partition("/")
    package = Package.parse(org, name)
    was_public = event.details.get("visibility_before", "public") == "public"
    if event.kind == "package.internal" and not was_public:
        change = ChangeKind.RESTORED  # For staff, which alone is told.
    is_farewell = event.kind in _REMOVALS and was_public
    return PackageChange(
        number, event.at_ms, change, package, version or EVERY_VERSION, is_farewell
    )


# The public reason of a restored release: withholding it was a mistake.
MISTAKE = "mistake"

_RESTORED = "release.live"


def without_internal_reason(event: Event) -> dict[str, str]:
    """Return the details of an event for those who may not read what only owners read: the reason
    of a withdrawal is the public one, and that of a restored release that it was a mistake."""
    details = dict(event.details)
    if "state_reason" not in details:
        return details
    public = MISTAKE if event.kind == _RESTORED else details.get("public_reason", "")
    before = details.get("public_reason_before", "")
    return {**details, "state_reason": public, "state_reason_before": before}


# By the first word of a kind, the details that say who somebody is or where they were. The id of
# the account stays. A new detail about a person is added here.
PERSONAL_DETAILS: Mapping[str, frozenset[str]] = {
    "account": frozenset({"name", "before", "after"}),
    "device": frozenset({"client", "machine-address"}),
    "identity": frozenset({"label"}),
    "invitation": frozenset({"label"}),
    "session": frozenset({"agent", "from"}),
    "token": frozenset({"name", "before", "after"}),  # A name that its person chose.
}
# What people wrote about the person: it goes with the account, not with age.
_REMARKS = frozenset({"reason"})
# These say why an account was erased, and their reasons name nobody.
_ERASURES = frozenset({"account.deleted", "account.erasing", "account.kept"})


def is_personal(event: Event) -> bool:
    """Check whether the event says from where or with what somebody acted, or who they are."""
    return bool(event.address or event.credential or _named(event) or _subject_is_personal(event))


def anonymized(event: Event) -> Event:
    """Return the event without who somebody is and where they were; ids of accounts stay."""
    return _without(event, _named(event)).model_copy(update={"address": "", "credential": ""})


def without_account(event: Event, account_id: str) -> Event:
    """Return the event without what it says of an account that is deleted, except its id."""
    if event.account == account_id:
        remarks = _REMARKS if event.kind not in _ERASURES else frozenset[str]()
        event = _without(event, _named(event) | (remarks & event.details.keys()))
    if event.actor == account_id:
        event = event.model_copy(update={"address": "", "credential": ""})
    return event


def _topic(event: Event) -> str:
    return event.kind.partition(".")[0]


def _named(event: Event) -> set[str]:
    """Return the details of the event that are about a person."""
    if _topic(event) == "token" and event.org:
        return set()  # A token of an organization is for a machine.
    return set(PERSONAL_DETAILS.get(_topic(event), frozenset()) & event.details.keys())


def _subject_is_personal(event: Event) -> bool:
    """The subject of a device is the name of somebody's machine."""
    return _topic(event) == "device" and bool(event.subject)


def _without(event: Event, names: Iterable[str]) -> Event:
    left_out = set(names)
    details = {name: value for name, value in event.details.items() if name not in left_out}
    subject = "" if _subject_is_personal(event) else event.subject
    return event.model_copy(update={"details": details, "subject": subject})


EVENTS_PAGE_SIZE = 50
MAX_EVENTS_PAGE_SIZE = 500
MAX_FILTER_LENGTH = 200  # Characters.


class EventQuery(Struct, frozen=True):
    """Events with a number below `before`, latest first, filtered by kind, actor and time; or those
    with a number above `after`, in the order of the feed.

    `kind` is a prefix. `subject` is in lower case; no URL sets it.
    """

    before: int | None = None
    after: int | None = None
    count: int = EVENTS_PAGE_SIZE
    kind: str = ""
    actor: str = ""
    subject: str = ""
    since_ms: int = 0
    until_ms: int | None = None

    @classmethod
    def parse(cls, params: Mapping[str, str]) -> Self:
        """Parse query parameters, or raise `InvalidRequest`."""
        if params.get("before") and params.get("after"):
            message = "Send before for older events or after for newer ones, not both."
            raise InvalidRequest(message)
        return cls(
            before=_number(params, "before", 1, 2**62),
            after=_number(params, "after", 0, 2**53),
            count=_number(params, "count", 1, MAX_EVENTS_PAGE_SIZE) or EVENTS_PAGE_SIZE,
            kind=params.get("kind", "")[:MAX_FILTER_LENGTH],
            actor=params.get("actor", "")[:MAX_FILTER_LENGTH],
            since_ms=_time(params, "since") or 0,
            until_ms=_time(params, "until"),
        )

    def matches(self, event: Event) -> bool:
        return (
            event.kind.startswith(self.kind)
            and self.actor in ("", event.actor)
            and self.subject in ("", event.subject.lower())
            and self.since_ms <= event.at_ms
            and (self.until_ms is None or event.at_ms < self.until_ms)
        )


def _number(params: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    text = params.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):  # noqa: PLR2004 - digits of 2**62.
        message = f"The parameter {name} is a number from {least} to {most}, not {text[:40]!r}."
        raise InvalidRequest(message)
    return int(text)


def _time(params: Mapping[str, str], name: str) -> int | None:
    text = params.get(name, "")
    return parse_time(name, text) if text else None
