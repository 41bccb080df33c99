"""The change feed: the changes of packages that it tells everybody who may read them."""

from enum import Enum

from msgspec import Struct

from shared.domain.coordinates import Package
from shared.domain.errors.packages import Withdrawal
from shared.domain.events import Event


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
# A detail of decisions about a release that was never served: outsiders know nothing of it.
NEVER_SERVED = "never_served"


class PackageChange(Struct, frozen=True):
    """A change in the feed: `number` is its position, `version` may be `EVERY_VERSION`."""

    number: int
    at_ms: int
    change: ChangeKind
    package: Package
    version: str
    # A removal; it is shown even to those who can no longer read the package.
    is_removal: bool = False
    withdrawal: Withdrawal | None = None  # What is told of a release that was withdrawn.


def change_kind(event: Event) -> ChangeKind | None:
    """Return the kind of change that the event is for members of its organization, or None for
    other events."""
    return _CHANGES.get(event.kind)


def package_change(number: int, event: Event) -> PackageChange | None:
    """Return the change of a package that the event records, or None for other events and for
    releases that were never served."""
    change = change_kind(event)
    if change is None or NEVER_SERVED in event.details:
        return None
    subject, _, version = event.subject.partition(":")
    org, _, name = subject.partition("/")
    package = Package.parse(org, name)
    was_public = event.details.get("visibility_before", "public") == "public"
    if event.kind == "package.internal" and not was_public:
        change = ChangeKind.RESTORED  # Only staff is told of this change.
    is_farewell = event.kind in _REMOVALS and was_public
    return PackageChange(
        number, event.at_ms, change, package, version or EVERY_VERSION, is_farewell
    )
