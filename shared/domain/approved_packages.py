"""Approvals: which releases of upstreams are taken where only approved ones are, and who asked for
others.

One list holds for the whole registry. Administrators are its curators; the rule that only approved
releases are taken is one of the registry, for everybody, or of an organization, for its members and
its tokens.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import Enum
from typing import ClassVar

from msgspec import Struct

from shared.domain.change_feed import EVERY_VERSION, ChangeKind, PackageChange
from shared.domain.coordinates import Package, package_owner
from shared.domain.entities import Entity, Place
from shared.domain.errors.base import Invalid, InvalidRequest, Refusal, quoted
from shared.domain.names import parse_org, parse_package_name
from shared.domain.packages import Head
from shared.domain.records import Record
from shared.domain.times import MS, StoredMs
from shared.domain.versions import Range, Version, parse_version_or_range

MAX_APPROVED_PACKAGES = 3_000  # Entries of the list, which is in memory: some 150 bytes each.
MAX_ASKERS = 20  # People who wait for one package; more read its page.
MAX_ASKED_REASON = 500  # Characters.
# Counted from the decision, or from the request while it is not decided.
REQUEST_KEPT_FOR = timedelta(days=180)

EVERY_NAME = "*"
_NAMED_IN_A_REFUSAL = 5  # Approved versions that a refusal names.


class Approval(Record):
    """Versions of a package that are approved: one version, or a range. The package may be every
    one of an organization, such as `ballerina/*`."""

    package: str
    versions: str
    at_ms: StoredMs

    @property
    def key(self) -> tuple[str, str]:
        return self.package.lower(), self.versions

    def __str__(self) -> str:
        return f"{self.package}:{self.versions}"


class WantedApproval(Struct, frozen=True):
    """What somebody approves: a package, or every one of an organization, and versions of it."""

    package: str
    versions: Version | Range

    @property
    def key(self) -> tuple[str, str]:
        return self.package.lower(), str(self.versions)

    def __str__(self) -> str:
        return f"{self.package}:{self.versions}"


def parse_approval(text: str) -> WantedApproval:
    """Parse `org/name:1.2.3`, `org/name:1.*` or `org/*:*`; raise `InvalidRequest`."""
    package, separator, versions = text.strip().partition(":")
    org, _, name = package.partition("/")
    try:
        parsed = parse_version_or_range(versions)
        named = parse_org(org)
        if name != EVERY_NAME:
            name = str(parse_package_name(name))
    except Refusal:
        separator = ""
        parsed = Range()
        named = org
    if not separator:
        message = (
            f"{quoted(text)} cannot be approved. Write a package and its versions, such as "
            "acme/greet:1.2.3, acme/greet:1.* or acme/*:*."
        )
        raise InvalidRequest(message)
    return WantedApproval(f"{named}/{name}", parsed)


class Approvals(Entity):
    """The approved versions of packages, in one record."""

    kind: ClassVar[str] = "approvals"

    approved: tuple[Approval, ...] = ()

    @property
    def place(self) -> Place:
        return APPROVALS_PLACE


APPROVALS_PLACE = Place("registry", "approvals")


class ApprovedVersions(Struct, frozen=True):
    """Says which releases are approved."""

    by_package: dict[str, list[Version | Range]]

    @classmethod
    def of(cls, approved: Iterable[Approval]) -> "ApprovedVersions":
        found = dict[str, list[Version | Range]]()
        for each in approved:
            versions = parse_version_or_range(each.versions)
            found.setdefault(each.package.lower(), []).append(versions)
        return cls(found)

    def allows(self, package: Package, version: Version) -> bool:
        return any(_contains(each, version) for each in self.of_package(package))

    def of_package(self, package: Package) -> Sequence[Version | Range]:
        """Return the approved versions of a package, those of its whole organization last."""
        every = f"{package.org.lower()}/{EVERY_NAME}"
        return [*self.by_package.get(package.key, ()), *self.by_package.get(every, ())]


def _contains(approved: Version | Range, version: Version) -> bool:
    return approved.contains(version) if isinstance(approved, Range) else approved == version


class NotApproved(Invalid):
    """A release of an upstream that is not approved, where only approved ones are taken."""

    def __init__(self, what: object, package: Package, limit: "ApprovalLimit") -> None:
        # A 400, whose sentence every client shows: a 404 would say that it does not exist.
        super().__init__("not-approved", f"{what} is not approved here, and {limit.way(package)}")


class ApprovalLimit(Struct, frozen=True):
    """What a caller may take from upstreams, by whose rule, and where they ask for more."""

    approved: ApprovedVersions
    whose: str
    base_url: str

    def shows(self, head: Head) -> bool:
        """Check whether a search shows the package: it is ours, or some version is approved."""
        return not head.upstream or bool(self.approved.of_package(head.package))

    def shows_release(self, head: Head, version: Version) -> bool:
        """Check whether a list shows the release: its package is ours, or it is approved."""
        return not head.upstream or self.approved.allows(head.package, version)

    def tells(self, change: PackageChange, head: Head) -> bool:
        """Check whether a feed tells the change. What withdraws a release is told to everybody: who
        took it while it was approved needs to know."""
        if change.is_removal or change.change is ChangeKind.WITHDRAWN:
            return True
        if change.version == EVERY_VERSION:
            return self.shows(head)
        return self.shows_release(head, Version.parse(change.version))

    def way(self, package: Package) -> str:
        """Return whose rule it is and the way out, as the end of a sentence."""
        known = [str(each) for each in self.approved.of_package(package)]
        named = ", ".join(known[:_NAMED_IN_A_REFUSAL])
        ask = f"Use an approved version ({named}), or request" if known else "Request"
        return (
            f"the rules of {self.whose} allow only approved packages from other registries. {ask} "
            f"approval at {self.base_url}{approval_path(package)}."
        )


def approval_path(package: Package) -> str:
    """Return the path of the page on which a package is asked for and approved."""
    return f"/approvals/{package}"


class RequestState(Enum):
    """What became of a request for a package."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"


