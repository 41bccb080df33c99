"""What is withheld: a note beside each release that is served to nobody, and why it is so."""

from typing import ClassVar, Self

from shared.domain.entity import Entity, Place
from shared.domain.names import Coordinate, Package
from shared.domain.package import Release, State


class Withheld(Entity):
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
        return place_of_withheld(self.coordinate)


def owner_of_withheld(package: Package) -> str:
    """Return whom the notes of a package belong to; a slash may stand in no place."""
    return package.key.replace("/", ":")


def place_of_withheld(coordinate: Coordinate) -> Place:
    """Return where the note of a release lies, if there is one."""
    return Place(owner_of_withheld(coordinate.package), str(coordinate.version))


def is_moved(release: Release) -> bool:
    """Say whether a change of the release's state is not listed everywhere yet."""
    return any("state" in event.details for event in release.outbox)
