"""Where packages come from: the interface of a source, and the packages that are stored here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from shared.auth.authorization import Authorization
from shared.domain.errors.base import InvalidRequest, NotFound
from shared.domain.errors.packages import (
    PackageNotFound,
    ReleaseNotFound,
    tool_not_found,
    tool_version_not_found,
)
from shared.domain.identity import Principal
from shared.domain.listings import Listing
from shared.domain.mirroring import DescribedItem
from shared.domain.names import NO_PACKAGE, Coordinate, Package, ToolId
from shared.domain.packages import (
    FoundRelease,
    Head,
    Release,
    State,
    Survey,
    Visibility,
    effective_deprecation,
)
from shared.domain.resolution import latest, usable_versions
from shared.domain.resolve_requests import (
    ModuleAnswer,
    ModuleRequest,
    PackageAnswer,
    PackageRequest,
    ResolutionCandidates,
    ResolvedModule,
    ResolvedPackage,
    ToolAnswer,
    ToolRequest,
    UnresolvedModule,
    WantedPackage,
    resolve_module,
    resolve_package,
    resolve_tool,
)
from shared.domain.search import SearchKind
from shared.domain.versions import ClientProfile, Range, Version
from shared.ports import DocumentStore, PackageReader

# A module a.b.c may be in three packages, and in one that the build already uses.
CANDIDATES_PER_MODULE = 4

MAX_GRAPH_BYTES = 64 * 1024 * 1024  # An answer is in memory whole; a large build needs 5 MiB.


ItemName = int | tuple[str, str]  # Its number here, or its module and name.


@dataclass(frozen=True, slots=True)
class AvailableRelease:
    """A live release that the caller may see, with its package."""

    head: Head
    release: Release

    @property
    def deprecation(self) -> str | None:
        return effective_deprecation(self.head, self.release.deprecation)


class PackageSource(Protocol):
    """Where packages come from, as one caller is answered: from here, or from upstreams as well.

    What the caller may not see is missing. Every method also raises `UpstreamUnavailable` for what
    only an upstream could have that does not answer, `UpstreamReleaseRefused`, and
    `TooManyRequests` for callers without a token that let upstreams be asked too much.
    """

    async def find(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> AvailableRelease:
        """Return the exact version, or the latest of the range that the client can use, with its
        archive stored.

        Raises the same `ReleaseNotFound` for a release that is missing, hidden or withheld.
        """
        ...

    async def describe(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        """Return the release with its documentation, stored or not; raise as `find` does."""
        ...

    async def preview(self, package: Package, wanted: Version | Range) -> "ReleasePreview":
        """Return a release that is not stored, or raise `ReleaseNotFound`."""
        ...

    async def known(self, package: Package, wanted: Version | Range) -> Listing | None:
        """Return a release that is not stored, as far as it is known without asking an upstream."""
        ...

    async def versions(
        self, package: Package, *, client: ClientProfile, by: Principal
    ) -> tuple[Version, ...]:
        """Return the versions that the client can use, newest first, deprecated ones included. The
        newest release comes before pre-releases of a higher number, because clients take the
        first.

        Raises as `survey` does.
        """
        ...

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        """Return the package with all its entries, whatever their state: a complete list.

        Raises the same `PackageNotFound` for a package that is missing, hidden or has no live
        release, and `versions-incomplete` while a list is made.
        """
        ...

    async def find_tool(
        self, tool: str, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        """Return the exact version of the tool, or the latest of the range that contains it.

        Raises `tool-not-found`, or `tool-version-not-found` where other versions have it.
        """
        ...

    async def item(
        self, kind: SearchKind, wanted: Coordinate, name: ItemName, *, is_stored: bool
    ) -> DescribedItem | None:
        """Return a connector or trigger that only the upstream of its release describes, because
        the release is not stored, or `is_stored` without documentation."""
        ...

    async def fetch_module(self, module: str, candidates: Sequence[Coordinate]) -> bool:
        """Store the first of these releases that has the module, if an upstream has it; return
        whether it is stored."""
        ...

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], *, client: ClientProfile, by: Principal
    ) -> PackageAnswer:
        """Choose a release for each package, with its dependency graph."""
        ...

    async def resolve_modules(
        self, requests: Sequence[ModuleRequest], *, client: ClientProfile, by: Principal
    ) -> ModuleAnswer:
        """Choose the package and release that contain each module."""
        ...

    async def resolve_tools(
        self, requests: Sequence[ToolRequest], *, client: ClientProfile, by: Principal
    ) -> ToolAnswer:
        """Choose a release of the package that owns each tool."""
        ...

    async def require_archive(self, release: Release) -> None:
        """Store the archive of a release again if an earlier version dropped it."""
        ...


@dataclass(frozen=True, slots=True)
class ReleasePreview:
    """A release that is not stored, and the versions of its package; the newest alone if the
    upstream did not answer, as `is_current` says."""

    listing: Listing
    versions: tuple[Version, ...]
    is_current: bool = True


@dataclass(frozen=True)
class HostedPackages:
    """The packages that are stored here.

    A request of a build that cannot be parsed, or whose package is missing, hidden, withheld or of
    no use to the client, is unresolved: after an error response a build uses its cache without a
    message. `InvalidRequest` is raised only for one that is too large for one response.
    """

    authorization: Authorization
    records: PackageReader
    documents: DocumentStore
    max_resolve: int

    async def find(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> AvailableRelease:
        if isinstance(wanted, Range):
            available = await self._latest(package, wanted, client, by)
        else:
            available = await self._exact(package, wanted, by)
        if available is None:
            raise ReleaseNotFound(package, wanted)
        return available

    async def describe(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        return await self._listing(await self.find(package, wanted, client=client, by=by))

    async def preview(self, package: Package, wanted: Version | Range) -> ReleasePreview:
        raise ReleaseNotFound(package, wanted)

    async def known(self, package: Package, wanted: Version | Range) -> Listing | None:
        """Return None: nothing is known of what is not stored."""

    async def require_archive(self, release: Release) -> None:
        """Do nothing: archives of releases of ours are never dropped."""

    async def item(
        self, kind: SearchKind, wanted: Coordinate, name: ItemName, *, is_stored: bool
    ) -> DescribedItem | None:
        """Return None, as `known` does."""

    async def fetch_module(
        self,
        module: str,  # noqa: ARG002 - others fetch it.
        candidates: Sequence[Coordinate],  # noqa: ARG002 - the same.
    ) -> bool:
        return False

    async def find_tool(
        self, tool: str, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        owner = await self.tool_owner(tool)
        if isinstance(wanted, Range):
            available = await self._latest(owner, wanted, client, by, tool=tool)
        else:
            available = await self._exact(owner, wanted, by)
        if available is None or tool not in available.release.tools:
            raise await self._missing_tool(owner, tool, wanted, client=client, by=by)
        return await self._listing(available)

    async def _missing_tool(
        self,
        owner: Package,
        tool: str,
        wanted: Version | Range,
        *,
        client: ClientProfile,
        by: Principal,
    ) -> NotFound:
        """Return the refusal for a tool; a hidden one costs what a missing one costs."""
        survey = await self._survey(owner, by)
        versions = usable_versions(survey.with_tool(tool), client) if survey else ()
        if not versions:
            return tool_not_found(tool)
        return tool_version_not_found(tool, wanted, tuple(each.text for each in versions))

    async def versions(
        self, package: Package, *, client: ClientProfile, by: Principal
    ) -> tuple[Version, ...]:
        versions = usable_versions(await self.survey(package, by=by), client)
        stable = next((each for each in versions if each.is_stable), None)
        return tuple(sorted(versions, key=lambda each: each != stable))

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        survey = await self._survey(package, by)
        if survey is None:
            raise PackageNotFound(package)
        return survey

    async def survey_with_withheld(
        self, package: Package, *versions: Coordinate, by: Principal
    ) -> Survey | None:
        """Return the package also if all of its releases are withheld, with these versions of it if
        they were published; None for a package that is missing or hidden."""
        [survey] = await self.records.survey([package], versions)
        is_visible = await self.authorization.may_find(by, package, survey and survey.head)
        return survey if is_visible else None

    async def tool_owner(self, tool: str) -> Package:
        """Return the package that owns the tool, visible or not.

        For a free tool that is `NO_PACKAGE`: looking for it costs what looking for a hidden package
        costs.
        """
        [owner] = await self.records.tool_owners([tool])
        return owner or NO_PACKAGE

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], *, client: ClientProfile, by: Principal
    ) -> PackageAnswer:
        """Two trips."""
        _check_count(len(requests), self.max_resolve)
        wanted = [each.wanted for each in requests if each.wanted]
        packages = ResolutionCandidates(await self._surveys(wanted, by), client)
        answers = [(each, resolve_package(each, packages)) for each in requests]
        resolved = [found for _, found in answers if found]
        unresolved = tuple(request for request, found in answers if not found)
        return PackageAnswer(await self._with_graphs(resolved), unresolved)

    async def resolve_modules(
        self, requests: Sequence[ModuleRequest], *, client: ClientProfile, by: Principal
    ) -> ModuleAnswer:
        """One trip."""
        _check_count(len(requests), self.max_resolve)
        wanted = [candidate for each in requests for candidate in each.candidates]
        _check_count(len(wanted), self.max_resolve * CANDIDATES_PER_MODULE)
        packages = ResolutionCandidates(await self._surveys(wanted, by), client)
        answers = [resolve_module(each, packages) for each in requests]
        return ModuleAnswer(
            tuple(each for each in answers if isinstance(each, ResolvedModule)),
            tuple(each for each in answers if isinstance(each, UnresolvedModule)),
        )

    async def resolve_tools(
        self, requests: Sequence[ToolRequest], *, client: ClientProfile, by: Principal
    ) -> ToolAnswer:
        """Two trips."""
        _check_count(len(requests), self.max_resolve)
        owners = await self._owners(each.wanted.id for each in requests if each.wanted)
        wanted = [
            WantedPackage(owners[each.wanted.id], each.wanted.version)
            for each in requests
            if each.wanted
        ]
        packages = ResolutionCandidates(await self._surveys_of_owners(wanted, by), client)
        answers = [(each, resolve_tool(each, owners, packages)) for each in requests]
        return ToolAnswer(
            tuple(found for _, found in answers if found),
            tuple(request for request, found in answers if not found),
        )

    async def _exact(
        self, package: Package, version: Version, by: Principal
    ) -> AvailableRelease | None:
        found = await self.records.find(package.at(version))
        is_visible = await self.authorization.may_find(by, package, found.head)
        return _live(found) if is_visible else None

    async def _listing(self, available: AvailableRelease) -> Listing:
        texts = await self.documents.texts(available.release.content)
        return Listing(available.head, available.release, texts)

    async def _latest(
        self,
        package: Package,
        wanted: Range,
        client: ClientProfile,
        by: Principal,
        *,
        tool: str | None = None,
    ) -> AvailableRelease | None:
        survey = await self._survey(package, by)
        if survey and tool is not None:
            survey = survey.with_tool(tool)
        entry = latest(survey, wanted, client) if survey else None
        return _live(await self.records.find(package.at(entry.parsed))) if entry else None

    async def _survey(self, package: Package, by: Principal) -> Survey | None:
        """Return the package if `by` may see it and it has a live release."""
        survey = await self.survey_with_withheld(package, by=by)
        is_live = survey is not None and any(e.state is State.LIVE for e in survey.entries)
        return survey if is_live else None

    async def _surveys(self, wanted: Sequence[WantedPackage], by: Principal) -> list[Survey]:
        """Return the packages that `by` may see."""
        distinct = list({each.package.key: each.package for each in wanted}.values())
        if not distinct:
            return []
        found = await self.records.survey(distinct, _versions(wanted))
        return await self.authorization.visible(by, list(zip(distinct, found, strict=True)))

    async def _surveys_of_owners(
        self, wanted: Sequence[WantedPackage], by: Principal
    ) -> list[Survey]:
        """Return the owners of tools that `by`, who did not name them, may see."""
        distinct = list({each.package.key: each.package for each in wanted}.values())
        if not distinct:
            return []
        found = await self.records.survey(distinct, _versions(wanted))
        if all(survey and survey.head.visibility is Visibility.PUBLIC for survey in found):
            return [survey for survey in found if survey]
        access = await self.authorization.private_access(by)
        return [survey for survey in found if survey and access.covers(survey.head)]

    async def _owners(self, tools: Iterable[ToolId]) -> dict[ToolId, Package]:
        """Return the packages that own these tools, visible or not; `NO_PACKAGE` for a free tool,
        so that a hidden one costs no more."""
        distinct = list(dict.fromkeys(tools))
        if not distinct:
            return {}
        owners = await self.records.tool_owners(distinct)
        return {tool: owner or NO_PACKAGE for tool, owner in zip(distinct, owners, strict=True)}

    async def _with_graphs(
        self, resolved: Sequence[ResolvedPackage]
    ) -> tuple[ResolvedPackage, ...]:
        digests = list(dict.fromkeys(each.content for each in resolved))
        if not digests:
            return ()
        graphs = dict(zip(digests, await self.documents.graphs(digests), strict=True))
        _check_size(sum(len(graphs[each.content]) for each in resolved))
        return tuple(replace(each, graph=graphs[each.content]) for each in resolved)


def _live(found: FoundRelease) -> AvailableRelease | None:
    head, release = found.head, found.release
    if head is None or release is None or release.state is not State.LIVE:
        return None
    return AvailableRelease(head, release)


def _versions(wanted: Iterable[WantedPackage]) -> list[Coordinate]:
    return [each.package.at(each.version) for each in wanted if each.version]


def _check_count(count: int, most: int) -> None:
    if count > most:
        reason = (
            f"This names {count:,} packages, modules or tools to look for, and {most:,} at most "
            "are looked for at once. Ask for fewer, in several requests."
        )
        raise InvalidRequest(reason)


def _check_size(size_bytes: int) -> None:
    # A request may name the same package any number of times, and gets its graph each time.
    if size_bytes > MAX_GRAPH_BYTES:
        reason = (
            f"The dependency graphs of these packages have {size_bytes:,} bytes together, and "
            f"{MAX_GRAPH_BYTES:,} fit one answer. Ask for fewer, in several requests."
        )
        raise InvalidRequest(reason)
