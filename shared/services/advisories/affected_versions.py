"""Which releases advisories affect, for lists and pages that show these releases anyway."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from shared.domain.advisories.advisories import Advisory, PackageVersion
from shared.domain.advisories.records import OWNER
from shared.domain.advisories.severity_levels import by_severity
from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import InvalidName, Unavailable
from shared.domain.packages import Survey
from shared.domain.principals import ANONYMOUS
from shared.domain.versions import Version
from shared.runtime.answer_dependencies import Dependencies
from shared.runtime.editions import RECORDS, records_of
from shared.services.advisories.advisory_index import AdvisoryIndex, IndexedAdvisory
from shared.services.packages.hosted_packages import HostedPackages

# What an answer depends on if it contains the advisories that affect a release.
ADVISORIES = Dependencies(frozenset((RECORDS, records_of(OWNER))))


class AffectedReleases(Struct, frozen=True):
    """The advisories of each release that was asked about, the most severe first, and on what they
    depend."""

    advisories: tuple[tuple[Advisory, ...], ...]
    depends_on: Dependencies | None = ADVISORIES  # None where they could not be read.


class AffectedVersions(Struct, frozen=True):
    """Says which advisories affect releases that the caller may see.

    They are in memory. One that names other packages too counts if everybody may see these, so all
    readers of a package get the same answer about it, and a cache may keep that.
    """

    index: AdvisoryIndex
    hosted: HostedPackages
    ecosystem: str  # The OSV ecosystem of the packages of this registry.

    async def of_releases(self, releases: Sequence[Coordinate]) -> AffectedReleases:
        """Return what affects each release, in their order; nothing where the store of advisories
        has not answered since the start: what is shown beside them is shown without them."""
        try:
            index = await self.index.current()
        except Unavailable:
            return AffectedReleases(((),) * len(releases), depends_on=None)
        # Most registries have no advisories of their packages.
        is_about_packages = index.is_about(self.ecosystem)
        found = [index.matching(self.asked(each)) for each in releases] if is_about_packages else []
        if not any(found):
            return AffectedReleases(((),) * len(releases))
        others = {
            name
            for release, advisories in zip(releases, found, strict=True)
            for each in advisories
            for name in self._others(each, release.package)
        }
        public = await self.hosted.visible(list(_packages(others)), by=ANONYMOUS)
        shown = (
            tuple(
                by_severity(
                    self.index.advisory(each)
                    for each in advisories
                    if public.keys() >= self._others(each, release.package)
                )
            )
            for release, advisories in zip(releases, found, strict=True)
        )
        return AffectedReleases(tuple(shown), ADVISORIES | Dependencies(frozenset(others)))

    @property
    def cacheable_until_ms(self) -> float:
        """Until when of the monotonic clock an answer that says what is affected may be cached,
        while what it depends on is unchanged."""
        return self.index.cacheable_until_ms

    async def of_versions(
        self, package: Package, versions: Sequence[str]
    ) -> Mapping[str, tuple[Advisory, ...]]:
        """Return the advisories of those versions of a package that have any."""
        releases = [package.at(Version.parse(each)) for each in versions]
        found = await self.of_releases(releases)
        listed = zip(versions, found.advisories, strict=True)
        return {version: each for version, each in listed if each}

    async def of_survey(
        self, survey: Survey
    ) -> tuple[Mapping[str, list[str]], Dependencies | None]:
        """Return the ids of the advisories of those live versions that have any, and on what they
        depend."""
        live = survey.live
        found = await self.of_releases([survey.head.package.at(each.parsed) for each in live])
        listed = zip(live, found.advisories, strict=True)
        ids = {entry.version: [one.id for one in each] for entry, each in listed if each}
        return ids, found.depends_on

    def asked(self, release: Coordinate) -> PackageVersion:
        """Return what is asked about a release of this registry."""
        return PackageVersion(self.ecosystem, str(release.package), release.version.text)

    def _others(self, advisory: IndexedAdvisory, package: Package) -> set[str]:
        """Return the keys of the packages of this registry that it names beside this one."""
        return {each.lower() for each in advisory.names_of(self.ecosystem)} - {package.key}


def _packages(keys: Iterable[str]) -> Iterable[Package]:
    for each in sorted(keys):
        try:
            yield Package.from_text(each)
        except InvalidName:  # No such package can be here, so nobody may see it.
            continue
