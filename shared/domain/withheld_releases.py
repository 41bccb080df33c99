"""Withheld releases: their public reasons, notes for lists, and how a release differs from
the one before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from shared.domain.errors.base import InvalidRequest
from shared.domain.names import Coordinate, release_place
from shared.domain.organizations import parse_reason
from shared.domain.packages import Origin, PublicReason, Release, State, WithdrawalReason
from shared.domain.records import Entity, Place

# What each public reason is called, and what it says.
WITHDRAWAL_TITLES: Mapping[WithdrawalReason, tuple[str, str]] = {
    WithdrawalReason.MALWARE: ("Malware", "It contains code that harms those who use it."),
    WithdrawalReason.VULNERABILITY: ("Vulnerability", "It has a severe security vulnerability."),
    WithdrawalReason.LEAK: (
        "Leaked secret",
        "Its archive contains a secret, such as a password or a key.",
    ),
    WithdrawalReason.IMPERSONATION: (
        "Impersonation",
        "It pretends to be a package, or to come from a publisher, that it is not.",
    ),
    WithdrawalReason.LEGAL: ("Legal reasons", "The law does not allow distributing it."),
    WithdrawalReason.POLICY: ("Policy violation", "It violates the policies of this registry."),
    WithdrawalReason.OWNER_REQUEST: ("Owner's request", "Its owners asked for the withdrawal."),
    WithdrawalReason.OTHER: ("Other reason", "The administrator chose no other category."),
}


def parse_public_reason(why: str, note: str) -> PublicReason | None:
    """Read a public reason, or None if there is neither a category nor a note.

    Raises `InvalidRequest`.
    """
    line = parse_reason(note, "public explanation")
    if not (why or line):
        return None
    try:
        return PublicReason(why=WithdrawalReason(why or "other"), note=line)
    except ValueError:
        known = ", ".join(each.value for each in WithdrawalReason)
        message = f"{why[:80]!r} is not a public reason. Choose one of {known}."
        raise InvalidRequest(message) from None


class WithheldNote(Entity):
    """A withheld release, for lists. The release itself decides.

    It is derived from the release, without events; `of_revision` is the release's.
    """

    kind: ClassVar[str] = "withheld"

    org: str
    name: str
    version: str
    state: State
    reason: str
    awaits_owner: bool
    since_ms: int
    by: str = ""  # Who decided, where that is known; the log of the organization says it for ever.
    of_revision: int

    @classmethod
    def of(cls, release: Release, by: str = "") -> Self:
        """Derive the note of a release; `by` is used where its outbox does not say who decided.

        For a release that waits for an owner, nobody has decided yet.
        """
        if release.outbox and not release.awaits_owner:
            by = release.outbox[-1].actor
        return cls(
            org=release.org,
            name=release.name,
            version=release.version,
            state=release.state,
            reason=release.state_reason,
            awaits_owner=release.awaits_owner,
            since_ms=release.changed_ms or release.created_ms,
            by=by,
            of_revision=release.revision,
        )

    @property
    def coordinate(self) -> Coordinate:
        return Coordinate.parse(self.org, self.name, self.version)

    @property
    def place(self) -> Place:
        return release_place(self.coordinate)


def is_state_change_pending(release: Release) -> bool:
    """Check whether a change of the release's state is not listed everywhere yet."""
    return any("state" in event.details for event in release.outbox)


@dataclass(frozen=True, slots=True)
class ReleaseComparison:
    """How a release differs from the one before it; a field is empty where they are the same.

    `platform` is that of the earlier release.
    """

    version: str
    new_dependencies: tuple[str, ...]
    platform: str
    has_other_publisher: bool

    @classmethod
    def of(cls, release: Release, earlier: Release) -> "ReleaseComparison":
        return cls(
            version=earlier.version,
            new_dependencies=tuple(sorted(_dependencies(release) - _dependencies(earlier))),
            platform="" if release.platform == earlier.platform else earlier.platform,
            has_other_publisher=_publisher(release.origin) != _publisher(earlier.origin),
        )

    @property
    def is_unchanged(self) -> bool:
        return not (self.new_dependencies or self.platform or self.has_other_publisher)


def _dependencies(release: Release) -> set[str]:
    return {f"{each.org}/{each.name}" for each in release.dependencies}


def _publisher(origin: Origin) -> tuple[str, ...]:
    """Return who published: an account, an organization's token, or the jobs of a repository."""
    job = origin.provenance
    return (origin.principal, job.provider, job.repository) if job else (origin.principal,)
