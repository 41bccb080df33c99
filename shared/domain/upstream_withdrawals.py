"""Withdrawals of an upstream: what its change feed and its refusals say of releases, which reasons
are followed here, and what is remembered of releases that are gone there.
"""

from hashlib import sha256
from typing import ClassVar

from msgspec import Struct

from shared.domain.coordinates import Coordinate, release_place
from shared.domain.entities import Entity, Place
from shared.domain.errors.base import InvalidRequest
from shared.domain.records import stored_as
from shared.domain.times import StoredMs
from shared.domain.withdrawal_reasons import WITHDRAWAL_TITLES, PublicReason, WithdrawalReason

ALL = "all"
NONE = "none"
UNSTATED = "unstated"  # A withdrawal without a public reason, such as a hold.

GONE = "gone"


class UpstreamWithdrawal(Struct, frozen=True):
    """A release that an upstream withdrew; `why` is empty without a public reason."""

    coordinate: Coordinate
    digest: str
    why: str = ""
    is_final: bool = False

    def public_reason(self, upstream: str) -> PublicReason:
        """Return the reason for everybody, which names the upstream."""
        why = WithdrawalReason(self.why) if self.why else WithdrawalReason.OTHER
        return PublicReason(why=why, note=f"The upstream registry {upstream} withdrew it.")


class UpstreamChange(Struct, frozen=True):
    """A change of an upstream's feed: a withdrawal, or None for a release that is served again."""

    coordinate: Coordinate
    withdrawal: UpstreamWithdrawal | None


class UpstreamChanges(Struct, frozen=True):
    """A part of an upstream's feed, and the number after which it goes on."""

    changes: tuple[UpstreamChange, ...]
    next: int


def parse_followed(text: str) -> frozenset[str]:
    """Return the reasons that are followed: names of public reasons, `unstated`, `all` or `none`.

    Raises `ValueError`, whose text is a part of a sentence.
    """
    known = {*(each.value for each in WithdrawalReason), UNSTATED}
    named = {each.strip().lower() for each in text.split(",") if each.strip()}
    if named == {ALL}:
        return frozenset(known)
    if named == {NONE}:
        return frozenset()
    for each in sorted(named - known):
        allowed = ", ".join((*sorted(known), ALL, NONE))
        reason = f"{each[:40]!r} is not one of {allowed}. Name some, such as malware,vulnerability"
        raise ValueError(reason)
    if not named:
        reason = f"it is empty. Write {NONE} to follow no withdrawal"
        raise ValueError(reason)
    return frozenset(named)


class GoneRelease(Entity):
    """A stored release that its upstream no longer has, and what became of it here.

    The record of the release decides whether it is served; this one lists it.
    """

    kind: ClassVar[str] = "gone-release"

    org: str
    name: str
    version: str
    upstream: str
    since_ms: StoredMs
    is_stated: bool = False  # Whether the upstream says that it withdrew it.
    why: str = ""  # The public reason, if there is one.
    is_final: bool = False
    is_followed: bool = False  # It was quarantined here for that.
    is_mailed: bool = stored_as("is_told", False)  # Administrators got mail.
    decided_by: str = ""  # The account that decided to serve it, or to withhold it.

    @property
    def coordinate(self) -> Coordinate:
        return Coordinate.parse(self.org, self.name, self.version)

    @property
    def place(self) -> Place:
        return release_place(self.coordinate)

    @property
    def subject(self) -> str:
        """What the list of releases that somebody has to decide on is read by."""
        return "" if self.is_followed or self.decided_by else GONE

    @property
    def reason_clause(self) -> str:
        """What the upstream says of it, as a part of a sentence."""
        if not self.is_stated:
            return "it is missing there, without a reason"
        title = WITHDRAWAL_TITLES[WithdrawalReason(self.why)][0] if self.why else "no public reason"
        return f"{'removed for good' if self.is_final else 'withdrawn'}: {title}"


class UpstreamFeed(Entity):
    """How far the change feed of an upstream was read."""

    kind: ClassVar[str] = "upstream-feed"

    upstream: str
    number: int = 0

    @property
    def place(self) -> Place:
        return Place(f"feed-{sha256(self.upstream.encode()).hexdigest()[:32]}")


def release_not_gone(coordinate: Coordinate) -> InvalidRequest:
    return InvalidRequest(
        f"{coordinate} is not listed as gone at its upstream and served here. Look at the list "
        "of /manage/mirror again."
    )
