"""Resolution for builds: what is ours is chosen here, everything else by its upstream."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from shared.domain.archives.names import Digest
from shared.domain.errors.mirroring import UpstreamUnavailable
from shared.domain.errors.requests import TooManyRequests
from shared.domain.identity import Principal
from shared.domain.mirroring import UpstreamModule, UpstreamResolution, without_refused
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
from shared.services.mirroring.catalogue import UpstreamCatalogue
from shared.services.mirroring.upstream_questions import Asker
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.packages.resolution import Resolver

NOT_STORED = Digest("0" * 64)  # Of a release that nobody has pulled: its graph comes with it.


@dataclass(frozen=True)
class MirroredResolver:
    """A `Resolver` for one request, that asks each upstream once for all of its packages.

    While an upstream does not answer, it chooses from what is stored of it.
    """

    local: Resolver
    reader: UpstreamReader
    catalogue: UpstreamCatalogue
    asker: Asker

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], *, client: ClientProfile, by: Principal
    ) -> PackageAnswer:
        """Choose a release for each package, with its dependency graph."""
        local = await self.local.resolve_packages(requests, client=client, by=by)
        stored = {each.request: each for each in local.resolved}
        asked = await self._to_ask(requests, stored)
        theirs = await self._resolved(asked, client)
        chosen = [theirs.get(each) or stored.get(each) for each in requests]
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
        asked = [each for each in requests if await self._may_ask_module(each)]
        theirs = await self._resolved_modules(asked, client)
        chosen = [theirs.get(each) or stored.get(each) for each in requests]
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
        """Choose a release of the package that owns each tool, as far as that is known here."""
        local = await self.local.resolve_tools(requests, client=client, by=by)
        stored = {each.request: each for each in local.resolved}
        owners = {
            each: await self._mirrored_owner(each.wanted.id)
            for each in dict.fromkeys(requests)
            if each.wanted and not (each in stored and _is_exact(each))
        }
        asked = {
            each: PackageRequest.of(owner.org, owner.name, each.version, each.mode.value)
            for each, owner in owners.items()
            if owner
        }
        theirs = await self._resolved(list(asked.values()), client)
        chosen = [
            _resolved_tool(each, theirs.get(asked[each]) if each in asked else None)
            or stored.get(each)
            for each in requests
        ]
        return ToolAnswer(
            tuple(each for each in chosen if each),
            tuple(each for each, found in zip(requests, chosen, strict=True) if not found),
        )

    async def _mirrored_owner(self, tool: ToolId) -> Package | None:
        """Return the package of the upstream that has the tool; None if it is ours, or unknown."""
        stored = await self.reader.stored_tool_owner(tool, self.local.records, self.asker)
        owner = stored or await self.catalogue.tool_owner(tool)
        return owner if owner and await self._may_ask(owner) else None

    async def _to_ask(
        self, requests: Sequence[PackageRequest], stored: Collection[PackageRequest]
    ) -> list[PackageRequest]:
        """Return the requests for the upstream: of packages that are not ours, without exact
        versions that are stored, so that a build with a lock file needs no upstream."""
        open_requests = [
            each
            for each in dict.fromkeys(requests)
            if each.wanted and not (each in stored and _is_exact(each))
        ]
        may = await asyncio.gather(
            *(self._may_ask(each.wanted.package) for each in open_requests if each.wanted)
        )
        return [each for each, asked in zip(open_requests, may, strict=True) if asked]

    async def _may_ask(self, package: Package) -> bool:
        try:
            return await self.reader.may_ask(package, self.asker)
        except (UpstreamUnavailable, TooManyRequests):
            return False  # Nobody knows which upstream has it.

    async def _may_ask_module(self, request: ModuleRequest) -> bool:
        # All candidates have one organization; a rule may deny some of them.
        asked = [await self._may_ask(each.package) for each in request.candidates]
        return any(asked)

    async def _resolved(
        self, requests: Sequence[PackageRequest], client: ClientProfile
    ) -> dict[PackageRequest, ResolvedPackage]:
        if not requests:
            return {}
        try:
            found = await self.reader.resolve_packages(requests, client, self.asker)
        except TooManyRequests:
            return {}  # After an error a build uses its cache without a message.
        pairs = [(each, answer) for each, answer in zip(requests, found, strict=True) if answer]
        accepted = await asyncio.gather(*(self._is_accepted(*pair) for pair in pairs))
        return {
            request: ResolvedPackage(
                request, answer.version, answer.deprecation, NOT_STORED, answer.graph
            )
            for (request, answer), is_accepted in zip(pairs, accepted, strict=True)
            if is_accepted
        }

    async def _resolved_modules(
        self, requests: Sequence[ModuleRequest], client: ClientProfile
    ) -> dict[ModuleRequest, ResolvedModule]:
        if not requests:
            return {}
        try:
            found = await self.reader.resolve_modules(requests, client, self.asker)
        except TooManyRequests:
            return {}
        pairs = [(each, answer) for each, answer in zip(requests, found, strict=True) if answer]
        accepted = await asyncio.gather(*(self._is_accepted_module(*pair) for pair in pairs))
        return {
            request: ResolvedModule(request, answer.package, answer.version)
            for (request, answer), is_accepted in zip(pairs, accepted, strict=True)
            if is_accepted
        }

    async def _is_accepted(self, request: PackageRequest, answer: UpstreamResolution) -> bool:
        wanted = request.wanted
        return wanted is not None and await self._serves(wanted.package, answer.version)

    async def _is_accepted_module(self, request: ModuleRequest, answer: UpstreamModule) -> bool:
        candidates = {each.package.name: each.package for each in request.candidates}
        package = candidates.get(answer.package)  # No other package can hold the module.
        return package is not None and await self._serves(package, answer.version)

    async def _serves(self, package: Package, version: Version) -> bool:
        """Check whether rules allow the package, and the version is not refused here."""
        return await self._may_ask(package) and bool(
            without_refused([version], await self.reader.pins.of_package(package))
        )


def _resolved_tool(request: ToolRequest, found: ResolvedPackage | None) -> ResolvedTool | None:
    wanted = found.request.wanted if found else None
    return ResolvedTool(request, wanted.package, found.version) if found and wanted else None


def _is_exact(request: PackageRequest | ToolRequest) -> bool:
    return request.mode.is_exact and bool(request.version)
