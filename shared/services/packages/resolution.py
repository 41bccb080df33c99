"""Resolution: the releases that a build gets for the packages, modules and tools it requests."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from shared.auth.authorization import Authorization
from shared.domain.errors.base import InvalidRequest
from shared.domain.identity import Principal
from shared.domain.names import NO_PACKAGE, Coordinate, Package, ToolId
from shared.domain.packages import Survey, Visibility
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
from shared.domain.versions import ClientProfile
from shared.ports import DocumentStore, PackageReader

# A module a.b.c may be in three packages, and in one that the build already uses.
CANDIDATES_PER_MODULE = 4

MAX_GRAPH_BYTES = 64 * 1024 * 1024  # An answer is in memory whole; a large build needs 5 MiB.


@dataclass(frozen=True, slots=True)
class Resolver:
    """Chooses releases for builds.

    A request that cannot be parsed, or whose package is missing, hidden, withheld or of no use to
    the client, is unresolved: after an error response a build uses its cache without a message.
    `InvalidRequest` is raised only for a request that is too large for one response.
    """

    authorization: Authorization
    records: PackageReader
    documents: DocumentStore
    max_resolve: int

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], *, client: ClientProfile, by: Principal
    ) -> PackageAnswer:
        """Choose a release for each package, with its dependency graph. Two trips."""
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
        """Choose the package and release that contain each module. One trip."""
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
        """Choose a release of the package that owns each tool. Two trips."""
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
