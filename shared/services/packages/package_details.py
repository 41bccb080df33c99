"""Package details: what a package page shows of a release, its owner, dependencies, dependents,
pulls and history.

A package is read further only after the caller is known to see it, so a hidden package costs what a
missing one costs.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.accounts import Organization, organization_place
from shared.domain.errors.packages import (
    PackageNotFound,
    PackageWithdrawn,
    ReleaseNotFound,
    ReleaseWithdrawn,
    Withdrawal,
)
from shared.domain.events import EVERY_VERSION, ChangeKind, PackageChange, package_change
from shared.domain.identity import Principal
from shared.domain.names import ANY_CLIENT, Coordinate, OrgName, Package, PackageName, Range
from shared.domain.packages import (
    Dependency,
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
from shared.domain.resolution import latest
from shared.domain.search import Query, ResultPage, Results
from shared.domain.times import MS
from shared.ports import (
    Clock,
    DirectoryStore,
    DocumentStore,
    EventStore,
    MetadataStore,
    PackageReader,
    PullHistory,
    PullLedger,
)
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.search import PackageSearch

DAILY_PULLS_SHOWN_FOR = timedelta(days=90)
_COUNT_ONLY = ResultPage(limit=0)


class PackageOwner(Struct, frozen=True):
    """The organization that owns a package, as far as everybody may know it."""

    name: str
    display_name: str = ""


class ReleaseChanges(Struct, frozen=True):
    """How a release differs from the version below it; a field is empty where they are the same.

    `ballerina_version` is that of the version below.
    """

    version: str
    new_dependencies: tuple[str, ...] = ()
    dropped_dependencies: tuple[str, ...] = ()
    new_modules: tuple[str, ...] = ()
    dropped_modules: tuple[str, ...] = ()
    ballerina_version: str = ""

    @classmethod
    def of(cls, entry: ReleaseEntry, below: ReleaseEntry) -> "ReleaseChanges":
        dependencies, earlier = _names(entry.dependencies), _names(below.dependencies)
        modules, modules_below = set(entry.modules), set(below.modules)
        is_rebuilt = entry.ballerina_version != below.ballerina_version
        return cls(
            version=below.version,
            new_dependencies=tuple(sorted(dependencies - earlier)),
            dropped_dependencies=tuple(sorted(earlier - dependencies)),
            new_modules=tuple(sorted(modules - modules_below)),
            dropped_modules=tuple(sorted(modules_below - modules)),
            ballerina_version=below.ballerina_version if is_rebuilt else "",
        )


def _names(dependencies: Iterable[Dependency]) -> set[str]:
    return {f"{each.org}/{each.name}" for each in dependencies}


@dataclass(frozen=True)  # Without slots: pages read the package many times.
class ReleaseDetails:
    """A release and its package; `entries` are the live releases, newest first, and `withdrawn` is
    the highest withdrawn version if that is above the latest one."""

    head: Head
    release: Release
    owner: PackageOwner
    entries: tuple[ReleaseEntry, ...]
    latest: ReleaseEntry
    withdrawn: str = ""

    @cached_property
    def package(self) -> Package:
        """The package, in the spelling of its first push."""
        return self.head.package

    @property
    def deprecation(self) -> str | None:
        return effective_deprecation(self.head, self.release.deprecation)

    def changes_of(self, version: str) -> ReleaseChanges | None:
        """Return how a live release differs from the one below it; None for the lowest."""
        versions = [each.version for each in self.entries]
        at = versions.index(version)
        entry, *below = self.entries[at : at + 2]
        return ReleaseChanges.of(entry, below[0]) if below else None

    @property
    def is_public(self) -> bool:
        return self.head.visibility is Visibility.PUBLIC

    @property
    def is_latest(self) -> bool:
        return self.release.version == self.latest.version


class DependencyDetails(Struct, frozen=True):
    """A package of a dependency graph; `latest` is None if this registry does not have it."""

    node: GraphNode
    is_direct: bool
    latest: str | None
    deprecation: str | None


class PackageDetails(Struct, frozen=True):
    """Reads packages for their pages."""

    packages: HostedPackages
    search: PackageSearch
    records: PackageReader
    documents: DocumentStore
    directory: DirectoryStore
    pulls: PullLedger
    clock: Clock

    async def package(self, package: Package, *, by: Principal) -> ReleaseDetails:
        """Return the package with its latest release. Two trips.

        Raises `PackageNotFound`, or `PackageWithdrawn` where it has withdrawn releases and no live
        one.
        """
        survey = await self.packages.survey_with_withheld(package, by=by)
        if survey and survey.live:
            newest = _latest(survey)
            return await self._details(survey, newest, newest)
        if survey and survey.withdrawn:
            raise PackageWithdrawn(survey.head.package, tuple(map(_withdrawal, survey.withdrawn)))
        raise PackageNotFound(package)

    async def release(self, coordinate: Coordinate, *, by: Principal) -> ReleaseDetails:
        """Return a release; raise `ReleaseNotFound` if it is missing or held, and
        `ReleaseWithdrawn` if it was withdrawn. Costs the same in all cases."""
        package = coordinate.package
        survey = await self.packages.survey_with_withheld(package, coordinate, by=by)
        entries = survey.entries if survey else ()
        wanted = coordinate.version.text
        entry = next((each for each in entries if each.version == wanted), None)
        if survey and entry and entry.state is State.LIVE:
            return await self._details(survey, entry, _latest(survey))
        if survey and entry and entry.is_withdrawn:
            better = latest(survey, Range(), ANY_CLIENT)
            named = survey.head.package.at(entry.parsed)
            raise ReleaseWithdrawn(named, _withdrawal(entry), better.version if better else "")
        raise ReleaseNotFound(coordinate.package, coordinate.version)

    async def texts(self, details: ReleaseDetails) -> Texts:
        return await self.documents.texts(details.release.content)

    async def graph(self, details: ReleaseDetails) -> tuple[GraphNode, ...]:
        """Return the packages that the release was built with, itself first."""
        [document] = await self.documents.graphs([details.release.content])
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
        surveys = await self.records.survey(packages)
        candidates = list(zip(packages, surveys, strict=True))
        visible = await self.packages.authorization.visible(by, candidates)
        by_key = {survey.head.package.key: survey for survey in visible}
        return [
            _dependency(node, (node.org, node.name) in direct, by_key.get(package.key))
            for node, package in zip(others, packages, strict=True)
        ]

    async def dependents(self, package: Package, page: ResultPage, *, by: Principal) -> Results:
        """Return the packages whose latest release depends on this one directly.

        Asks the search index alone.
        """
        query = Query(depends_on=package.key, include_deprecated=True)
        return await self.search.search(query, page, by=by)

    async def dependents_count(self, package: Package, *, by: Principal) -> int:
        """Return how many packages `dependents` lists."""
        return (await self.dependents(package, _COUNT_ONLY, by=by)).count

    async def pull_history(self, details: ReleaseDetails) -> PullHistory:
        """Return the pulls of the package: of all time, and of each of the last 90 days."""
        since_ms = self.clock.now_ms() - (DAILY_PULLS_SHOWN_FOR - timedelta(days=1)) // MS
        since = f"{datetime.fromtimestamp(since_ms / 1000, UTC):%Y-%m-%d}"
        return await self.pulls.history(details.package, since=since)

    async def _details(
        self, survey: Survey, entry: ReleaseEntry, newest: ReleaseEntry
    ) -> ReleaseDetails:
        head, org = survey.head, OrgName(survey.head.org)
        found, organization = await asyncio.gather(
            self.records.find(head.package.at(entry.parsed)),
            self.directory.get(Organization, organization_place(org)),
        )
        if found.release is None or found.release.state is not State.LIVE:
            raise ReleaseNotFound(head.package, entry.parsed)
        owner = _owner(org, organization)
        withdrawn = _withdrawn_above(survey, newest)
        return ReleaseDetails(head, found.release, owner, survey.live, newest, withdrawn)


def _owner(org: OrgName, organization: Organization | None) -> PackageOwner:
    """Return the owner; of one whose packages are private by default only the name."""
    if organization is None or organization.is_hidden:
        return PackageOwner(org)
    return PackageOwner(organization.name, organization.display_name)


def _withdrawal(entry: ReleaseEntry) -> Withdrawal:
    at_ms = entry.changed_ms or entry.created_ms
    is_final = entry.state is State.REMOVED
    withdrawal = Withdrawal(entry.version, is_final, at_ms, entry.created_ms)
    if reason := entry.public_reason:
        return withdrawal._replace(why=reason.why.value, note=reason.note)
    return withdrawal


def _withdrawn_above(survey: Survey, newest: ReleaseEntry) -> str:
    """Return the highest withdrawn version if it is above the latest one: visitors look for it."""
    highest = next(iter(survey.withdrawn), None)
    return highest.version if highest and highest.parsed > newest.parsed else ""


def _latest(survey: Survey) -> ReleaseEntry:
    """Return the latest release; a package that was found has a live one."""
    return cast("ReleaseEntry", latest(survey, Range(), ANY_CLIENT))


def _dependency(node: GraphNode, is_direct: bool, survey: Survey | None) -> DependencyDetails:
    entry = latest(survey, Range(), ANY_CLIENT) if survey else None
    if survey is None or entry is None:
        return DependencyDetails(node, is_direct, None, None)
    own = next((each.deprecation for each in survey.entries if each.version == node.version), None)
    deprecation = effective_deprecation(survey.head, own)
    return DependencyDetails(node, is_direct, entry.version, deprecation)


# Events: the log of a large organization is not read whole to find those of one package.
EVENTS_READ = 200
EVENTS_SHOWN = 30  # Changes of an organization: each may be of another package, which is read.

# Changes of one release are shown while it is live; decisions of administrators never are.
_CHANGES_OF_RELEASES = frozenset(
    {ChangeKind.PUBLISHED, ChangeKind.DEPRECATED, ChangeKind.UNDEPRECATED}
)


class PackageHistoryEntry(Struct, frozen=True):
    """A change of a package (`version` is `EVERY_VERSION`) or of one release.

    `job` is the repository of the CI job that published it, and `commit` what it checked out, where
    its provenance is known.
    """

    at_ms: int
    change: ChangeKind
    version: str
    message: str = ""
    job: str = ""
    commit: str = ""


class PackageHistory(Struct, frozen=True):
    """Reads what changed in packages, newest first."""

    metadata: MetadataStore
    events: EventStore

    async def of_package(self, details: ReleaseDetails) -> list[PackageHistoryEntry]:
        """Return the changes of the package and of its live releases, newest first. One trip.

        Its records have publications and deprecations. What was undone, who sees the package, and
        which job published a release is known only from the newest events of its organization.
        """
        changes = await self._changes(OrgName(details.package.org))
        live = frozenset(each.version for each in details.entries)
        shown = (
            _history_entry(change, event)
            for change, event in changes
            if change.package.key == details.package.key and _is_shown(change, live)
        )
        logged = {_identity(entry): entry for entry in shown}
        recorded = {_identity(entry): entry for entry in _recorded(details)}
        # A record has the message, the event the job.
        for identity, entry in recorded.items():
            if identity in logged:
                event = logged[identity]
                recorded[identity] = replace(entry, job=event.job, commit=event.commit)
        return sorted({**logged, **recorded}.values(), key=lambda each: -each.at_ms)

    async def of_organization(self, org: OrgName) -> list[tuple[Package, PackageHistoryEntry]]:
        """Return the newest changes of an organization's public packages, newest first. Two trips
        for every caller."""
        changes = list(islice(await self._changes(org), EVENTS_SHOWN))
        packages = {change.package.key: change.package for change, _ in changes}
        # Of the store, so that time does not reveal changes of private packages.
        surveys = await self.metadata.survey(list(packages.values()))
        public = {
            each.head.package.key: each
            for each in surveys
            if each and each.head.visibility is Visibility.PUBLIC
        }
        live = {key: frozenset(each.version for each in public[key].live) for key in public}
        return [
            (public[key].head.package, _history_entry(change, event))
            for change, event in changes
            if (key := change.package.key) in public and _is_shown(change, live[key])
        ]

    async def _changes(self, org: OrgName) -> Iterator[tuple[PackageChange, Event]]:
        batch = await self.events.stream(org_stream(org.lower()), None, EVENTS_READ)
        changes = ((package_change(0, event), event) for _, event in batch)
        return ((change, event) for change, event in changes if change is not None)


def _recorded(details: ReleaseDetails) -> list[PackageHistoryEntry]:
    """Return the changes of the package and of its live releases that are in its records."""
    history = list(_deprecation(details.head, EVERY_VERSION))
    for entry in details.entries:
        history += _deprecation(entry, entry.version)
        history.append(PackageHistoryEntry(entry.created_ms, ChangeKind.PUBLISHED, entry.version))
    return history


def _deprecation(record: Head | ReleaseEntry, version: str) -> Iterator[PackageHistoryEntry]:
    if record.deprecation is not None:
        at_ms = record.changed_ms or record.created_ms
        yield PackageHistoryEntry(at_ms, ChangeKind.DEPRECATED, version, record.deprecation)


def _history_entry(change: PackageChange, event: Event) -> PackageHistoryEntry:
    job, commit = (event.details.get(each, "") for each in ("repository", "commit"))
    return PackageHistoryEntry(event.at_ms, change.change, change.version, job=job, commit=commit)


def _is_shown(change: PackageChange, live: Set[str]) -> bool:
    """Return whether a change of a package with these live versions is shown."""
    if change.version == EVERY_VERSION:
        return True
    return change.version in live and change.change in _CHANGES_OF_RELEASES


def _identity(entry: PackageHistoryEntry) -> tuple[ChangeKind, str, int]:
    """Return the identity of a change; a release is published once, whatever the time says."""
    at_ms = 0 if entry.change is ChangeKind.PUBLISHED else entry.at_ms
    return entry.change, entry.version, at_ms
