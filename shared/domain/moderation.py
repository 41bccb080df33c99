"""Moderation: notes about withheld releases, and how a release differs from the one before."""

from dataclasses import dataclass
from typing import ClassVar, Self

from shared.domain.names import Coordinate, Package
from shared.domain.packages import Origin, Release, State
from shared.domain.records import Entity, Place


class WithheldNote(Entity):
    """That a release is withheld, as lists show it; the release itself is what decides.

    Derived from it, so it is put and removed without events. `of_revision` is the release's.
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
        """Note what the release says; `by` counts where its outbox does not say who decided.

        Of what waits for an owner nobody has decided anything.
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
        """Return the release."""
        return Coordinate.parse(self.org, self.name, self.version)

    @property
    def place(self) -> Place:
        """Return the place beside the others of its package."""
        return withheld_place(self.coordinate)


def withheld_owner(package: Package) -> str:
    """Return whom the notes of a package belong to; a slash may stand in no place."""
    return package.key.replace("/", ":")


def withheld_place(coordinate: Coordinate) -> Place:
    """Return where the note of a release lies, if there is one."""
    return Place(withheld_owner(coordinate.package), str(coordinate.version))


def is_state_change_pending(release: Release) -> bool:
    """Say whether a change of the release's state is not listed everywhere yet."""
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
        """Compare a release with an earlier one of its package."""
        return cls(
            version=earlier.version,
            new_dependencies=tuple(sorted(_dependencies(release) - _dependencies(earlier))),
            platform="" if release.platform == earlier.platform else earlier.platform,
            has_other_publisher=_publisher(release.origin) != _publisher(earlier.origin),
        )

    @property
    def is_unchanged(self) -> bool:
        """Say whether nothing of it differs."""
        return not (self.new_dependencies or self.platform or self.has_other_publisher)


def _dependencies(release: Release) -> set[str]:
    return {f"{each.org}/{each.name}" for each in release.dependencies}


def _publisher(origin: Origin) -> tuple[str, str, str]:
    """Return who publishes: an account, an organization's token, or the jobs of a repository."""
    job = origin.provenance
    return (origin.principal, job.provider if job else "", job.repository if job else "")
