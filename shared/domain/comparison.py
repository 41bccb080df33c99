"""What is different about a release, compared with the one that people use until then."""

from dataclasses import dataclass

from shared.domain.package import Origin, Release


@dataclass(frozen=True, slots=True)
class Comparison:
    """What somebody who did not make a release looks at first; what is the same is empty.

    `needs` are packages that the earlier one did not depend on, and `platform` is what it was for.
    """

    version: str
    needs: tuple[str, ...]
    platform: str
    is_by_another: bool

    @classmethod
    def of(cls, release: Release, earlier: Release) -> "Comparison":
        """Compare a release with an earlier one of its package."""
        return cls(
            version=earlier.version,
            needs=tuple(sorted(_needs(release) - _needs(earlier))),
            platform="" if release.platform == earlier.platform else earlier.platform,
            is_by_another=_publisher(release.origin) != _publisher(earlier.origin),
        )

    @property
    def is_alike(self) -> bool:
        """Say whether nothing of it differs."""
        return not (self.needs or self.platform or self.is_by_another)


def _needs(release: Release) -> set[str]:
    return {f"{each.org}/{each.name}" for each in release.dependencies}


def _publisher(origin: Origin) -> tuple[str, str, str]:
    """Return who publishes: an account, an organization's token, or the jobs of a repository."""
    job = origin.provenance
    return (origin.principal, job.provider if job else "", job.repository if job else "")
