"""Package details: what a package page shows of a release, its owner, dependencies, dependents,
pulls and history.

Everything else about a package is read only after it is known that the caller may see it. So a
hidden package takes the same calls of the stores as a missing one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.checklists import NO_DEPENDENCIES, DependencyStates
from shared.domain.coordinates import Coordinate, Package
from shared.domain.dependency_graphs import GraphNode, read_graph
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.packages import ReleaseNotFound, Withdrawal
from shared.domain.names import OrgName, PackageName
from shared.domain.organizations import Organization, organization_place
from shared.domain.packages import (
    Dependency,
    Head,
    Release,
    ReleaseEntry,
    RequiredProvenance,
    Survey,
    Texts,
    effective_deprecation,
)
from shared.domain.principals import Principal
from shared.domain.provenance.losses import lost_provenance
from shared.domain.release_lists import is_built_in
from shared.domain.version_choice import latest
from shared.domain.versions import Range, Version
from shared.domain.visibility import Visibility
from shared.domain.withdrawals import withdrawal_of
from shared.ports.directory import DirectoryStore
from shared.ports.documents import DocumentStore
from shared.ports.metadata import PackageReader
from shared.ports.pull_ledger import PullHistory, PullLedger
from shared.ports.system import Clock
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.source import PackageSource, UnstoredRelease, VisibleRelease
from shared.services.packages.successors import Successors

DAILY_PULLS_SHOWN_FOR = timedelta(days=90)


class WithdrawnDependency(Struct, frozen=True):
    """A dependency whose version was withdrawn, and why."""

    coordinate: Coordinate
    withdrawal: Withdrawal


class PackageOwner(Struct, frozen=True):
    """What everybody may know about the organization that owns a package."""

    name: str
    display_name: str = ""
    # The provenance that new releases need.
    requires_provenance: RequiredProvenance = RequiredProvenance.NOTHING


# The dictionary keeps what is computed once: pages read the package many times.
class ReleaseDetails(Struct, frozen=True, dict=True):
    """A release and its package.

    There is only a description of a release that is not stored (`release.is_stored`).
    """

    head: Head
    release: Release
    owner: PackageOwner
    entries: tuple[ReleaseEntry, ...]  # The live releases, newest first.
    latest: ReleaseEntry
    withdrawn: str = ""  # The highest withdrawn version, if it is above the latest one.
    is_withdrawn_by_owner: bool = False
    withdrawals: tuple[Withdrawal, ...] = ()  # Those of all versions of the package.
    withdrawn_dependencies: tuple[WithdrawnDependency, ...] = ()  # Those that the caller may see.
    successor: Package | None = None  # What replaces the package, if the caller may see that.
    dependencies: DependencyStates = NO_DEPENDENCIES  # What became of the direct ones.
    # For a release that is not stored: the versions of its package, of which some may be stored.
    listed_versions: tuple[Version, ...] = ()

    @cached_property
    def package(self) -> Package:
        """The package, in the spelling of its first push."""
        return self.head.package

    @property
    def deprecation(self) -> str | None:
        return effective_deprecation(self.head, self.release.deprecation)

    @cached_property
    def lost_provenance(self) -> Mapping[str, str]:
        """The versions that no CI job published, each with the last one before it that a job
        did."""
        return lost_provenance(self.entries)

    @property
    def is_public(self) -> bool:
        return self.head.visibility is Visibility.PUBLIC

    @property
    def is_latest(self) -> bool:
        return self.release.version == self.latest.version


class DependencyDetails(Struct, frozen=True):
    """A package of a dependency graph; `latest` is None if this registry does not have it, and
    `withdrawal` says why the version was withdrawn."""

    node: GraphNode
    is_direct: bool
    latest: str | None
    deprecation: str | None
    withdrawal: Withdrawal | None = None

    @property
    def is_built_in(self) -> bool:
        """Whether it is a part of the distribution, which no registry has."""
        return is_built_in(self.node.org, self.node.name, self.node.version)


class PackageDetails(Struct, frozen=True):
    """Reads packages for their pages."""

    hosted: HostedPackages
    package_reader: PackageReader
    documents: DocumentStore
    directory: DirectoryStore
    pulls: PullLedger
    successors: Successors
    clock: Clock

    async def find(
        self, package: Package, version: Version | None, source: PackageSource, *, by: Principal
    ) -> ReleaseDetails:
        """Return a release as `source` finds it, or the latest one without a version. Takes two
        round trips to the store for one that is stored.

        Raises `PackageNotFound` or `ReleaseNotFound`, and `PackageWithdrawn` or `ReleaseWithdrawn`
        for what was withdrawn.
        """
        found = await source.visible_release(package, version, by=by)
        if isinstance(found, UnstoredRelease):
            return _unstored_details(found)
        return await self._details(found, by)

    async def stored(
        self, package: Package, version: Version | None = None, *, by: Principal
    ) -> ReleaseDetails:
        """Return a stored release, or the latest one without a version; raise as `find` does."""
        return await self.find(package, version, self.hosted, by=by)

    async def texts(self, details: ReleaseDetails) -> Texts:
        return await self.documents.texts(details.release.archive_digest)

    async def graph(self, details: ReleaseDetails) -> tuple[GraphNode, ...]:
        """Return the packages that the release was built with, itself first."""
        [document] = await self.documents.graphs([details.release.archive_digest])
        return read_graph(document)

    async def dependencies(
        self, nodes: Sequence[GraphNode], *, by: Principal
    ) -> list[DependencyDetails]:
        """Return the packages of a graph that this registry has, without the first, its root.

        A package that the caller may not see is like one that the registry does not have.
        """
        root, *others = nodes
        direct = {(each.org, each.name) for each in root.dependencies}
        packages = [Package(OrgName(node.org), PackageName(node.name)) for node in others]
        surveys = await self.hosted.visible(packages, by=by)
        return [
            _dependency(node, (node.org, node.name) in direct, surveys.get(package.key))
            for node, package in zip(others, packages, strict=True)
        ]

    async def withdrawn_dependencies(
        self, dependencies: Sequence[Dependency], *, by: Principal
    ) -> tuple[WithdrawnDependency, ...]:
        """Return those whose version was withdrawn, of packages that the caller may see. One
        trip."""
        return _withdrawn(await self._surveyed(dependencies, by))

    async def _surveyed(
        self, dependencies: Sequence[Dependency], by: Principal
    ) -> "SurveyedDependencies":
        """Return each dependency with its package, if the caller may see that. Takes one
        round trip to the store."""
        packages = [Package(OrgName(each.org), PackageName(each.name)) for each in dependencies]
        surveys = await self.hosted.visible(packages, by=by)
        found = [surveys.get(each.key) for each in packages]
        return list(zip(dependencies, found, strict=True))

    async def pull_history(self, details: ReleaseDetails) -> PullHistory:
        """Return the pulls of the package: of all time, and of each of the last 90 days, the oldest
        first, also of days without any."""
        first = self._first_recent_day()
        days = [(first + timedelta(each)).isoformat() for each in range(DAILY_PULLS_SHOWN_FOR.days)]
        history = await self.pulls.history(details.package, since=days[0])
        return replace(history, days={day: history.days.get(day, {}) for day in days})

    async def recent_pulls(self, details: ReleaseDetails) -> list[int]:
        """Return how often the package was pulled on each of the last 90 days, the oldest first."""
        first = self._first_recent_day()
        history = await self.pulls.history(details.package, since=first.isoformat())
        counts = [0] * DAILY_PULLS_SHOWN_FOR.days
        for day, by_version in history.days.items():
            place = (date.fromisoformat(day) - first).days
            if place < len(counts):  # The clock of another process may be past midnight already.
                counts[place] = sum(by_version.values())
        return counts

    def _first_recent_day(self) -> date:
        """Return the first of the last days in UTC, of which today is the last."""
        today = datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC).date()
        return today - DAILY_PULLS_SHOWN_FOR + timedelta(days=1)

    async def _details(self, visible: VisibleRelease, by: Principal) -> ReleaseDetails:
        survey = visible.survey
        entry = visible.entry
        newest = _latest(survey)
        head = survey.head
        org = OrgName(head.org)
        found, organization, dependencies, successor = await asyncio.gather(
            self.package_reader.find(head.package.at(entry.parsed)),
            self.directory.get(Organization, organization_place(org)),
            self._surveyed(entry.dependencies, by),
            self.successors.named(head, by=by),
        )
        available = found.available
        if available is None:  # Somebody withdrew the release in the meantime.
            raise ReleaseNotFound(head.package, entry.parsed)
        owner = _owner(org, organization)
        withdrawn = _withdrawn_above(survey, newest)
        return ReleaseDetails(
            head=head,
            release=available.release,
            owner=owner,
            entries=survey.live,
            latest=newest,
            withdrawn=withdrawn.version if withdrawn else "",
            is_withdrawn_by_owner=withdrawn is not None and withdrawn.is_held_by_owner,
            withdrawals=tuple(map(withdrawal_of, survey.publicly_withheld)),
            withdrawn_dependencies=_withdrawn(dependencies),
            successor=successor,
            dependencies=_states(dependencies),
        )


def _unstored_details(found: UnstoredRelease) -> ReleaseDetails:
    """Return the description of a release by its upstream; the release is not stored here."""
    listing = found.listing
    entry = ReleaseEntry.of(listing.release)
    owner = PackageOwner(listing.head.org)
    return ReleaseDetails(
        listing.head, listing.release, owner, (), entry, listed_versions=found.versions
    )


SurveyedDependencies = Sequence[tuple[Dependency, Survey | None]]


def _withdrawn(dependencies: SurveyedDependencies) -> tuple[WithdrawnDependency, ...]:
    return tuple(
        WithdrawnDependency(_coordinate(survey, wanted), withdrawal)
        for wanted, survey in dependencies
        if survey and (withdrawal := _withdrawal_in(survey, wanted.version))
    )


def _states(dependencies: SurveyedDependencies) -> DependencyStates:
    withdrawn = tuple(each.coordinate for each in _withdrawn(dependencies))
    deprecated = tuple(
        _coordinate(survey, wanted)
        for wanted, survey in dependencies
        if survey
        and _withdrawal_in(survey, wanted.version) is None
        and _deprecation_in(survey, wanted.version) is not None
    )
    unseen = sum(survey is None for _, survey in dependencies)
    return DependencyStates(deprecated, withdrawn, unseen)


def _coordinate(survey: Survey, wanted: Dependency) -> Coordinate:
    return survey.head.package.at(Version.parse(wanted.version))


def _owner(org: OrgName, organization: Organization | None) -> PackageOwner:
    """Return the owner; only the name of an organization whose packages are private by default."""
    if organization is None or organization.is_hidden:
        return PackageOwner(org)
    return PackageOwner(
        organization.name, organization.display_name, organization.requires_provenance
    )


def _withdrawn_above(survey: Survey, newest: ReleaseEntry) -> ReleaseEntry | None:
    """Return the highest withdrawn version if it is above the latest one: visitors look for it."""
    highest = next(iter(survey.publicly_withheld), None)
    return highest if highest and highest.parsed > newest.parsed else None


def _latest(survey: Survey) -> ReleaseEntry:
    """Return the latest release; a package that was found has a live one."""
    return cast("ReleaseEntry", latest(survey, Range(), ANY_CLIENT))


def _dependency(node: GraphNode, is_direct: bool, survey: Survey | None) -> DependencyDetails:
    entry = latest(survey, Range(), ANY_CLIENT) if survey else None
    withdrawal = _withdrawal_in(survey, node.version) if survey else None
    if survey is None or entry is None:
        return DependencyDetails(node, is_direct, None, None, withdrawal)
    deprecation = _deprecation_in(survey, node.version)
    return DependencyDetails(node, is_direct, entry.version, deprecation, withdrawal)


def _deprecation_in(survey: Survey, version: str) -> str | None:
    """Return the deprecation of a version of the package, or of the package; None without."""
    own = next((each.deprecation for each in survey.entries if each.version == version), None)
    return effective_deprecation(survey.head, own)


def _withdrawal_in(survey: Survey, version: str) -> Withdrawal | None:
    """Return why a version of the package was withdrawn; None if it was not."""
    entry = next((each for each in survey.publicly_withheld if each.version == version), None)
    return withdrawal_of(entry) if entry else None
