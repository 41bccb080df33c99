"""Notes of withheld releases, for lists of them."""

from typing import ClassVar, Self

from pydantic import Field

from shared.domain.coordinates import Coordinate, release_place
from shared.domain.entities import Entity, Place
from shared.domain.packages import (
    Release,
)
from shared.domain.release_states import Holder, State


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
    is_held_for_owner: bool = Field(
        validation_alias="awaits_owner", serialization_alias="awaits_owner"
    )
    holder: Holder = Holder.ADMINISTRATOR
    since_ms: int
    by: str = ""  # Who decided, where that is known; the log of the organization says it for ever.
    of_revision: int
    is_erased: bool = False

    @classmethod
    def of(cls, release: Release, by: str = "") -> Self:
        """Derive the note of a release; `by` is used where its outbox does not say who decided.

        For a release that waits for an owner, nobody has decided yet.
        """
        deciders = [each.actor for each in release.outbox if "state" in each.details]
        if deciders and not release.is_held_for_owner:
            by = deciders[-1]
        return cls(
            org=release.org,
            name=release.name,
            version=release.version,
            state=release.state,
            reason=release.state_reason,
            is_held_for_owner=release.is_held_for_owner,
            holder=release.holder,
            since_ms=release.changed_ms or release.created_ms,
            by=by,
            of_revision=release.revision,
            is_erased=release.erased is not None,
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
