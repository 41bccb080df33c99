"""Everything that a package page shows: a release, its owner, dependencies, dependents, pulls and
history.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TypeGuard, cast

from shared.domain.errors.packages import PackageNotFound, ReleaseNotFound
from shared.domain.events import EVERY_VERSION, ChangeKind, PackageChange, package_change
from shared.domain.identity import Principal
from shared.domain.names import Coordinate, OrgName, Package, PackageName
from shared.domain.organizations import Organization, OrganizationDomain, organization_place
from shared.domain.packages import (
    GraphNode,
    Head,
    Release,
    ReleaseEntry,
    State,
    Survey,
    Texts,
    Visibility,
    effective_deprecation,
    read_graph,
)
from shared.domain.records import Event, org_stream
from shared.domain.search import Query, ResultPage, Results
from shared.domain.selection import latest
from shared.domain.versions import ANY_CLIENT, Range
from shared.ports import (
    Clock,
    DirectoryStore,
    DocumentStore,
    EventStore,
    MetadataStore,
    PullHistory,
    PullLedger,
)
from shared.services.packages import PackageLookup
from shared.services.search import PackageSearch

# Showing: packages as people look at them, one release in front and what surrounds it.
#
# Whatever is read here of a package is read after it was found that the caller may see it, so what
# is hidden costs what is missing costs.

DAILY_PULLS_SHOWN_FOR = timedelta(days=90)  # Of which days are shown one by one.

_DAY_MS = timedelta(days=1) // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class PackageOwner:
    """Who owns a package, as far as everybody may know."""

    name: str
    display_name: str = ""
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PackageHistoryEntry:
    """Something that became of a package (`EVERY_VERSION`) or of one release.

    `job` is the repository whose job published it, where a CI system vouches for that.
    """

    at_ms: int
    change: ChangeKind
    version: str
    message: str = ""
    job: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseDetails:
    """A release with its package: `entries` are what is live of it, newest first."""

    head: Head
    release: Release
    owner: PackageOwner
    entries: tuple[ReleaseEntry, ...]
    latest: ReleaseEntry

    @property
    def package(self) -> Package:
        """Return the package, in the spelling of its first push."""
        return self.head.package

    @property
    def deprecation(self) -> str | None:
        """Return the message of its deprecation, or None."""
        return effective_deprecation(self.head, self.release.deprecation)

    @property
    def history_entries(self) -> list[PackageHistoryEntry]:
        """Return what became of the package and of what is live of it, as its records know."""
        found = list(_deprecated(self.head, EVERY_VERSION))
        for entry in self.entries:
            found += _deprecated(entry, entry.version)
            found.append(PackageHistoryEntry(entry.created_ms, ChangeKind.PUBLISHED, entry.version))
        return sorted(found, key=lambda each: -each.at_ms)

    @property
    def is_public(self) -> bool:
        """Say whether everybody sees the package."""
        return self.head.visibility is Visibility.PUBLIC

    @property
    def is_latest(self) -> bool:
        """Say whether this is the release that the package stands for."""
        return self.release.version == self.latest.version


@dataclass(frozen=True, slots=True)
class DependencyDetails:
    """A package of a dependency graph; `newest` is what is here of it, if anything is."""

    node: GraphNode
    is_direct: bool
    latest: str | None
    deprecation: str | None


@dataclass(frozen=True)
class PackageDetails:
    """Reads what people want to know of packages."""

    packages: PackageLookup
    search: PackageSearch
    metadata: MetadataStore
    documents: DocumentStore
    directory: DirectoryStore
    pulls: PullLedger
    clock: Clock

    async def package(self, package: Package, *, by: Principal) -> ReleaseDetails:
        """Return the package with its best release; raise `PackageNotFound`. Two trips."""
        survey = await self.packages.survey(package, by=by)
        return await self._details(survey, _best(survey))

    async def release(self, coordinate: Coordinate, *, by: Principal) -> ReleaseDetails:
        """Return this release; raise `ReleaseNotFound` for what is missing or withheld."""
        try:
            survey = await self.packages.survey(coordinate.package, by=by)
        except PackageNotFound:
            raise ReleaseNotFound(coordinate.package, coordinate.version) from None
        wanted = coordinate.version.text
        for entry in survey.entries:
            if entry.version == wanted and entry.state is State.LIVE:
                return await self._details(survey, entry)
        raise ReleaseNotFound(coordinate.package, coordinate.version)

    async def texts(self, portrait: ReleaseDetails) -> Texts:
        """Return the documentation of the release."""
        return await self.documents.texts(portrait.release.content)

    async def graph(self, portrait: ReleaseDetails) -> tuple[GraphNode, ...]:
        """Return the packages that the release was built with, itself first."""
        [document] = await self.documents.graphs([portrait.release.content])
        return read_graph(document)

    async def dependencies(
        self, nodes: Sequence[GraphNode], *, by: Principal
    ) -> list[DependencyDetails]:
        """Return what is here of these packages, the first of which needs some directly.

        Those that the caller may not see are as if they were not here.
        """
        own, *others = nodes
        direct = {(each.org, each.name) for each in own.dependencies}
        packages = [_package(node) for node in others]
        surveys = await self.metadata.survey(packages)
        asked = list(zip(packages, surveys, strict=True))
        visible = await self.packages.authorization.visible(by, asked)
        here = {survey.head.package.key: survey for survey in visible}
        return [
            _need(node, (node.org, node.name) in direct, here.get(package.key))
            for node, package in zip(others, packages, strict=True)
        ]

    async def dependents(self, package: Package, page: ResultPage, *, by: Principal) -> Results:
        """Return the packages whose shown release depends on this one directly; only the index is
        asked."""
        query = Query(depends_on=package.key, include_deprecated=True)
        return await self.search.search(query, page, by=by)

    async def pull_history(self, portrait: ReleaseDetails) -> PullHistory:
        """Return its pulls of all time, and of each of the last 90 days."""
        return await self.pulls.history(portrait.package, since=self.pull_days()[0])

    def pull_days(self) -> list[str]:
        """Return the last 90 days, today last, as the ledger names them."""
        today_ms = self.clock.now_ms()
        return [
            _day(today_ms - ago * _DAY_MS) for ago in range(DAILY_PULLS_SHOWN_FOR.days - 1, -1, -1)
        ]

    async def _details(self, survey: Survey, entry: ReleaseEntry) -> ReleaseDetails:
        head = survey.head
        found, owner = await asyncio.gather(
            self.metadata.find(head.package.at(entry.parsed)), self._owner(OrgName(head.org))
        )
        live = tuple(each for each in survey.entries if each.state is State.LIVE)
        if found.release is None or found.release.state is not State.LIVE:
            raise ReleaseNotFound(head.package, entry.parsed)
        return ReleaseDetails(head, found.release, owner, live, _best(survey))

    async def _owner(self, org: OrgName) -> PackageOwner:
        """Return the owner; one whose packages are private says nothing of itself here."""
        organization, domains = await asyncio.gather(
            self.directory.get(Organization, organization_place(org)),
            self.directory.of(OrganizationDomain, org.lower()),
        )
        if organization is None or organization.default_visibility is Visibility.PRIVATE:
            return PackageOwner(org)
        proven = tuple(each.domain for each in domains if each.verified_ms is not None)
        return PackageOwner(organization.name, organization.display_name, proven)


def _best(survey: Survey) -> ReleaseEntry:
    """Return the release that a package stands for; what was found has a live one."""
    return cast("ReleaseEntry", latest(survey, Range(), ANY_CLIENT))


def _need(node: GraphNode, is_direct: bool, survey: Survey | None) -> DependencyDetails:
    best = latest(survey, Range(), ANY_CLIENT) if survey else None
    if survey is None or best is None:
        return DependencyDetails(node, is_direct, None, None)
    own = next((each.deprecation for each in survey.entries if each.version == node.version), None)
    return DependencyDetails(node, is_direct, best.version, effective_deprecation(survey.head, own))


def _package(node: GraphNode) -> Package:
    return Package(OrgName(node.org), PackageName(node.name))


def _deprecated(record: Head | ReleaseEntry, version: str) -> Iterator[PackageHistoryEntry]:
    if record.deprecation is not None:
        at_ms = record.changed_ms or record.created_ms
        yield PackageHistoryEntry(at_ms, ChangeKind.DEPRECATED, version, record.deprecation)


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")


EVENTS_READ = (
    200  # Events: the log of a large organization is not read whole to find those of a package.
)
EVENTS_SHOWN = 30  # Changes of an organization: each may be of another package, which is read.

# What happened to one release is told while it is there; whoever decides of others tells nobody.
_OF_RELEASES = frozenset({ChangeKind.PUBLISHED, ChangeKind.DEPRECATED, ChangeKind.UNDEPRECATED})


@dataclass(frozen=True, slots=True)
class PackageHistory:
    """Tells what happened to a package that whoever asks may see, or to those of an organization.

    What lasts is in its records. That something was taken back, who sees it, and which job
    published a release is told of what is among the newest events of its organization.
    """

    events: EventStore
    metadata: MetadataStore

    async def of_organization(self, org: OrgName) -> list[tuple[Package, PackageHistoryEntry]]:
        """Return what became lately of the packages of an organization that everybody sees, newest
        first. Two trips, whoever asks."""
        batch = await self.events.stream(org_stream(org.lower()), None, EVENTS_READ)
        changes = list(islice(_changes(event for _, event in batch), EVENTS_SHOWN))
        packages = {change.package.key: change.package for change, _ in changes}
        surveys = await self.metadata.survey(list(packages.values()))
        public = {each.head.package.key: each for each in surveys if _is_public(each)}
        found = ((public.get(change.package.key), change, told) for change, told in changes)
        return [
            (survey.head.package, told)
            for survey, change, told in found
            if survey and _is_told(change, survey.entries)
        ]

    async def of_package(self, portrait: ReleaseDetails) -> list[PackageHistoryEntry]:
        """Return what became of the package and of what is live of it, newest first. One trip."""
        batch = await self.events.stream(
            org_stream(portrait.package.org.lower()), None, EVENTS_READ
        )
        logged = {_key(each): each for each in _told(portrait, (event for _, event in batch))}
        known = {_key(each): each for each in portrait.history_entries}
        # A record has the message, the log the job.
        both = {key: replace(each, job=_job_of(logged.get(key))) for key, each in known.items()}
        return sorted({**logged, **both}.values(), key=lambda each: -each.at_ms)


def _told(portrait: ReleaseDetails, events: Iterable[Event]) -> Iterator[PackageHistoryEntry]:
    for change, happening in _changes(events):
        is_own = change.package.key == portrait.package.key
        if is_own and _is_told(change, portrait.entries):
            yield happening


def _changes(events: Iterable[Event]) -> Iterator[tuple[PackageChange, PackageHistoryEntry]]:
    for event in events:
        change = package_change(0, event)
        if change is not None:
            job = event.details.get("repository", "")
            yield change, PackageHistoryEntry(event.at_ms, change.change, change.version, job=job)


def _is_told(change: PackageChange, entries: Iterable[ReleaseEntry]) -> bool:
    if change.version == EVERY_VERSION:
        return True
    live = any(each.version == change.version and each.state is State.LIVE for each in entries)
    return live and change.change in _OF_RELEASES


def _is_public(survey: Survey | None) -> TypeGuard[Survey]:
    return survey is not None and survey.head.visibility is Visibility.PUBLIC


def _key(happening: PackageHistoryEntry) -> tuple[ChangeKind, str, int]:
    """Return what tells one happening from others: a release is published once."""
    is_first = happening.change is ChangeKind.PUBLISHED
    return happening.change, happening.version, 0 if is_first else happening.at_ms


def _job_of(happening: PackageHistoryEntry | None) -> str:
    return happening.job if happening else ""
