"""Resolution for builds: what is ours is chosen here, everything else by its upstream."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeVar

from shared.domain.archives.names import Digest
from shared.domain.errors.base import InvalidRequest, Refusal
from shared.domain.errors.mirroring import UpstreamUnavailable
from shared.domain.errors.requests import TooManyRequests
from shared.domain.identity import Principal
from shared.domain.mirroring import without_refused
from shared.domain.names import Package, ToolId
from shared.domain.resolve_requests import (
    ModuleAnswer,
    ModuleRequest,
    PackageAnswer,
    PackageRequest,
    ResolvedModule,
    ResolvedPackage,
    ResolvedTool,
    ToolAnswer,
    ToolRequest,
    UnresolvedModule,
)
from shared.domain.versions import ClientProfile, Version
from shared.services.mirroring.mirrored_lookup import MirroredLookup
from shared.services.packages.resolution import Resolver

# Upstreams are asked for each tool by itself, and for one module in several ways one by one.
TOOLS_ASKED, TOOLS_ASKED_AT_ONCE = 100, 4
SAME_MODULE_ASKED = 4
NOT_STORED = Digest("0" * 64)  # Of a release that nobody has pulled: its graph comes with it.

RequestT = TypeVar("RequestT", PackageRequest, ModuleRequest)
AnswerT = TypeVar("AnswerT", ResolvedPackage, ResolvedModule, ResolvedTool)


@dataclass(frozen=True)
class MirroredResolver:
    """A `Resolver` for one request, that asks each upstream once for all of its packages.

    While an upstream does not answer, it chooses from what is stored of it. Clients take
    `unresolved` as final, so every method also raises `UpstreamUnavailable` if something could only
    be found by an upstream that does not answer, and `TooManyRequests` likewise.
    """

    local: Resolver
    lookup: MirroredLookup

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], *, client: ClientProfile, by: Principal
    ) -> PackageAnswer:
        """Choose a release for each package, with its dependency graph."""
        local = await self.local.resolve_packages(requests, client=client, by=by)
        stored = {each.request: each for each in local.resolved}
        packages = {
            each: [each.wanted.package]
            for each in requests
            # So a build with a lock file needs no upstream.
            if each.wanted and not (each in stored and _is_exact(each))
        }
        theirs = await self._resolved(*await self._to_ask(packages), client)
        chosen = [_first(theirs.get(each), stored.get(each)) for each in requests]
        return PackageAnswer(
            tuple(each for each in chosen if each),
            tuple(each for each, found in zip(requests, chosen, strict=True) if not found),
        )

    async def resolve_modules(
        self, requests: Sequence[ModuleRequest], *, client: ClientProfile, by: Principal
    ) -> ModuleAnswer:
        """Choose the package and release that contain each module."""
        local = await self.local.resolve_modules(requests, client=client, by=by)
        stored = {each.request: each for each in local.resolved}
        packages = {each: [known.package for known in each.candidates] for each in requests}
        times = Counter(f"{each.organization}/{each.module}".lower() for each in packages)
        _require_few(max(times.values(), default=0), SAME_MODULE_ASKED, "times the same module")
        theirs = await self._resolved_modules(*await self._to_ask(packages), client)
        chosen = [_first(theirs.get(each), stored.get(each)) for each in requests]
        return ModuleAnswer(
            tuple(each for each in chosen if each),
            tuple(
                UnresolvedModule(each)
                for each, found in zip(requests, chosen, strict=True)
                if not found
            ),
        )

    async def resolve_tools(
        self, requests: Sequence[ToolRequest], *, client: ClientProfile, by: Principal
    ) -> ToolAnswer:
        """Choose a release of the package that owns each tool."""
        local = await self.local.resolve_tools(requests, client=client, by=by)
        stored = {each.request: each for each in local.resolved}
        tools = {
            each.wanted.id
            for each in requests
            if each.wanted and not (each in stored and _is_exact(each))
        }
        _require_few(len(tools), TOOLS_ASKED, "tools")
        owners = await self._owners(tools)
        asked = dict[ToolRequest, PackageRequest]()
        refused = dict[ToolRequest, Refusal]()
        for each in requests:
            owner = owners.get(each.wanted.id) if each.wanted else None
            if isinstance(owner, Package):
                asked[each] = PackageRequest.of(
                    owner.org, owner.name, each.version, each.mode.value
                )
            elif owner is not None:
                refused[each] = owner
        theirs = await self._resolved(list(asked.values()), {}, client)
        chosen = [
            _first(
                refused.get(each) or _resolved_tool(each, theirs.get(asked[each]))
                if each in asked or each in refused
                else None,
                stored.get(each),
            )
            for each in requests
        ]
        return ToolAnswer(
            tuple(each for each in chosen if each),
            tuple(each for each, found in zip(requests, chosen, strict=True) if not found),
        )

    async def _owners(self, tools: Set[ToolId]) -> dict[ToolId, Package | Refusal | None]:
        """Return the package of an upstream that has each tool, asked for a few at a time; None if
        it is ours, or nobody's, and the refusal if nobody knows."""
        turns = asyncio.Semaphore(TOOLS_ASKED_AT_ONCE)

        async def owner(tool: ToolId) -> Package | Refusal | None:
            async with turns:
                try:
                    return await self.lookup.tool_owner(tool)
                except (UpstreamUnavailable, TooManyRequests) as refusal:
                    return refusal

        return dict(zip(tools, await asyncio.gather(*map(owner, tools)), strict=True))

    async def _to_ask(
        self, packages: Mapping[RequestT, Sequence[Package]]
    ) -> tuple[list[RequestT], dict[RequestT, Refusal]]:
        """Return the requests, by the packages that each may mean, of which an upstream is asked;
        and the refusals of those of which nobody knows whether one is."""

        async def may_ask(packages: Sequence[Package]) -> bool | Refusal:
            # All have one organization; a rule may deny some of them.
            try:
                return any(
                    [await self.lookup.reader.may_ask(each, self.lookup.asker) for each in packages]
                )
            except (UpstreamUnavailable, TooManyRequests) as refusal:
                return refusal

        found = dict(
            zip(packages, await asyncio.gather(*map(may_ask, packages.values())), strict=True)
        )
        return (
            [each for each, may in found.items() if may is True],
            {each: may for each, may in found.items() if isinstance(may, Refusal)},
        )

    async def _resolved(
        self,
        requests: Sequence[PackageRequest],
        refused: Mapping[PackageRequest, Refusal],
        client: ClientProfile,
    ) -> dict[PackageRequest, ResolvedPackage | Refusal]:
        """Return the accepted choices of the upstreams, and the refusals, with those `refused`."""
        try:
            found = await self.lookup.reader.resolve_packages(requests, client, self.lookup.asker)
        except TooManyRequests as refusal:
            return {**refused, **dict.fromkeys(requests, refusal)}
        answers: dict[PackageRequest, ResolvedPackage | Refusal] = {**refused}
        for request, answer in zip(requests, found, strict=True):
            if isinstance(answer, UpstreamUnavailable):
                answers[request] = answer
            elif (
                answer
                and request.wanted
                and await self._serves(request.wanted.package, answer.version)
            ):
                answers[request] = ResolvedPackage(
                    request, answer.version, answer.deprecation, NOT_STORED, answer.graph
                )
        return answers

    async def _resolved_modules(
        self,
        requests: Sequence[ModuleRequest],
        refused: Mapping[ModuleRequest, Refusal],
        client: ClientProfile,
    ) -> dict[ModuleRequest, ResolvedModule | Refusal]:
        try:
            found = await self.lookup.reader.resolve_modules(requests, client, self.lookup.asker)
        except TooManyRequests as refusal:
            return {**refused, **dict.fromkeys(requests, refusal)}
        answers: dict[ModuleRequest, ResolvedModule | Refusal] = {**refused}
        for request, answer in zip(requests, found, strict=True):
            if isinstance(answer, UpstreamUnavailable):
                answers[request] = answer
            elif answer:
                candidates = {each.package.name: each.package for each in request.candidates}
                package = candidates.get(answer.package)  # No other one can hold the module.
                if package and await self._serves(package, answer.version):
                    answers[request] = ResolvedModule(request, answer.package, answer.version)
        return answers

    async def _serves(self, package: Package, version: Version) -> bool:
        """Check whether rules allow the package, and the version is not refused here."""
        return await self.lookup.reader.may_ask(package, self.lookup.asker) and bool(
            without_refused([version], await self.lookup.reader.pins.of_package(package))
        )


def _require_few(count: int, most: int, what: str) -> None:
    if count > most:
        reason = (
            f"This names {count:,} {what}, and {most:,} at most are looked for at once in a "
            "registry that mirrors others. Ask for fewer, in several requests."
        )
        raise InvalidRequest(reason)


def _first(theirs: AnswerT | Refusal | None, stored: AnswerT | None) -> AnswerT | None:
    """Return the upstream's answer, or else the stored one; raise the refusal if there is none."""
    if isinstance(theirs, Refusal):
        if stored is None:
            raise theirs
        return stored
    return theirs or stored


def _resolved_tool(
    request: ToolRequest, found: ResolvedPackage | Refusal | None
) -> ResolvedTool | Refusal | None:
    if not isinstance(found, ResolvedPackage):
        return found
    wanted = found.request.wanted
    return ResolvedTool(request, wanted.package, found.version) if wanted else None


def _is_exact(request: PackageRequest | ToolRequest) -> bool:
    return request.mode.is_exact and bool(request.version)
