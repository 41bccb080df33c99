"""The packages of a caller who takes from upstreams only what is approved.

Packages of this registry are the same for everybody. For packages of others, lists have only the
approved versions, a range gives the best of these, and a build resolves to them. An exact version
that is not approved is refused with a sentence, whether it is stored here or a build has it in its
lock file.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.approved_packages import ApprovalLimit, NotApproved
from shared.domain.build_resolution import (
    ModuleAnswer,
    ModuleRequest,
    PackageAnswer,
    PackageRequest,
    ResolutionCandidates,
    ResolvedModule,
    ResolvedPackage,
    ResolvedTool,
    ToolAnswer,
    ToolRequest,
    UnresolvedModule,
    resolve_module,
    resolve_tool,
)
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ANY_CLIENT, ClientProfile
from shared.domain.errors.base import NotFound
from shared.domain.errors.packages import (
    PackageNotFound,
    ReleaseNotFound,
    UpstreamReleaseRefused,
    tool_version_not_found,
)
from shared.domain.listings import Listing
from shared.domain.packages import AvailableRelease, Survey, stable_number
from shared.domain.principals import Principal
from shared.domain.version_choice import ReleaseChoice, ResolutionMode, live_release
from shared.domain.versions import Range, Version
from shared.services.mirroring.approved_packages import ApprovalRules
from shared.services.mirroring.package_chain import PackageChain
from shared.services.name_owners import OURS
from shared.services.packages.source import PackageVersions, UnstoredRelease, VisibleRelease

RequestT = TypeVar("RequestT", PackageRequest, ModuleRequest, ToolRequest)
AnswerT = TypeVar("AnswerT", ResolvedPackage, ResolvedModule, ResolvedTool)

TOOL_VERSIONS_TRIED = 5  # Versions of a range that are tried, the newest first.


class ApprovedSource(Struct, frozen=True):
    """The `PackageSource` of a request in a registry that mirrors others, within the limit of its
    caller. Without a limit it is the chain, and reads nothing more."""

    chain: PackageChain
    rules: ApprovalRules

    async def find(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> AvailableRelease:
        limit = await self._limit(package, by)
        chosen = await self._chosen(limit, package, wanted, client, by) if limit else wanted
        return await self.chain.find(package, chosen, client=client, by=by)

    async def describe(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        limit = await self._limit(package, by)
        chosen = await self._chosen(limit, package, wanted, client, by) if limit else wanted
        return await self.chain.describe(package, chosen, client=client, by=by)

    async def visible_release(
        self, package: Package, version: Version | None, *, by: Principal
    ) -> VisibleRelease | UnstoredRelease:
        limit = await self._limit(package, by)
        found = await self.chain.visible_release(package, version, by=by)
        if limit is None:
            return found
        if isinstance(found, VisibleRelease):
            survey = _approved_part(found.survey, limit)
            if limit.approved.allows(package, found.entry.parsed):
                return VisibleRelease(survey, found.entry)
            entry = None if version else live_release(survey, Range(), ANY_CLIENT)
            if entry is not None:
                return VisibleRelease(survey, entry)
            raise NotApproved(package.at(found.entry.parsed), package, limit)
        versions = _approved(limit, package, found.versions)
        chosen = found.listing.release.coordinate.version
        if limit.approved.allows(package, chosen):
            return UnstoredRelease(found.listing, versions)
        if version or not versions:
            raise NotApproved(package.at(chosen), package, limit)
        return await self.visible_release(package, versions[0], by=by)

    async def versions(
        self, package: Package, *, client: ClientProfile, by: Principal
    ) -> PackageVersions:
        found = await self.chain.versions(package, client=client, by=by)
        limit = await self._limit(package, by)
        if limit is None:
            return found
        versions = _approved(limit, package, found.versions)
        if not versions:
            raise _nothing_approved(package, limit)
        return PackageVersions(versions, depends_on=None)

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        found = await self.chain.survey(package, by=by)
        limit = await self._limit(package, by)
        if limit is None:
            return found
        survey = _approved_part(found, limit)
        if not survey.live:
            raise _nothing_approved(package, limit)
        return survey

    async def find_tool(
        self, tool: str, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        if await self.rules.limit(by) is None:
            return await self.chain.find_tool(tool, wanted, client=client, by=by)
        found = await self._find_tool(tool, wanted, client, by)
        # The tool may be another package's than the one whose versions were limited.
        await self.require_approved(found.release.coordinate, by=by)
        return found

    async def _find_tool(
        self, tool: str, wanted: Version | Range, client: ClientProfile, by: Principal
    ) -> Listing:
        owner = await self.chain.tool_owner(tool)
        if owner is None:
            # It is ours, or is stored from an upstream that may not be asked now.
            found = await self.chain.find_tool(tool, wanted, client=client, by=by)
            owner = found.release.coordinate.package
            if await self._allows(owner, found.release.coordinate.version, by):
                return found
        limit = await self._limit(owner, by)
        if limit is None:
            return await self.chain.find_tool(tool, wanted, client=client, by=by)
        if isinstance(wanted, Version):
            await self._chosen(limit, owner, wanted, client, by)
            return await self.chain.find_tool(tool, wanted, client=client, by=by)
        listed = await self.versions(owner, client=client, by=by)
        for version in [e for e in listed.versions if wanted.contains(e)][:TOOL_VERSIONS_TRIED]:
            described = await self.chain.describe(owner, version, client=client, by=by)
            if tool in described.release.tools:
                return await self.chain.find_tool(tool, version, client=client, by=by)
        raise tool_version_not_found(tool, wanted, tuple(each.text for each in listed.versions))

    async def require_approved(self, coordinate: Coordinate, *, by: Principal) -> None:
        limit = await self._limit(coordinate.package, by)
        if limit and not limit.approved.allows(coordinate.package, coordinate.version):
            raise NotApproved(coordinate, coordinate.package, limit)

    async def fetch_module(self, module: str, candidates: Sequence[Coordinate]) -> bool:
        by = self.chain.asker.by
        allowed = list[Coordinate]()
        refusal = None
        for each in candidates:
            limit = await self._limit(each.package, by)
            if limit is None or limit.approved.allows(each.package, each.version):
                allowed.append(each)
            else:
                refusal = NotApproved(each, each.package, limit)
        if refusal is not None and not allowed:
            raise refusal
        return await self.chain.fetch_module(module, allowed)

    # --- Builds ---------------------------------------------------------------------------------

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], *, client: ClientProfile, by: Principal
    ) -> PackageAnswer:
        answer = await self.chain.resolve_packages(requests, client=client, by=by)
        if await self.rules.limit(by) is None:
            return answer
        resolved = {each.request: each for each in answer.resolved}
        instead = dict[PackageRequest, PackageRequest]()
        for request, found in list(resolved.items()):
            package = request.wanted.package if request.wanted else None
            if package is None or await self._allows(package, found.version, by):
                continue
            del resolved[request]
            if best := await self._best(request, package, client, by):
                exact = ResolutionMode.HARD.value
                instead[request] = PackageRequest.of(request.org, request.name, best.text, exact)
        if instead:
            found = await self.chain.resolve_packages(list(instead.values()), client=client, by=by)
            by_request = {each.request: each for each in found.resolved}
            for request, exact_request in instead.items():
                if exact_request in by_request:
                    resolved[request] = replace(by_request[exact_request], request=request)
        return PackageAnswer(*_in_order(requests, resolved))

    async def _best(
        self, request: PackageRequest, package: Package, client: ClientProfile, by: Principal
    ) -> Version | None:
        """Return the approved version that a build gets; None for an exact one, or without any."""
        if request.mode.is_exact and request.version:
            return None
        survey = await self._approved_survey(package, by)
        wanted = request.wanted.version if request.wanted else None
        entry = ReleaseChoice(survey, client).pick(wanted, request.mode) if survey else None
        return entry.parsed if entry else None

    async def resolve_modules(
        self, requests: Sequence[ModuleRequest], *, client: ClientProfile, by: Principal
    ) -> ModuleAnswer:
        answer = await self.chain.resolve_modules(requests, client=client, by=by)
        if await self.rules.limit(by) is None:
            return answer
        resolved = {each.request: each for each in answer.resolved}
        for request, found in list(resolved.items()):
            packages = [each.package for each in request.candidates]
            package = next((each for each in packages if each.name == found.package), None)
            if package is None or await self._allows(package, found.version, by):
                continue
            del resolved[request]
            surveys = [await self._approved_survey(each, by) for each in packages]
            candidates = ResolutionCandidates([e for e in surveys if e], client)
            chosen = resolve_module(request, candidates)
            if isinstance(chosen, ResolvedModule):
                resolved[request] = chosen
        every, unresolved = _in_order(requests, resolved)
        return ModuleAnswer(every, tuple(map(UnresolvedModule, unresolved)))

    async def resolve_tools(
        self, requests: Sequence[ToolRequest], *, client: ClientProfile, by: Principal
    ) -> ToolAnswer:
        answer = await self.chain.resolve_tools(requests, client=client, by=by)
        if await self.rules.limit(by) is None:
            return answer
        resolved = {each.request: each for each in answer.resolved}
        for request, found in list(resolved.items()):
            package = found.package
            if request.wanted is None or await self._allows(package, found.version, by):
                continue
            del resolved[request]
            survey = await self._approved_survey(package, by)
            owners = {request.wanted.id: package}
            candidates = ResolutionCandidates([survey] if survey else [], client)
            if chosen := resolve_tool(request, owners, candidates):
                resolved[request] = chosen
        return ToolAnswer(*_in_order(requests, resolved))

    # --- Limits ---------------------------------------------------------------------------------

    async def _limit(self, package: Package, by: Principal) -> ApprovalLimit | None:
        """Return the limit of the caller for a package; None for one of ours."""
        limit = await self.rules.limit(by)
        if limit is None or await self.chain.reader.owners.owner(package.org) == OURS:
            return None
        return limit

    async def _allows(self, package: Package, version: Version, by: Principal) -> bool:
        limit = await self._limit(package, by)
        return limit is None or limit.approved.allows(package, version)

    async def _chosen(
        self,
        limit: ApprovalLimit,
        package: Package,
        wanted: Version | Range,
        client: ClientProfile,
        by: Principal,
    ) -> Version:
        """Return the exact version, or the best one of a range, that is approved. What exists and
        is not raises `NotApproved`, and what does not exist is missing as for others."""
        if isinstance(wanted, Version) and limit.approved.allows(package, wanted):
            return wanted
        try:
            described = await self.chain.describe(package, wanted, client=client, by=by)
            version = described.release.coordinate.version
            if limit.approved.allows(package, version):
                return version
        except UpstreamReleaseRefused:
            if isinstance(wanted, Version):
                raise
        if isinstance(wanted, Version):
            raise NotApproved(package.at(wanted), package, limit)
        listed = await self.chain.versions(package, client=client, by=by)
        within = [each for each in listed.versions if wanted.contains(each)]
        approved = _approved(limit, package, within)
        if not within:
            raise ReleaseNotFound(package, wanted)
        if not approved:
            raise NotApproved(f"{package}:{wanted}", package, limit)
        return next((each for each in approved if each.is_stable), approved[0])

    async def _approved_survey(self, package: Package, by: Principal) -> Survey | None:
        """Return the package with its approved versions; None if there are none, or nobody
        knows."""
        try:
            return await self.survey(package, by=by)
        except (NotFound, UpstreamReleaseRefused):
            return None


def _approved(
    limit: ApprovalLimit, package: Package, versions: Iterable[Version]
) -> tuple[Version, ...]:
    return tuple(each for each in versions if limit.approved.allows(package, each))


def _approved_part(survey: Survey, limit: ApprovalLimit) -> Survey:
    """Return the package with its approved entries, under a revision of their own: documents that
    are made of it are kept by that."""
    package = survey.head.package
    entries = tuple(e for e in survey.entries if limit.approved.allows(package, e.parsed))
    if len(entries) == len(survey.entries):
        return survey
    kept = " ".join(each.version for each in entries)
    revision = stable_number(f"{survey.head.revision} {kept}")
    head = survey.head.model_copy(update={"revision": revision})
    return Survey(head, entries)


def _nothing_approved(package: Package, limit: ApprovalLimit) -> PackageNotFound:
    return PackageNotFound(package, f". No version of it is approved, and {limit.way(package)}")


def _in_order(
    requests: Sequence[RequestT], resolved: Mapping[RequestT, AnswerT]
) -> tuple[tuple[AnswerT, ...], tuple[RequestT, ...]]:
    """Return what is resolved and what is not, in the order of the requests."""
    found = tuple(resolved[each] for each in requests if each in resolved)
    return found, tuple(each for each in requests if each not in resolved)
