"""Showing: packages as people look at them, one release in front and what surrounds it.

Whatever is read here of a package is read after it was found that the caller may see it, so what is
hidden costs what is missing costs.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from shared.domain.change import EVERY_VERSION, Change
from shared.domain.domains import Domain
from shared.domain.errors import PackageNotFound, ReleaseNotFound
from shared.domain.graph_document import read_graph
from shared.domain.identity import Principal
from shared.domain.language import EVERYTHING
from shared.domain.names import Coordinate, OrgName, Package, PackageName
from shared.domain.organizations import Organization, place_of
from shared.domain.package import (
    Entry,
    GraphNode,
    Head,
    Release,
    State,
    Survey,
    Texts,
    Visibility,
    effective_deprecation,
)
from shared.domain.query import Page, Query, Results
from shared.domain.selection import newest
from shared.domain.version import Range
from shared.ports import (
    Clock,
    DirectoryStore,
    DocumentStore,
    MetadataStore,
    PullHistory,
    PullLedger,
)
from shared.services.pulling import Pulling
from shared.services.searching import Searching

RECENT = timedelta(days=90)  # Of which days are shown one by one.

_DAY_MS = timedelta(days=1) // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns a package, as far as everybody may know."""

    name: str
    display_name: str = ""
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that became of a package (`EVERY_VERSION`) or of one release.

    `job` is the repository whose job published it, where a CI system vouches for that.
    """

    at_ms: int
    change: Change
    version: str
    message: str = ""
    job: str = ""


@dataclass(frozen=True, slots=True)
class Portrait:
    """A release with its package: `entries` are what is live of it, newest first."""

    head: Head
    release: Release
    owner: Owner
    entries: tuple[Entry, ...]
    newest: Entry

    @property
    def package(self) -> Package:
        """Return the package, in the spelling of its first push."""
        return self.head.package

    @property
    def deprecation(self) -> str | None:
        """Return the message of its deprecation, or None."""
        return effective_deprecation(self.head, self.release.deprecation)

    @property
    def happenings(self) -> list[Happening]:
        """Return what became of the package and of what is live of it, as its records know."""
        found = list(_deprecated(self.head, EVERY_VERSION))
        for entry in self.entries:
            found += _deprecated(entry, entry.version)
            found.append(Happening(entry.created_ms, Change.PUBLISHED, entry.version))
        return sorted(found, key=lambda each: -each.at_ms)

    @property
    def is_public(self) -> bool:
        """Say whether everybody sees the package."""
        return self.head.visibility is Visibility.PUBLIC

    @property
    def is_newest(self) -> bool:
        """Say whether this is the release that the package stands for."""
        return self.release.version == self.newest.version


@dataclass(frozen=True, slots=True)
class Need:
    """A package of a dependency graph; `newest` is what is here of it, if anything is."""

    node: GraphNode
    is_direct: bool
    newest: str | None
    deprecation: str | None


@dataclass(frozen=True)
class Showing:
    """Reads what people want to know of packages."""

    pulling: Pulling
    searching: Searching
    metadata: MetadataStore
    documents: DocumentStore
    directory: DirectoryStore
    pulls: PullLedger
    clock: Clock

    async def package(self, package: Package, *, by: Principal) -> Portrait:
        """Return the package with its best release; raise `PackageNotFound`. Two trips."""
        survey = await self.pulling.survey(package, by=by)
        return await self._portrait(survey, _best(survey))

    async def release(self, coordinate: Coordinate, *, by: Principal) -> Portrait:
        """Return this release; raise `ReleaseNotFound` for what is missing or withheld."""
        try:
            survey = await self.pulling.survey(coordinate.package, by=by)
        except PackageNotFound:
            raise ReleaseNotFound(coordinate.package, coordinate.version) from None
        wanted = coordinate.version.text
        for entry in survey.entries:
            if entry.version == wanted and entry.state is State.LIVE:
                return await self._portrait(survey, entry)
        raise ReleaseNotFound(coordinate.package, coordinate.version)

    async def texts(self, portrait: Portrait) -> Texts:
        """Return the documentation of the release."""
        return await self.documents.texts(portrait.release.content)

    async def graph(self, portrait: Portrait) -> tuple[GraphNode, ...]:
        """Return the packages that the release was built with, itself first."""
        [document] = await self.documents.graphs([portrait.release.content])
        return read_graph(document)

    async def needs(self, nodes: Sequence[GraphNode], *, by: Principal) -> list[Need]:
        """Return what is here of these packages, the first of which needs some directly.

        Those that the caller may not see are as if they were not here.
        """
        own, *others = nodes
        direct = {(each.org, each.name) for each in own.dependencies}
        packages = [_package(node) for node in others]
        surveys = await self.metadata.survey(packages)
        asked = list(zip(packages, surveys, strict=True))
        visible = await self.pulling.authorization.visible(by, asked)
        here = {survey.head.package.key: survey for survey in visible}
        return [
            _need(node, (node.org, node.name) in direct, here.get(package.key))
            for node, package in zip(others, packages, strict=True)
        ]

    async def dependents(self, package: Package, page: Page, *, by: Principal) -> Results:
        """Return the packages whose shown release depends on this one directly; only the index is
        asked."""
        query = Query(needs=package.key, include_deprecated=True)
        return await self.searching.search(query, page, by=by)

    async def history(self, portrait: Portrait) -> PullHistory:
        """Return its pulls of all time, and of each of the last 90 days."""
        return await self.pulls.history(portrait.package, since=self.days()[0])

    def days(self) -> list[str]:
        """Return the last 90 days, today last, as the ledger names them."""
        today_ms = self.clock.now_ms()
        return [_day(today_ms - ago * _DAY_MS) for ago in range(RECENT.days - 1, -1, -1)]

    async def _portrait(self, survey: Survey, entry: Entry) -> Portrait:
        head = survey.head
        found, owner = await asyncio.gather(
            self.metadata.find(head.package.at(entry.parsed)), self._owner(OrgName(head.org))
        )
        live = tuple(each for each in survey.entries if each.state is State.LIVE)
        if found.release is None or found.release.state is not State.LIVE:
            raise ReleaseNotFound(head.package, entry.parsed)
        return Portrait(head, found.release, owner, live, _best(survey))

    async def _owner(self, org: OrgName) -> Owner:
        """Return the owner; one whose packages are private says nothing of itself here."""
        organization, domains = await asyncio.gather(
            self.directory.get(Organization, place_of(org)),
            self.directory.of(Domain, org.lower()),
        )
        if organization is None or organization.default_visibility is Visibility.PRIVATE:
            return Owner(org)
        proven = tuple(each.domain for each in domains if each.verified_ms is not None)
        return Owner(organization.name, organization.display_name, proven)


def _best(survey: Survey) -> Entry:
    """Return the release that a package stands for; what was found has a live one."""
    return cast("Entry", newest(survey, Range(), EVERYTHING))


def _need(node: GraphNode, is_direct: bool, survey: Survey | None) -> Need:
    best = newest(survey, Range(), EVERYTHING) if survey else None
    if survey is None or best is None:
        return Need(node, is_direct, None, None)
    own = next((each.deprecation for each in survey.entries if each.version == node.version), None)
    return Need(node, is_direct, best.version, effective_deprecation(survey.head, own))


def _package(node: GraphNode) -> Package:
    return Package(OrgName(node.org), PackageName(node.name))


def _deprecated(record: Head | Entry, version: str) -> Iterator[Happening]:
    if record.deprecation is not None:
        at_ms = record.changed_ms or record.created_ms
        yield Happening(at_ms, Change.DEPRECATED, version, record.deprecation)


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")
