"""The chain of sources: packages that are stored here, and those of upstreams, as one caller finds
them.

Names of ours are looked for here alone. Of other names what is stored is found first and costs what
ours costs; then the upstream is asked that the rules name, and only a pull fetches an archive.
Clients take `unresolved` as final, so what only an upstream could find that does not answer is a
refusal, which a client repeats.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.archives.names import Digest
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
)
from shared.domain.errors.base import InvalidName, InvalidRequest, NotFound, Refusal, Unavailable
from shared.domain.errors.packages import (
    ReleaseNotFound,
    UpstreamReleaseRefused,
    UpstreamUnavailable,
)
from shared.domain.errors.requests import TooManyRequests
from shared.domain.listings import Listing
from shared.domain.mirroring import UpstreamModule, UpstreamResolution
from shared.domain.names import (
    ANY_CLIENT,
    NO_PACKAGE,
    ClientProfile,
    Coordinate,
    OrgName,
    Package,
    Range,
    ToolId,
    Version,
    parse_tool_id,
)
from shared.domain.packages import FoundRelease, State, Survey, Visibility
from shared.domain.principals import Principal
from shared.domain.resolution import ReleaseChoice, ResolutionMode, usable_versions
from shared.services.mirroring.admission import Admission, Refreshing
from shared.services.mirroring.upstream_reader import Asker, UpstreamReader
from shared.services.mirroring.version_lists import VersionLists
from shared.services.name_owners import OURS
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.source import AvailableRelease, ReleasePreview

VERSIONS_TRIED = 3  # Of a range, after the one that the upstream chose is refused here.

# Upstreams are asked for each tool by itself, and for one module in several ways one by one.
TOOLS_ASKED = 100
SAME_MODULE_ASKED = 4

_UNANSWERED = (Unavailable, TooManyRequests)

NOT_STORED = Digest("0" * 64)  # Of a release that nobody has pulled: its graph comes with it.

T = TypeVar("T")
RequestT = TypeVar("RequestT", PackageRequest, ModuleRequest, ToolRequest)
AnswerT = TypeVar("AnswerT", ResolvedPackage, ResolvedModule, ResolvedTool)


class PackageChain(Struct, frozen=True):
    """The `PackageSource` of one request in a registry that mirrors others."""

    hosted: HostedPackages
    reader: UpstreamReader
    admission: Admission
    refreshing: Refreshing
    lists: VersionLists
    asker: Asker

    async def find(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> AvailableRelease:
        local = partial(self.hosted.find, package, wanted, client=client, by=by)
        found = await self._chosen(package, wanted, client, partial(self._find_exact, by=by), local)
        await self.reader.require_age(found.release)
        return found

    async def describe(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        local = partial(self.hosted.describe, package, wanted, client=client, by=by)
        return await self._chosen(
            package, wanted, client, partial(self._describe_exact, by=by), local
        )

    async def versions(
        self, package: Package, *, client: ClientProfile, by: Principal
    ) -> tuple[Version, ...]:
        local = partial(self.hosted.versions, package, client=client, by=by)
        theirs = partial(self._all_versions, package, client)
        return await self._theirs_or_local(package, theirs, local)

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        if await self.reader.may_ask(package, self.asker):
            found = await self._listed(package)
            if found and found.live:
                return found
        return await self.hosted.survey(package, by=by)

    async def preview(self, package: Package, wanted: Version | Range) -> ReleasePreview:
        if not await self.reader.may_ask(package, self.asker):
            raise ReleaseNotFound(package, wanted)
        listing = await self.describe(package, wanted, client=ANY_CLIENT, by=self.asker.by)
        versions = await self.versions(package, client=ANY_CLIENT, by=self.asker.by)
        return ReleasePreview(listing, versions)

    async def find_tool(
        self, tool: str, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        """Return the release of the tool, which is stored now: the request is the first one of a
        pull, whose second one asks for the archive by its address."""
        package = await self._upstream_tool_owner(tool)
        if package is None:
            return await self.hosted.find_tool(tool, wanted, client=client, by=by)
        found = await self.find(package, wanted, client=client, by=by)
        if tool not in found.release.tools:
            return await self.hosted.find_tool(tool, wanted, client=client, by=by)
        return await self.describe(
            found.head.package, found.release.coordinate.version, client=client, by=by
        )

    async def fetch_module(self, module: str, candidates: Sequence[Coordinate]) -> bool:
        for each in candidates:
            if await self.reader.may_ask(each.package, self.asker):
                package, version = each.package, each.version
                found = await self.reader.describe(package, version, ANY_CLIENT, self.asker)
                if found and module.lower() in map(str.lower, found.release.modules):
                    return await self.admission.admit(each, self.asker)
        return False

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], *, client: ClientProfile, by: Principal
    ) -> PackageAnswer:
        local = await self.hosted.resolve_packages(requests, client=client, by=by)
        stored = {each.request: each for each in local.resolved}
        # Without exact versions that are stored, so that a build with a lock file asks nobody.
        asked = [each for each in requests if not (each in stored and _is_exact(each))]
        return PackageAnswer(*_answered(requests, await self._resolved(asked, client), stored))

    async def resolve_modules(
        self, requests: Sequence[ModuleRequest], *, client: ClientProfile, by: Principal
    ) -> ModuleAnswer:
        times = Counter(f"{e.organization}/{e.module}".lower() for e in dict.fromkeys(requests))
        _require_few(max(times.values(), default=0), SAME_MODULE_ASKED, "times the same module")
        local = await self.hosted.resolve_modules(requests, client=client, by=by)
        stored = {each.request: each for each in local.resolved}
        found = await self.reader.resolve_modules(requests, client, self.asker)
        answers = await asyncio.gather(*(self._module(*each, client) for each in found.items()))
        theirs = {each: answer for each, answer in zip(found, answers, strict=True) if answer}
        resolved, unresolved = _answered(requests, theirs, stored)
        return ModuleAnswer(resolved, tuple(map(UnresolvedModule, unresolved)))

    async def resolve_tools(
        self, requests: Sequence[ToolRequest], *, client: ClientProfile, by: Principal
    ) -> ToolAnswer:
        local = await self.hosted.resolve_tools(requests, client=client, by=by)
        stored = {each.request: each for each in local.resolved}
        asked = {
            each: each.wanted.id
            for each in requests
            if each.wanted and not (each in stored and _is_exact(each))
        }
        owners = await self._upstream_tool_owners(dict.fromkeys(asked.values()))
        theirs = dict[ToolRequest, ResolvedTool | Refusal]()
        packages = dict[ToolRequest, PackageRequest]()
        for each, tool in asked.items():
            owner = owners[tool]
            if isinstance(owner, Refusal):
                theirs[each] = owner
            elif owner:
                wanted = owner.org, owner.name, each.version, each.mode.value
                packages[each] = PackageRequest.of(*wanted)
        found = await self._resolved(list(packages.values()), client)
        for each, package in packages.items():
            answer = found.get(package)
            if isinstance(answer, Refusal):
                theirs[each] = answer
            elif answer and package.wanted:
                theirs[each] = ResolvedTool(each, package.wanted.package, answer.version)
        return ToolAnswer(*_answered(requests, theirs, stored))

    async def _upstream_tool_owner(self, tool: str) -> Package | None:
        """Return the package of an upstream that has the tool; None if it is ours, or nobody's.

        A tool of ours is never looked for at an upstream.
        """
        [stored] = await self.hosted.records.tool_owners([tool])
        if not self.asker.by.reads_internal:
            # A hidden package has no tools for the caller, and costs what a free tool costs.
            [survey] = await self.hosted.records.survey([stored or NO_PACKAGE])
            stored = stored if survey is None or self.asker.may_see(survey.head) else None
        if stored is not None:
            return stored if await self.reader.may_ask(stored, self.asker) else None
        try:
            named = parse_tool_id(tool)
        except InvalidName:
            return None
        # Tools are often named as their organization, and that of ours is not told to others.
        is_ours = await self.reader.owners.owner(OrgName(named)) == OURS
        return None if is_ours else await self.reader.tool_owner(named, self.asker)

    async def _upstream_tool_owners(
        self, tools: Collection[ToolId]
    ) -> dict[ToolId, Package | Refusal | None]:
        """Return the owner of each tool, or the refusal if nobody knows it.

        Tools are looked up one after the other: requests to stores in another order would tell
        whether a tool of a hidden package is here.
        """
        _require_few(len(tools), TOOLS_ASKED, "tools")
        owners = dict[ToolId, Package | Refusal | None]()
        for tool in tools:
            try:
                owners[tool] = await self._upstream_tool_owner(tool)
            except (UpstreamUnavailable, TooManyRequests) as refusal:
                owners[tool] = refusal
        return owners

    async def _resolved(
        self, requests: Sequence[PackageRequest], client: ClientProfile
    ) -> dict[PackageRequest, ResolvedPackage | Refusal]:
        """Return what upstreams have for the requests and is served here, and refusals."""
        found = await self.reader.resolve_packages(requests, client, self.asker)
        answers = await asyncio.gather(*(self._package(*each, client) for each in found.items()))
        return {each: answer for each, answer in zip(found, answers, strict=True) if answer}

    async def _package(
        self, request: PackageRequest, chosen: UpstreamResolution | Refusal, client: ClientProfile
    ) -> ResolvedPackage | Refusal | None:
        """Return the choice of an upstream, or the best release that is served here in its place;
        the refusal if nobody knows."""
        wanted = request.wanted
        if wanted is None or isinstance(chosen, Refusal):
            return chosen if isinstance(chosen, Refusal) else None
        try:
            if await self._serves(wanted.package, chosen.version):
                version, deprecation = chosen.version, chosen.deprecation
                return ResolvedPackage(request, version, deprecation, NOT_STORED, chosen.graph)
            survey = None if request.mode.is_exact else await self._listed(wanted.package)
            best = survey and ReleaseChoice(survey, client).pick(wanted.version, request.mode)
        except _UNANSWERED as refusal:
            return refusal
        if not best:
            return None
        exact = request.org, request.name, best.version, ResolutionMode.HARD.value
        [found] = (await self._resolved([PackageRequest.of(*exact)], client)).values() or [None]
        return replace(found, request=request) if isinstance(found, ResolvedPackage) else found

    async def _module(
        self, request: ModuleRequest, chosen: UpstreamModule | Refusal, client: ClientProfile
    ) -> ResolvedModule | Refusal | None:
        """Do the same for a module, in the package that the upstream chose."""
        if not isinstance(chosen, UpstreamModule):
            return chosen
        candidates = {each.package.name: each.package for each in request.candidates}
        package = candidates.get(chosen.package)  # No other one can hold the module.
        if package is None:
            return None
        try:
            if await self._serves(package, chosen.version):
                return ResolvedModule(request, chosen.package, chosen.version)
            survey = await self._listed(package)
        except _UNANSWERED as refusal:
            return refusal
        found = resolve_module(request, ResolutionCandidates([survey] if survey else [], client))
        return found if isinstance(found, ResolvedModule) else None

    async def _serves(self, package: Package, version: Version) -> bool:
        """Check whether rules allow the release, and it is not refused here."""
        try:
            await self.reader.require_admitted(package.at(version), self.asker)
        except UpstreamReleaseRefused:
            return False
        return await self.reader.may_ask(package, self.asker)

    async def _listed(self, package: Package) -> Survey | None:
        """Return the package with all that is stored and that an upstream has and is served here;
        None if no upstream has it, or a private one is stored."""
        [stored] = await self.hosted.records.survey([package])
        if stored and not self.asker.may_see(stored.head):
            stored = None
        if stored and stored.head.visibility is Visibility.PRIVATE:
            return None
        return await self.lists.survey(package, stored, self.asker)

    async def _theirs_or_local(
        self,
        package: Package,
        theirs: Callable[[], Awaitable[T | None]],
        local: Callable[[], Awaitable[T]],
    ) -> T:
        """Return the upstream's result, or the stored one if it does not answer."""
        if not await self.reader.may_ask(package, self.asker):
            return await local()
        try:
            found = await theirs()
        except (UpstreamUnavailable, UpstreamReleaseRefused) as failure:
            try:
                return await local()
            except NotFound:
                raise failure from None
        return await local() if found is None else found

    async def _chosen(
        self,
        package: Package,
        wanted: Version | Range,
        client: ClientProfile,
        exact: Callable[[Coordinate], Awaitable[T]],
        local: Callable[[], Awaitable[T]],
    ) -> T:
        """Return what is found of the exact version, or of the one in the range that the upstream
        chooses; of the best one that is not refused here if that one is."""
        if isinstance(wanted, Version):
            return await exact(package.at(wanted))

        async def theirs() -> T | None:
            try:
                chosen = await self.reader.describe(package, wanted, client, self.asker)
                return await exact(chosen.release.coordinate) if chosen else None
            except (UpstreamReleaseRefused, NotFound) as refusal:
                versions = await self._all_versions(package, client) or ()
                within = sorted(filter(wanted.contains, versions), key=lambda e: not e.is_stable)
                for version in within[: VERSIONS_TRIED + 1]:  # The refused one is among them.
                    with suppress(UpstreamReleaseRefused, NotFound):
                        return await exact(package.at(version))
                raise refusal from None

        return await self._theirs_or_local(package, theirs, local)

    async def _find_exact(self, coordinate: Coordinate, by: Principal) -> AvailableRelease:
        package, version = coordinate.package, coordinate.version
        find = partial(self.hosted.find, package, version, client=ANY_CLIENT, by=by)
        try:
            found = await find()
        except ReleaseNotFound:
            if not await self.reader.may_ask(package, self.asker):
                raise
            if not await self.admission.admit(coordinate, self.asker):
                raise
            with suppress(ReleaseNotFound):
                return await find()
            await self._require_age(await self.hosted.records.find(coordinate))
            raise
        self.refreshing.refresh(found.release)
        return found

    async def _describe_exact(self, coordinate: Coordinate, by: Principal) -> Listing:
        """Return the description of what is stored, or that of the upstream."""
        package, version = coordinate.package, coordinate.version
        try:
            found = await self.hosted.describe(package, version, client=ANY_CLIENT, by=by)
        except ReleaseNotFound:
            if not await self.reader.may_ask(package, self.asker):
                raise
            stored = await self.hosted.records.find(coordinate)
            if stored.release is not None and self.asker.may_see(stored.head):
                await self._require_age(stored)
                raise  # It is withheld for another reason.
            described = await self.reader.describe(package, version, ANY_CLIENT, self.asker)
            is_withheld = stored.release is not None and stored.release.state is not State.LIVE
            if described is None or is_withheld:
                raise
            return described
        self.refreshing.refresh(found.release)
        await self.reader.require_age(found.release)
        return found

    async def _require_age(self, withheld: FoundRelease) -> None:
        """Say it if a release is withheld because it is too young."""
        if withheld.release is not None and self.asker.may_see(withheld.head):
            await self.reader.require_age(withheld.release)

    async def _all_versions(
        self, package: Package, client: ClientProfile
    ) -> tuple[Version, ...] | None:
        """Return the upstream's versions and those that are stored, without what is refused here or
        too young."""
        if await self.reader.age_rule(package, self.asker):
            survey = await self._listed(package)
            every = usable_versions(survey, client) if survey else None
        else:
            every = await self._versions_of_any_age(package, client)
        if every is None:
            return None
        stable = next((each for each in every if each.is_stable), None)
        return tuple(sorted(every, key=lambda each: each != stable))

    async def _versions_of_any_age(
        self, package: Package, client: ClientProfile
    ) -> Sequence[Version] | None:
        theirs = await self.reader.versions(package, client, self.asker)
        if theirs is None:
            return None
        known = await self.reader.pins.of_package(package)
        refused = {each.version for each in known if each.refused_because}
        [survey] = await self.hosted.records.survey([package])
        is_seen = survey is not None and self.asker.may_see(survey.head)
        ours = usable_versions(survey, client) if survey and is_seen else ()
        accepted = (each for each in theirs if each.text not in refused)
        return sorted({*accepted, *ours}, reverse=True)


def _answered(
    requests: Sequence[RequestT],
    theirs: Mapping[RequestT, AnswerT | Refusal],
    stored: Mapping[RequestT, AnswerT],
) -> tuple[tuple[AnswerT, ...], tuple[RequestT, ...]]:
    """Return the answers, an upstream's before the stored one, and the requests without any; raise
    the refusal of a request that has nothing else."""
    resolved, unresolved = list[AnswerT](), list[RequestT]()
    for each in requests:
        answer = theirs.get(each)
        if isinstance(answer, Refusal):
            if each not in stored:
                raise answer
            answer = None
        answer = answer or stored.get(each)
        if answer is None:
            unresolved.append(each)
        else:
            resolved.append(answer)
    return tuple(resolved), tuple(unresolved)


def _require_few(count: int, most: int, what: str) -> None:
    if count > most:
        reason = (
            f"This names {count:,} {what}, and {most:,} at most are looked for at once in a "
            "registry that mirrors others. Ask for fewer, in several requests."
        )
        raise InvalidRequest(reason)


def _is_exact(request: PackageRequest | ToolRequest) -> bool:
    return request.mode.is_exact and bool(request.version)
