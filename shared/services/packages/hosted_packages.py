"""The packages that are stored here, for readers."""

from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.domain.build_resolution import (
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
from shared.domain.coordinates import NO_PACKAGE, Coordinate, Package
from shared.domain.distributions import ANY_CLIENT, ClientProfile
from shared.domain.errors.base import InvalidRequest, NotFound
from shared.domain.errors.packages import (
    PackageNotFound,
    PackageWithdrawn,
    ReleaseNotFound,
    ReleaseWithdrawn,
    Withdrawal,
    tool_not_found,
    tool_version_not_found,
)
from shared.domain.listings import Listing
from shared.domain.names import ToolId
from shared.domain.packages import AvailableRelease, FoundRelease, Head, ReleaseEntry, Survey
from shared.domain.principals import Principal
from shared.domain.release_states import State
from shared.domain.version_choice import live_release, newest_stable_first, usable_versions
from shared.domain.versions import Range, Version
from shared.domain.visibility import Visibility
from shared.domain.withdrawals import release_withdrawn, withdrawal_of
from shared.ports.documents import DocumentStore
from shared.ports.metadata import PackageReader, ReadCheck
from shared.runtime.answer_dependencies import Dependencies
from shared.services.packages.archive_sweep import erased_by_ms
from shared.services.packages.source import PackageVersions, VisibleRelease

MAX_RESOLVED = 2_000  # Packages, modules or tools of one call.
# A module a.b.c may be in three packages, and in one that the build already uses.
CANDIDATES_PER_MODULE = 4

MAX_GRAPH_BYTES = 64 * 1024 * 1024  # An answer is in memory whole; a large build needs 5 MiB.


class HostedPackages(Struct, frozen=True):
    """The packages that are stored here.

    A request of a build that cannot be parsed, or whose package is missing, hidden, withheld or of
    no use to the client, is unresolved: after an error response a build uses its cache without a
    message. `InvalidRequest` is raised only for one that is too large for one response.
    """

    authorization: Authorization
    package_reader: PackageReader
    documents: DocumentStore
    sweep_grace_hours: int

    async def find(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> AvailableRelease:
        if isinstance(wanted, Range):
            available = await self._latest(package, wanted, client, by)
        else:
            found = await self._stored(package.at(wanted), by)
            if found.release is not None and found.release.is_withdrawn:
                raise release_withdrawn(found.release)
            available = found.available
        if available is None:
            raise ReleaseNotFound(package, wanted)
        return available

    async def describe(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        return await self._listing(await self.find(package, wanted, client=client, by=by))

    async def visible_release(
        self, package: Package, version: Version | None, *, by: Principal
    ) -> VisibleRelease:
        versions = [package.at(version)] if version else []
        survey = await self.visible_package(package, *versions, by=by)
        entry = live_release(survey, version or Range(), ANY_CLIENT)
        if survey and entry:
            return VisibleRelease(survey, entry)
        if version:
            raise self._without_release(survey, package.at(version))
        if survey and survey.publicly_withheld:
            withdrawals = tuple(map(self._withdrawal, survey.publicly_withheld))
            raise PackageWithdrawn(survey.head.package, withdrawals)
        raise PackageNotFound(package)

    def _without_release(self, survey: Survey | None, at: Coordinate) -> NotFound:
        """Return the refusal for a package that has no live release of the version."""
        withdrawn = survey.publicly_withheld if survey else ()
        entry = next((each for each in withdrawn if each.version == at.version.text), None)
        if survey is None or entry is None:
            return ReleaseNotFound(at.package, at.version)
        better = live_release(survey, Range(), ANY_CLIENT)
        named = survey.head.package.at(entry.parsed)
        return ReleaseWithdrawn(named, self._withdrawal(entry), better.version if better else "")

    def _withdrawal(self, entry: ReleaseEntry) -> Withdrawal:
        """Return what people are told about a withheld release, and when its archive is or was
        deleted."""
        told = withdrawal_of(entry)
        erased = entry.erased
        return told._replace(
            erased_ms=erased.at_ms if erased else None,
            copies_until_ms=erased.copies_until_ms if erased else None,
            erased_by_ms=erased_by_ms(told.at_ms, self.sweep_grace_hours),
        )

    async def require_approved(self, coordinate: Coordinate, *, by: Principal) -> None:
        """Refuse nothing: the callers of this source take everything."""

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
            available = (await self._stored(owner.at(wanted), by)).available
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
        """Return the refusal for a tool. A hidden tool takes the same calls of the store as a
        missing one."""
        survey = await self._survey(owner, by)
        versions = usable_versions(survey.with_tool(tool), client) if survey else ()
        if not versions:
            return tool_not_found(tool)
        return tool_version_not_found(tool, wanted, tuple(each.text for each in versions))

    async def versions(
        self, package: Package, *, client: ClientProfile, by: Principal
    ) -> PackageVersions:
        survey = await self.survey(package, by=by)
        versions = newest_stable_first(usable_versions(survey, client))
        return PackageVersions(versions, Dependencies.of_list(survey.head))

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        survey = await self._survey(package, by)
        if survey is None:
            raise PackageNotFound(package)
        return survey

    async def visible(
        self, packages: Sequence[Package], versions: Collection[Coordinate] = (), *, by: Principal
    ) -> dict[str, Survey]:
        """Return those of the packages that `by` may see, by their keys, in whatever state their
        releases are, with these versions of them if they were published. Takes one
        round trip to the store."""
        return await self.visible_by(self.authorization.read_check(by), packages, versions)

    async def visible_by(
        self, check: ReadCheck, packages: Sequence[Package], versions: Collection[Coordinate] = ()
    ) -> dict[str, Survey]:
        """Return packages as `visible` does: those that pass the check."""
        distinct = list({each.key: each for each in packages}.values())
        if not distinct:
            return {}
        surveys = await self.package_reader.survey(distinct, versions, check=check)
        return {survey.head.key: survey for survey in surveys if survey}

    async def visible_package(
        self, package: Package, *versions: Coordinate, by: Principal
    ) -> Survey | None:
        """Return the package as `visible` does; None for one that is missing or hidden."""
        check = self.authorization.read_check(by)
        [survey] = await self.package_reader.survey([package], versions, check=check)
        return survey

    async def tool_owner(self, tool: str) -> Package:
        """Return the package that owns the tool, visible or not.

        If no package owns the tool, that is `NO_PACKAGE`: reading it takes the same calls of the
        store as reading a hidden package.
        """
        [owner] = await self.package_reader.tool_owners([tool])
        return owner or NO_PACKAGE

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], *, client: ClientProfile, by: Principal
    ) -> PackageAnswer:
        """Takes two round trips to the store."""
        _check_count(len(requests), MAX_RESOLVED)
        wanted = [each.wanted for each in requests if each.wanted]
        packages = ResolutionCandidates(await self._surveys(wanted, by), client)
        answers = [(each, resolve_package(each, packages)) for each in requests]
        resolved = [found for _, found in answers if found]
        unresolved = tuple(request for request, found in answers if not found)
        return PackageAnswer(await self._with_graphs(resolved), unresolved)

    async def resolve_modules(
        self, requests: Sequence[ModuleRequest], *, client: ClientProfile, by: Principal
    ) -> ModuleAnswer:
        """Takes one round trip to the store."""
        _check_count(len(requests), MAX_RESOLVED)
        wanted = [candidate for each in requests for candidate in each.candidates]
        _check_count(len(wanted), MAX_RESOLVED * CANDIDATES_PER_MODULE)
        packages = ResolutionCandidates(await self._surveys(wanted, by), client)
        answers = [resolve_module(each, packages) for each in requests]
        return ModuleAnswer(
            tuple(each for each in answers if isinstance(each, ResolvedModule)),
            tuple(each for each in answers if isinstance(each, UnresolvedModule)),
        )

    async def resolve_tools(
        self, requests: Sequence[ToolRequest], *, client: ClientProfile, by: Principal
    ) -> ToolAnswer:
        """Takes two round trips to the store."""
        _check_count(len(requests), MAX_RESOLVED)
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

    async def _stored(self, at: Coordinate, by: Principal) -> FoundRelease:
        """Return the release in any state; none if the caller may not see its package."""
        return await self.package_reader.find(at, check=self.authorization.read_check(by))

    async def _listing(self, available: AvailableRelease) -> Listing:
        texts = await self.documents.texts(available.release.archive_digest)
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
        entry = live_release(survey, wanted, client)
        return (
            (await self.package_reader.find(package.at(entry.parsed))).available if entry else None
        )

    async def _survey(self, package: Package, by: Principal) -> Survey | None:
        """Return the package if `by` may see it and it has a live release."""
        survey = await self.visible_package(package, by=by)
        is_live = survey is not None and any(e.state is State.LIVE for e in survey.entries)
        return survey if is_live else None

    async def _surveys(self, wanted: Sequence[WantedPackage], by: Principal) -> list[Survey]:
        """Return the packages that `by` may see."""
        packages = [each.package for each in wanted]
        return list((await self.visible(packages, _versions(wanted), by=by)).values())

    async def _surveys_of_owners(
        self, wanted: Sequence[WantedPackage], by: Principal
    ) -> list[Survey]:
        """Return the packages that own tools, if `by` may see them: the caller named only the
        tools."""

        async def check(requested: Sequence[tuple[Package, Head | None]]) -> Collection[str]:
            if all(head and head.visibility is Visibility.PUBLIC for _, head in requested):
                return [package.key for package, _ in requested]
            access = await self.authorization.private_access(by)
            return [package.key for package, head in requested if head and access.covers(head)]

        packages = [each.package for each in wanted]
        return list((await self.visible_by(check, packages, _versions(wanted))).values())

    async def _owners(self, tools: Iterable[ToolId]) -> dict[ToolId, Package]:
        """Return the packages that own these tools, visible or not; `NO_PACKAGE` for a free tool,
        so that a hidden one costs no more."""
        distinct = list(dict.fromkeys(tools))
        if not distinct:
            return {}
        owners = await self.package_reader.tool_owners(distinct)
        return {tool: owner or NO_PACKAGE for tool, owner in zip(distinct, owners, strict=True)}

    async def _with_graphs(
        self, resolved: Sequence[ResolvedPackage]
    ) -> tuple[ResolvedPackage, ...]:
        digests = list(dict.fromkeys(each.archive_digest for each in resolved))
        if not digests:
            return ()
        graphs = dict(zip(digests, await self.documents.graphs(digests), strict=True))
        _check_size(sum(len(graphs[each.archive_digest]) for each in resolved))
        return tuple(replace(each, graph=graphs[each.archive_digest]) for each in resolved)


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
    # A request may name a package several times, and the answer has its graph each time.
    if size_bytes > MAX_GRAPH_BYTES:
        reason = (
            f"The dependency graphs of these packages have {size_bytes:,} bytes together, and "
            f"{MAX_GRAPH_BYTES:,} fit one answer. Ask for fewer, in several requests."
        )
        raise InvalidRequest(reason)
