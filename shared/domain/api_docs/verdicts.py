"""Verdicts: how far a release changed the API, and whether its version announced that."""

from collections.abc import Iterable
from typing import ClassVar

from shared.domain.names import Coordinate, release_place
from shared.domain.packages import ReleaseEntry
from shared.domain.records import Entity, Place
from shared.domain.versions import Version


class ApiVerdict(Entity):
    """The result of comparing a release with the version before it; it is derived data.

    `required` and `published` are the parts of the version that the changes require to be raised,
    and that the author raised: `major`, `minor` or `patch`.
    """

    kind: ClassVar[str] = "api-verdict"

    org: str
    name: str
    version: str
    compared_with: str
    required: str
    published: str
    changes: int
    breaking: int  # Of the changes.
    is_version_too_low: bool
    has_moved_fields: bool = False  # To or from records of other packages: nobody can say whether.

    @property
    def place(self) -> Place:
        return release_place(Coordinate.parse(self.org, self.name, self.version))


def earlier_release(entries: Iterable[ReleaseEntry], version: Version) -> ReleaseEntry | None:
    """Return the release that a version is compared with: the highest lower one, which is a stable
    one if there is any."""
    lower = [(parsed, entry) for entry in entries if (parsed := entry.parsed) < version]
    stable = [each for each in lower if each[0].is_stable]
    highest = max(stable or lower, key=lambda each: each[0].precedence, default=None)
    return highest and highest[1]
