"""Packages of an organization whose latest release is affected, by itself, by what it depends on or
by a Java library inside."""

from collections.abc import AsyncIterator, Iterator, Sequence

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.advisories.advisories import Advisory
from shared.domain.advisories.findings import ReleaseFindings
from shared.domain.distributions import ANY_CLIENT
from shared.domain.names import OrgName
from shared.domain.packages import Release, Survey
from shared.domain.principals import Principal
from shared.domain.scopes import Action
from shared.domain.version_choice import latest
from shared.domain.versions import Range
from shared.ports.metadata import MetadataStore
from shared.services.advisories.advisories import Advisories
from shared.services.record_batches import package_batches

PACKAGES_AT_ONCE = 50  # Packages read at once, each with its release and its dependency graph.


class AdvisoryFinding(Struct, frozen=True):
    """An advisory, and what brings it into a release: a dependency, a library, or empty for the
    release itself."""

    advisory: Advisory
    through: str = ""
    is_of_library: bool = False


class AffectedPackage(Struct, frozen=True):
    """The latest release of a package, with what was found for it."""

    release: Release
    findings: tuple[AdvisoryFinding, ...]

    @classmethod
    def of(cls, release: Release, found: ReleaseFindings) -> "AffectedPackage":
        return cls(release, tuple(_findings(release, found)))


def _findings(release: Release, found: ReleaseFindings) -> Iterator[AdvisoryFinding]:
    # The organization knows what it wrote itself.
    others = (each for each in found.own if each.org != release.org.lower())
    yield from (AdvisoryFinding(each) for each in others)
    for dependency in found.dependencies:
        for each in dependency.advisories:
            yield AdvisoryFinding(each, str(dependency.dependency))
    for library in found.java_libraries:
        for each in library.advisories:
            name = _library_name(library.library.name, library.library.version)
            yield AdvisoryFinding(each, name, is_of_library=True)


def _library_name(name: str, version: str) -> str:
    return f"{name} {version}".strip() or "a Java library"


class AffectedPackages(Struct, frozen=True):
    """Looks at the latest release of each package of an organization."""

    authorization: Authorization
    metadata: MetadataStore
    advisories: Advisories

    async def of_organization(
        self, org: OrgName, *, by: Principal
    ) -> AsyncIterator[AffectedPackage]:
        """Yield the packages that are affected, in the order of their names.

        Raises `organization-not-found` unless `by` is a member. The cost grows with the packages of
        the organization.
        """
        await self.authorization.require_in_organization(by, Action.READ, org)
        async for heads in package_batches(
            self.metadata, PACKAGES_AT_ONCE, prefix=f"{org.lower()}/"
        ):
            surveys = await self.metadata.survey([each.package for each in heads])
            for release in await self._latest(surveys):
                found = AffectedPackage.of(release, await self.advisories.of_release(release, by))
                if found.findings:
                    yield found

    async def _latest(self, surveys: Sequence[Survey | None]) -> list[Release]:
        found = list[Release]()
        for survey in surveys:
            entry = latest(survey, Range(), ANY_CLIENT) if survey else None
            if survey is None or entry is None:
                continue
            stored = await self.metadata.find(survey.head.package.at(entry.parsed))
            if stored.available:
                found.append(stored.available.release)
        return found
