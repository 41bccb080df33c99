"""The chain of sources: packages that are stored here, and those of upstreams, as one caller finds
them.

What is stored is found first, at the cost of our own packages. Then the upstream that
`ours_or_upstream.py` names is asked, if it names one. Only a pull fetches an archive.
Clients take `unresolved` as final. So if only an upstream could find something, and does not
answer, the request is refused, after which a client asks again.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import starmap
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.archives.digests import Digest
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
from shared.domain.coordinates import NO_PACKAGE, Coordinate, Package
from shared.domain.distributions import ANY_CLIENT, ClientProfile
from shared.domain.errors.base import InvalidName, InvalidRequest, NotFound, Refusal, Unavailable
from shared.domain.errors.packages import (
    PackageNotFound,
    ReleaseNotFound,
    UpstreamReleaseRefused,
    UpstreamUnavailable,
    release_denied,
)
from shared.domain.errors.requests import TooManyRequests
from shared.domain.listings import Listing
from shared.domain.mirroring import UpstreamModule, UpstreamResolution
from shared.domain.names import ToolId, parse_tool_id
from shared.domain.packages import AvailableRelease, Survey
from shared.domain.principals import Principal
from shared.domain.release_states import State
from shared.domain.version_choice import (
    ReleaseChoice,
    ResolutionMode,
    live_release,
    newest_stable_first,
    usable_versions,
)
from shared.domain.versions import Range, Version
from shared.domain.visibility import Visibility
from shared.services.mirroring.archive_admission import Admission, Refreshing
from shared.services.mirroring.upstream_questions import Asker
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.mirroring.version_lists import VersionLists
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.source import PackageVersions, UnstoredRelease, VisibleRelease

# Further versions of a range that are tried if the version that the upstream chose is refused.
VERSIONS_TRIED = 3

# What one request may ask of upstreams, since each of these is a request to them of its own.
TOOLS_ASKED = 100
SAME_MODULE_ASKED = 4  # Times the same module, such as in several versions.

# Stands for the digest of a release that nobody has pulled; the answer includes its graph.
NOT_STORED = Digest("0" * 64)

T = TypeVar("T")
RequestT = TypeVar("RequestT", PackageRequest, ModuleRequest, ToolRequest)
AskedT = TypeVar("AskedT", PackageRequest, ToolRequest)
AnswerT = TypeVar("AnswerT", ResolvedPackage, ResolvedModule, ResolvedTool)
ChoiceT = TypeVar("ChoiceT", UpstreamResolution, UpstreamModule)
FoundT = TypeVar("FoundT", AvailableRelease, Listing)
Local = Callable[..., Awaitable[FoundT]]  # Finds a version or a range of a package for a client.
Theirs = Callable[[Coordinate], Awaitable[FoundT | None]]


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
        local = partial(self.hosted.find, by=by)

        async def fetched(at: Coordinate) -> AvailableRelease | None:
            is_stored = await self.admission.admit(at, self.asker)
            return await local(at.package, at.version, client=ANY_CLIENT) if is_stored else None

        found = await self._chosen(package, wanted, client, local, fetched)
        # A release that was chosen without the upstream is checked as well.
        await self.reader.require_age(found.release)
        return found

    async def describe(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        local = partial(self.hosted.describe, by=by)
        return await self._chosen(package, wanted, client, local, self._described)

    async def _described(self, at: Coordinate) -> Listing | None:
        return await self.reader.describe(at.package, at.version, ANY_CLIENT, self.asker)

    async def versions(
        self, package: Package, *, client: ClientProfile, by: Principal
    ) -> PackageVersions:
        local = partial(self.hosted.versions, package, client=client, by=by)

        async def theirs() -> PackageVersions | None:
            versions = await self._all_versions(package, client)
            return None if versions is None else PackageVersions(versions, depends_on=None)

        async def known() -> PackageVersions | None:
            survey = await self._known(package)
            if survey is None:
                return None
            versions = newest_stable_first(usable_versions(survey, client))
            return PackageVersions(versions, depends_on=None)

        try:
            return await self._theirs_or_local(package, theirs, known, local)
        except PackageNotFound as missing:
            raise await self._missing(missing, package) from None

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        if await self._may_ask(package):
            found = await self._listed(package)
            if found and found.live:
                return found
        try:
            return await self.hosted.survey(package, by=by)
        except PackageNotFound as missing:
            raise await self._missing(missing, package) from None

    async def visible_release(
        self, package: Package, version: Version | None, *, by: Principal
    ) -> VisibleRelease | UnstoredRelease:
        try:
            return await self.hosted.visible_release(package, version, by=by)
        except (PackageNotFound, ReleaseNotFound) as missing:
            try:
                return await self._unstored(package, version or Range(), by)
            except ReleaseNotFound:
                raise missing from None

    async def _unstored(
        self, package: Package, wanted: Version | Range, by: Principal
    ) -> UnstoredRelease:
        """Return a release as its upstream describes it; raise as `describe` and `versions` do."""
        if not await self._may_ask(package):
            await self._require_not_denied(package, wanted)
            raise ReleaseNotFound(package, wanted)
        listing = await self.describe(package, wanted, client=ANY_CLIENT, by=by)
        found = await self.versions(package, client=ANY_CLIENT, by=by)
        return UnstoredRelease(listing, found.versions)

    async def find_tool(
        self, tool: str, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        """Return the release of the tool, which is stored now: the request is the first one of a
        pull, whose second one asks for the archive by its address."""

        async def local() -> Listing:
            found = await self.hosted.find_tool(tool, wanted, client=client, by=by)
            await self.reader.require_age(found.release)
            return found

        try:
            package = await self.tool_owner(tool)
        except UpstreamReleaseRefused:
            with suppress(NotFound):
                return await local()
            raise
        if package is not None:
            found = await self.find(package, wanted, client=client, by=by)
            if tool in found.release.tools:
                at = found.release.coordinate
                return await self.describe(at.package, at.version, client=client, by=by)
        return await local()

    async def require_approved(self, coordinate: Coordinate, *, by: Principal) -> None:
        """Refuse nothing: the callers of this source take everything."""

    async def fetch_module(self, module: str, candidates: Sequence[Coordinate]) -> bool:
        for each in candidates:
            if await self._may_ask(each.package):
                found = await self._described(each)
                if found and module.lower() in map(str.lower, found.release.modules):
                    return await self.admission.admit(each, self.asker)
        for each in candidates:
            await self._require_not_denied(each.package, each.version)
        return False

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], *, client: ClientProfile, by: Principal
    ) -> PackageAnswer:
        local = await self.hosted.resolve_packages(requests, client=client, by=by)
        stored = {each.request: each for each in local.resolved}
        theirs = await self._resolved(_unknown(requests, stored), client, by)
        return PackageAnswer(*_answered(requests, theirs, stored))

    async def resolve_modules(
        self, requests: Sequence[ModuleRequest], *, client: ClientProfile, by: Principal
    ) -> ModuleAnswer:
        times = Counter(f"{e.organization}/{e.module}".lower() for e in dict.fromkeys(requests))
        _require_few(max(times.values(), default=0), SAME_MODULE_ASKED, "times the same module")
        local = await self.hosted.resolve_modules(requests, client=client, by=by)
        stored = {each.request: each for each in local.resolved}
        found = await self.reader.resolve_modules(requests, client, self.asker)
        theirs = await _each_answer(found, partial(self._module, client=client))
        for each, answer in theirs.items():
            if isinstance(answer, Refusal):
                theirs[each] = await self._known_module(each, stored, client) or answer
        resolved, unresolved = _answered(requests, theirs, stored)
        return ModuleAnswer(resolved, tuple(map(UnresolvedModule, unresolved)))

    async def resolve_tools(
        self, requests: Sequence[ToolRequest], *, client: ClientProfile, by: Principal
    ) -> ToolAnswer:
        local = await self.hosted.resolve_tools(requests, client=client, by=by)
        stored = {each.request: each for each in local.resolved}
        asked = {e: e.wanted.id for e in _unknown(requests, stored) if e.wanted}
        owners = await self._upstream_tool_owners(dict.fromkeys(asked.values()))
        theirs = dict[ToolRequest, ResolvedTool | Refusal]()
        packages = dict[ToolRequest, PackageRequest]()
        for each, tool in asked.items():
            owner = owners[tool]
            mode = each.mode.value
            if isinstance(owner, Refusal):
                theirs[each] = owner
            elif owner:
                packages[each] = PackageRequest.of(owner.org, owner.name, each.version, mode)
        found = await self._resolved(list(packages.values()), client, by)
        for each, package in packages.items():
            answer = found.get(package)
            if isinstance(answer, Refusal):
                theirs[each] = answer
            elif answer and package.wanted:
                theirs[each] = ResolvedTool(each, package.wanted.package, answer.version)
        return ToolAnswer(*_answered(requests, theirs, stored))

    async def _may_ask(self, package: Package) -> bool:
        """Check whether an upstream may be asked for the package."""
        return await self.reader.ours_or_upstream.upstream_of(package, self.asker) is not None

    async def tool_owner(self, tool: str) -> Package | None:
        """Return the package of an upstream that has the tool; None if it is ours or nobody's, or
        if no upstream may be asked for it, also where it is stored.

        A tool of ours is never looked for at an upstream. Raises
        `UpstreamReleaseRefused` if a rule denies its package, and what `UpstreamReader.versions`
        raises.
        """
        [stored] = await self.hosted.package_reader.tool_owners([tool])
        if not self.asker.by.reads_internal:
            # A hidden package has no tools for the caller, and costs what a free tool costs.
            wanted = stored or NO_PACKAGE
            [survey] = await self.hosted.package_reader.survey([wanted], check=self.asker.check)
            stored = stored if survey else None
        if stored is not None:
            if await self._may_ask(stored):
                return stored
            await self._require_not_denied(stored, Range())
            return None
        with suppress(InvalidName):
            return await self.reader.tool_owner(parse_tool_id(tool), self.asker)
        return None

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
                owners[tool] = await self.tool_owner(tool)
            except UpstreamReleaseRefused:  # A denied package is unresolved, as a missing one.
                owners[tool] = None
            except (UpstreamUnavailable, TooManyRequests) as refusal:
                owners[tool] = refusal
        return owners

    async def _resolved(
        self, requests: Sequence[PackageRequest], client: ClientProfile, by: Principal
    ) -> dict[PackageRequest, ResolvedPackage | Refusal]:
        """Return what upstreams have for the requests and is served here, and refusals; of a
        package whose upstream does not answer, what the last complete list has and is stored."""
        found = await self.reader.resolve_packages(requests, client, self.asker)
        answers = await _each_answer(found, partial(self._package, client=client, by=by))
        known = {e: found for e, found in answers.items() if isinstance(found, UpstreamUnavailable)}
        exact = dict[PackageRequest, PackageRequest]()
        for each in known:
            survey = await self._known(each.wanted.package) if each.wanted else None
            best = (
                survey
                and each.wanted
                and ReleaseChoice(survey, client).pick(each.wanted.version, each.mode)
            )
            if best:
                mode = ResolutionMode.HARD.value
                exact[each] = PackageRequest.of(each.org, each.name, best.version, mode)
        stored = await self.hosted.resolve_packages(list(exact.values()), client=client, by=by)
        by_request = {each.request: each for each in stored.resolved}
        for each, wanted in exact.items():
            if wanted in by_request:
                answers[each] = replace(by_request[wanted], request=each)
        return answers

    async def _known_module(
        self,
        request: ModuleRequest,
        stored: Mapping[ModuleRequest, ResolvedModule],
        client: ClientProfile,
    ) -> ResolvedModule | None:
        """Return the stored answer to a request for an exact version; otherwise that of the last
        complete lists of all packages that may have the module."""
        if request.mode.is_exact and request in stored:
            answer = stored[request]
            if any(answer.version == each.version for each in request.candidates):
                return answer
        packages = dict.fromkeys(each.package for each in request.candidates)
        surveys = [await self._known(each) for each in packages]
        complete = [each for each in surveys if each is not None]
        if len(complete) < len(packages):
            return None
        found = resolve_module(request, ResolutionCandidates(complete, client))
        return found if isinstance(found, ResolvedModule) else None

    async def _package(
        self,
        request: PackageRequest,
        chosen: UpstreamResolution,
        client: ClientProfile,
        by: Principal,
    ) -> ResolvedPackage | Refusal | None:
        """Return the choice of an upstream, or the best release that is served here instead; the
        refusal if nobody knows."""
        if (wanted := request.wanted) is None:
            return None
        if await self._serves(wanted.package, chosen.version):
            version = chosen.version
            deprecation = chosen.deprecation
            return ResolvedPackage(request, version, deprecation, NOT_STORED, chosen.graph)
        survey = None if request.mode.is_exact else await self._listed(wanted.package)
        best = survey and ReleaseChoice(survey, client).pick(wanted.version, request.mode)
        if not best:
            return None
        mode = ResolutionMode.HARD.value
        exact = PackageRequest.of(request.org, request.name, best.version, mode)
        answers = await self._resolved([exact], client, by)
        found = next(iter(answers.values()), None)
        return replace(found, request=request) if isinstance(found, ResolvedPackage) else found

    async def _module(
        self, request: ModuleRequest, chosen: UpstreamModule, client: ClientProfile
    ) -> ResolvedModule | None:
        """Return the module in the release that the upstream chose, or in the best one that is
        served here."""
        candidates = {each.package.name: each.package for each in request.candidates}
        package = candidates.get(chosen.package)  # No other one can hold the module.
        if package is None:
            return None
        if await self._serves(package, chosen.version):
            return ResolvedModule(request, chosen.package, chosen.version)
        survey = await self._listed(package)
        found = resolve_module(request, ResolutionCandidates([survey] if survey else [], client))
        return found if isinstance(found, ResolvedModule) else None

    async def _serves(self, package: Package, version: Version) -> bool:
        """Check whether rules allow the release, and it is not refused here."""
        try:
            await self.reader.require_admitted(package.at(version), self.asker)
        except UpstreamReleaseRefused:
            return False
        return await self._may_ask(package)

    async def _listed(self, package: Package) -> Survey | None:
        """Return the package with all that is stored and that an upstream has and is served here;
        None if no upstream has it, or a private one is stored."""
        stored = await self._stored(package)
        if stored and stored.head.visibility is Visibility.PRIVATE:
            return None
        return await self.lists.survey(package, stored, self.asker)

    async def _known(self, package: Package) -> Survey | None:
        """Return the package as the last complete list of its upstream has it, or None."""
        stored = await self._stored(package)
        if stored and stored.head.visibility is Visibility.PRIVATE:
            return None
        return await self.lists.known(package, stored, self.asker)

    async def _missing(self, missing: PackageNotFound, package: Package) -> PackageNotFound:
        """Return the refusal of a missing package, with the rule if one denies it."""
        denial = await self.reader.ours_or_upstream.denial(package, self.asker)
        return PackageNotFound(package, f". It is not served here: {denial}") if denial else missing

    async def _require_not_denied(self, package: Package, wanted: Version | Range) -> None:
        """Raise `UpstreamReleaseRefused` if a rule denies the package."""
        if denial := await self.reader.ours_or_upstream.denial(package, self.asker):
            raise release_denied(package, wanted, denial)

    async def _stored(self, package: Package) -> Survey | None:
        [stored] = await self.hosted.package_reader.survey([package], check=self.asker.check)
        return stored

    async def _theirs_or_local(
        self,
        package: Package,
        theirs: Callable[[], Awaitable[T | None]],
        known: Callable[[], Awaitable[T | None]],
        local: Callable[[], Awaitable[T]],
    ) -> T:
        """Return the upstream's result, or the stored one if it has none.

        If it does not answer, that of the last complete list: what is stored is a part of the
        whole, and a build would silently take an older version.
        """
        found = None
        if await self._may_ask(package):
            try:
                found = await theirs()
            except UpstreamUnavailable:
                found = await known()
                if found is None:
                    raise
            except UpstreamReleaseRefused:
                with suppress(NotFound):
                    return await local()
                raise
        return await local() if found is None else found

    async def _chosen(
        self,
        package: Package,
        wanted: Version | Range,
        client: ClientProfile,
        local: Local[FoundT],
        theirs: Theirs[FoundT],
    ) -> FoundT:
        """Return what is found of the exact version, or of the one in the range that the upstream
        chooses; of the best one that is not refused here if that one is."""
        try:
            return await self._choose(package, wanted, client, local, theirs)
        except ReleaseNotFound:
            await self._require_not_denied(package, wanted)
            raise

    async def _choose(
        self,
        package: Package,
        wanted: Version | Range,
        client: ClientProfile,
        local: Local[FoundT],
        theirs: Theirs[FoundT],
    ) -> FoundT:
        exact = partial(self._exact, local, theirs)
        if isinstance(wanted, Version):
            return await exact(package.at(wanted))

        async def known() -> FoundT | None:
            survey = await self._known(package)
            best = live_release(survey, wanted, client)
            return await exact(package.at(best.parsed)) if best else None

        async def choice() -> FoundT | None:
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

        return await self._theirs_or_local(
            package, choice, known, partial(local, package, wanted, client=client)
        )

    async def _exact(self, local: Local[FoundT], theirs: Theirs[FoundT], at: Coordinate) -> FoundT:
        """Return what is stored of the release, or else what its upstream has."""
        try:
            found = await local(at.package, at.version, client=ANY_CLIENT)
        except ReleaseNotFound:
            if not await self._may_ask(at.package):
                raise
            stored = await self.hosted.package_reader.find(at, check=self.asker.check)
            if stored.release:
                await self.reader.require_age(stored.release)
                # It is withheld for another reason, or was stored meanwhile.
                return await local(at.package, at.version, client=ANY_CLIENT)
            found = await theirs(at)
            if found is None or (stored.release and stored.release.state is not State.LIVE):
                raise
            return found
        self.refreshing.refresh(found.release)
        await self.reader.require_age(found.release)
        return found

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
        return None if every is None else newest_stable_first(every)

    async def _versions_of_any_age(
        self, package: Package, client: ClientProfile
    ) -> Sequence[Version] | None:
        theirs = await self.reader.versions(package, client, self.asker)
        if theirs is None:
            return None
        known = await self.reader.pins.of_package(package)
        refused = {each.version for each in known if each.refused_because}
        stored = await self._stored(package)
        ours = usable_versions(stored, client) if stored else ()
        accepted = (each for each in theirs if each.text not in refused)
        return sorted({*accepted, *ours}, reverse=True)


async def _each_answer(
    chosen: Mapping[RequestT, ChoiceT | Refusal],
    answer: Callable[[RequestT, ChoiceT], Awaitable[AnswerT | Refusal | None]],
) -> dict[RequestT, AnswerT | Refusal]:
    """Return the answers by what upstreams chose, and the refusals where nobody knows."""

    async def one(request: RequestT, choice: ChoiceT | Refusal) -> AnswerT | Refusal | None:
        try:
            return choice if isinstance(choice, Refusal) else await answer(request, choice)
        except (Unavailable, TooManyRequests) as refusal:
            return refusal

    answers = await asyncio.gather(*starmap(one, chosen.items()))
    return {each: answer for each, answer in zip(chosen, answers, strict=True) if answer}


def _answered(
    requests: Sequence[RequestT],
    theirs: Mapping[RequestT, AnswerT | Refusal],
    stored: Mapping[RequestT, AnswerT],
) -> tuple[tuple[AnswerT, ...], tuple[RequestT, ...]]:
    """Return the answers, an upstream's before the stored one, and the requests without any; raise
    the refusal of a request that an upstream would have to answer."""
    usable = {each: found for each, found in theirs.items() if not isinstance(found, Refusal)}
    answers = {**stored, **usable}
    for each in requests:
        if isinstance(refusal := theirs.get(each), Refusal):
            raise refusal
    resolved = tuple(answers[each] for each in requests if each in answers)
    return resolved, tuple(each for each in requests if each not in answers)


def _require_few(count: int, most: int, what: str) -> None:
    if count > most:
        reason = (
            f"This names {count:,} {what}, and {most:,} at most are looked for at once in a "
            "registry that mirrors others. Ask for fewer, in several requests."
        )
        raise InvalidRequest(reason)


def _unknown(requests: Sequence[AskedT], stored: Collection[AskedT]) -> list[AskedT]:
    """Return the requests without those for exact versions that are stored, so that a build with a
    lock file asks nobody."""
    return [e for e in requests if not (e in stored and e.mode.is_exact and e.version)]
