"""How a release differs from the one before it."""

from msgspec import Struct

from shared.domain.packages import (
    Origin,
    Release,
)


class ReleaseComparison(Struct, frozen=True):
    """How a release differs from the one before it; a field is empty where they are the same.

    `platform` is that of the earlier release.
    """

    version: str
    new_dependencies: tuple[str, ...]
    platform: str
    has_other_publisher: bool

    @classmethod
    def of(cls, release: Release, earlier: Release) -> "ReleaseComparison":
        return cls(
            version=earlier.version,
            new_dependencies=tuple(sorted(_dependencies(release) - _dependencies(earlier))),
            platform="" if release.platform == earlier.platform else earlier.platform,
            has_other_publisher=_publisher(release.origin) != _publisher(earlier.origin),
        )

    @property
    def is_unchanged(self) -> bool:
        return not (self.new_dependencies or self.platform or self.has_other_publisher)


def _dependencies(release: Release) -> set[str]:
    return {f"{each.org}/{each.name}" for each in release.dependencies}


def _publisher(origin: Origin) -> tuple[str, ...]:
    """Return who published: an account, an organization's token, or the jobs of a repository."""
    job = origin.provenance
    return (origin.principal, job.provider, job.repository) if job else (origin.principal,)
