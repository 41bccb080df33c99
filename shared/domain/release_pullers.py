"""Young releases that their owners can erase, and who has pulled them."""

from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar, Self

from shared.domain.coordinates import Coordinate, release_place
from shared.domain.entities import Entity, Place
from shared.domain.times import MS

# How long after its publication an owner can erase a release that hardly anybody uses.
ERASABLE_FOR = timedelta(hours=72)
MAX_PULLERS_OF_ERASED = 10  # Accounts, CI jobs and addresses.

_ERASABLE_MS = ERASABLE_FOR // MS
_PULLERS_KEPT_FOR = timedelta(days=1)  # Longer than any process collects pulls.


def is_erasable_at(published_ms: int, now_ms: int) -> bool:
    """Check whether a release is young enough for its owners to erase it."""
    return now_ms - published_ms < _ERASABLE_MS


class ReleasePullers(Entity):
    """Who pulled a young release, as keyed hashes that nobody can reverse: accounts, CI jobs and
    addresses, one more than `MAX_PULLERS_OF_ERASED` at most.

    It is derived from pulls, without events, and deleted when its owners cannot erase the release
    any more.
    """

    kind: ClassVar[str] = "release-pullers"

    org: str
    name: str
    version: str
    pullers: tuple[str, ...]
    published_ms: int

    @property
    def coordinate(self) -> Coordinate:
        return Coordinate.parse(self.org, self.name, self.version)

    @property
    def place(self) -> Place:
        return release_place(self.coordinate)

    @property
    def ends_ms(self) -> int:
        return self.published_ms + _ERASABLE_MS + _PULLERS_KEPT_FOR // MS

    @property
    def are_many(self) -> bool:
        return len(self.pullers) > MAX_PULLERS_OF_ERASED

    def with_pullers(self, pullers: Iterable[str]) -> Self:
        """Return the record with these as well; the same one if it has them, or has many."""
        new = [each for each in pullers if each not in self.pullers]
        if self.are_many or not new:
            return self
        kept = (*self.pullers, *new)[: MAX_PULLERS_OF_ERASED + 1]
        return self.model_copy(update={"pullers": kept})
