"""What an archive is called at rest."""

from dataclasses import dataclass

from shared.domain.digest import Digest
from shared.domain.filename import canonical_file_name
from shared.domain.names import Coordinate


@dataclass(frozen=True, slots=True)
class ArchiveName:
    """All that tells an archive from others; its digest alone does, the rest is for its readers.

    It is said by the bytes and never changes. Where the archive lies is no part of it.
    """

    digest: Digest
    coordinate: Coordinate
    platform: str

    @property
    def tail(self) -> str:
        """Return how every address of the archive ends: clients read the version out of it."""
        version = self.coordinate.version
        return f"{version}/{canonical_file_name(self.coordinate, self.platform)}"
