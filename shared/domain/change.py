"""Changes of packages as mirrors follow them, read from the events of the feed."""

from dataclasses import dataclass
from enum import Enum

from shared.domain.names import Package
from shared.domain.package import Event


class Change(Enum):
    """What became of a release, or of every release of a package."""

    PUBLISHED = "published"
    DEPRECATED = "deprecated"
    UNDEPRECATED = "undeprecated"
    WITHDRAWN = "withdrawn"
    RESTORED = "restored"


# Whether a release is held, quarantined or removed is the operator's business.
_CHANGES = {
    "release.published": Change.PUBLISHED,
    "release.confirmed": Change.PUBLISHED,
    "release.deprecated": Change.DEPRECATED,
    "release.undeprecated": Change.UNDEPRECATED,
    "release.held": Change.WITHDRAWN,
    "release.quarantined": Change.WITHDRAWN,
    "release.removed": Change.WITHDRAWN,
    "release.live": Change.RESTORED,
    "package.deprecated": Change.DEPRECATED,
    "package.undeprecated": Change.UNDEPRECATED,
    "package.private": Change.WITHDRAWN,
    "package.public": Change.RESTORED,
}
# Everybody is told, because everybody could read the package until then, and mirrors still have it.
_FAREWELLS = {"package.private"}

EVERY_VERSION = "*"


@dataclass(frozen=True, slots=True)
class PackageChange:
    """One change: `number` is its place in the feed, `version` may be `EVERY_VERSION`."""

    number: int
    at_ms: int
    change: Change
    package: Package
    version: str
    is_farewell: bool = False  # Told to those too who may not read the package any more.


def package_change(number: int, event: Event) -> PackageChange | None:
    """Return what the event says of a package, or None when it is about something else."""
    change = _CHANGES.get(event.kind)
    if change is None:
        return None
    subject, _, version = event.subject.partition(":")
    org, _, name = subject.partition("/")
    package = Package.parse(org, name)
    is_farewell = event.kind in _FAREWELLS
    return PackageChange(
        number, event.at_ms, change, package, version or EVERY_VERSION, is_farewell
    )