class ApprovalAsker(Record):
    """Somebody who asked for a package, and why."""

    account: str
    reason: str
    at_ms: StoredMs


class ApprovalRequest(Entity):
    """A package of an upstream that people asked for, and what a curator decided."""

    kind: ClassVar[str] = "approval-request"

    org: str
    name: str
    wanted: str  # The version or range that was asked for first.
    askers: tuple[ApprovalAsker, ...]  # None once it was decided, and they were told.
    asked_ms: StoredMs
    state: RequestState = RequestState.OPEN
    decided_ms: StoredMs | None = None
    answer: str = ""  # What was approved, or why it was refused.

    @property
    def package(self) -> Package:
        return Package.parse(self.org, self.name)

    @property
    def place(self) -> Place:
        return request_place(self.package)

    @property
    def subject(self) -> str:
        return self.state.value

    def seen_by(self, account: str) -> "ApprovalRequest":
        """Return the request as it is shown to somebody who is no curator: who else asked, and
        why, is not."""
        own = tuple(each for each in self.askers if each.account == account)
        return self.model_copy(update={"askers": own})

    @property
    def ends_ms(self) -> int:
        return (self.decided_ms or self.asked_ms) + REQUEST_KEPT_FOR // MS


def request_place(package: Package) -> Place:
    return Place(package_owner(package), "approval")


def parse_asked_reason(text: str) -> str:
    """Return why somebody needs a package, or raise `InvalidRequest`."""
    reason = " ".join(text.split())
    if not reason:
        message = "Say why you need the package: the curators read it before they decide."
        raise InvalidRequest(message)
    if len(reason) > MAX_ASKED_REASON:
        message = f"The reason has more than {MAX_ASKED_REASON} characters. Shorten it."
        raise InvalidRequest(message)
    return reason
