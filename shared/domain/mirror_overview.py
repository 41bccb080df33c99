"""What operators read of a mirror: totals that were counted, and the list of refused releases."""

from typing import ClassVar, Self

from shared.domain.mirroring import UpstreamRelease
from shared.domain.names import Coordinate
from shared.domain.records import Entity, Place, Record

INCIDENTS, OTHERS = "incident", "refused"  # Owners of the notes, so incidents come first.


class MirrorTotals(Record):
    """Totals of what is stored, known and refused of one upstream."""

    upstream: str
    packages: int = 0
    releases: int = 0
    dropped: int = 0  # Releases whose archives the quota dropped.
    removed_upstream: int = 0  # Releases that the upstream has no more.
    size_bytes: int = 0  # Of the archives that are stored.
    pulls: int = 0
    refused: int = 0  # Incidents included.
    incidents: int = 0
    catalogued: int = 0

    @property
    def hit_rate(self) -> float | None:
        """The share of pulls for which nothing was fetched; None before the first pull. A pull is
        counted once for a client in ten minutes, and a fetch of a refused archive is none."""
        return max(self.pulls - self.releases, 0) / self.pulls if self.pulls else None


class MirrorCount(Record):
    """The totals of all upstreams that something is stored or known of, at one time."""

    at_ms: int
    upstreams: tuple[MirrorTotals, ...] = ()

    def of(self, upstream: str) -> MirrorTotals:
        """Return the totals of an upstream; zeros if nothing is known of it."""
        known = (each for each in self.upstreams if each.upstream == upstream)
        return next(known, MirrorTotals(upstream=upstream))


class RefusedNote(Entity):
    """A refused release of an upstream, for lists. Its `UpstreamRelease` itself decides.

    The place of a note has the incidents before all others.
    """

    kind: ClassVar[str] = "refused-note"

    org: str
    name: str
    version: str
    is_incident: bool

    @classmethod
    def of(cls, release: UpstreamRelease) -> Self:
        return cls(
            org=release.org,
            name=release.name,
            version=release.version,
            is_incident=release.is_incident,
        )

    @property
    def coordinate(self) -> Coordinate:
        return Coordinate.parse(self.org, self.name, self.version)

    @property
    def place(self) -> Place:
        return refused_place(self.coordinate, is_incident=self.is_incident)


def refused_place(coordinate: Coordinate, *, is_incident: bool) -> Place:
    return Place(INCIDENTS if is_incident else OTHERS, coordinate.key.replace("/", ":"))
