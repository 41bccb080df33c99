"""The frozen time of a mirror: answers of upstreams without what was published after it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.errors.base import Refusal
from shared.domain.errors.mirroring import UpstreamReleaseRefused, UpstreamUnavailable
from shared.domain.mirroring import UpstreamModule, UpstreamPackage, UpstreamResolution
from shared.domain.names import Package
from shared.domain.resolve_requests import ModuleRequest, PackageRequest
from shared.domain.versions import ClientProfile, Range, Version
from shared.services.mirroring.upstream_questions import Asker
from shared.services.mirroring.upstream_reader import EXACT_CLIENT, UpstreamReader

DESCRIBED_AT_ONCE = 2  # Of the versions of a list, because public Central is slow.

_EXACT_MODE = "hard"


@dataclass(frozen=True)
class FrozenTimeReader(UpstreamReader):
    """Leaves out releases that were published after the frozen time, if the rules have one.

    Lists and choices of the Central protocol have no times, so each version is described once, and
    its time is stored with its pinned digest. A release without a time counts as later.
    """

    async def versions(
        self, package: Package, client: ClientProfile, asker: Asker
    ) -> tuple[Version, ...] | None:
        versions = await super().versions(package, client, asker)
        return versions and await self._in_time(package, versions, asker)

    async def latest(
        self, package: Package, wanted: Range, client: ClientProfile, asker: Asker
    ) -> Version | None:
        if not await self._is_frozen():
            return await super().latest(package, wanted, client, asker)
        versions = await self.versions(package, client, asker) or ()
        return _best([each for each in versions if wanted.contains(each)])

    async def describe(
        self, package: Package, wanted: Version | Range, client: ClientProfile, asker: Asker
    ) -> UpstreamPackage | None:
        """Return a release as the upstream describes it; raise `UpstreamReleaseRefused` also for a
        version that was published later."""
        if await self._is_frozen() and isinstance(wanted, Range):
            latest = await self.latest(package, wanted, client, asker)
            if latest is None:
                return None
            wanted = latest
        found = await super().describe(package, wanted, client, asker)
        rules = await self.upstreams.rules()
        if found is not None and rules.is_frozen(found.listing.release.created_ms):
            reason = f"it was published after {rules.frozen_text}."
            name = found.listing.head.upstream
            raise UpstreamReleaseRefused(found.coordinate, name, reason)
        return found

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], client: ClientProfile, asker: Asker
    ) -> list[UpstreamResolution | Refusal | None]:
        """Return the choice for each request. Where the upstream chose a later release, it is asked
        again for the newest one that fits."""
        answers = await super().resolve_packages(requests, client, asker)
        packages = [each.wanted.package if each.wanted else None for each in requests]
        late = await self._late(packages, answers, asker)
        earlier = await self._resolve_earlier([requests[each] for each in late], client, asker)
        return [
            earlier.get(request) if number in late else answer
            for number, (request, answer) in enumerate(zip(requests, answers, strict=True))
        ]

    async def resolve_modules(
        self, requests: Sequence[ModuleRequest], client: ClientProfile, asker: Asker
    ) -> list[UpstreamModule | Refusal | None]:
        """Return the package of each module; None where the upstream chose a later release."""
        answers = await super().resolve_modules(requests, client, asker)
        packages = [_package_of(*each) for each in zip(requests, answers, strict=True)]
        late = await self._late(packages, answers, asker)
        return [None if number in late else answer for number, answer in enumerate(answers)]

    async def _is_frozen(self) -> bool:
        return (await self.upstreams.rules()).frozen_ms is not None

    async def _in_time(
        self, package: Package, versions: tuple[Version, ...], asker: Asker
    ) -> tuple[Version, ...]:
        """Return the versions that were published before the frozen time."""
        if not await self._is_frozen():
            return versions
        known = {each.version: each.published_ms for each in await self.pins.of_package(package)}
        unknown = [each for each in versions if not known.get(each.text)]
        turns, describe = asyncio.Semaphore(DESCRIBED_AT_ONCE), super().describe

        async def published_ms(version: Version) -> int | None:
            async with turns:
                try:
                    found = await describe(package, version, EXACT_CLIENT, asker)
                except UpstreamReleaseRefused:
                    return None
                return found.listing.release.created_ms if found else None

        times = await asyncio.gather(*map(published_ms, unknown))
        known |= {each.text: at_ms for each, at_ms in zip(unknown, times, strict=True)}
        rules = await self.upstreams.rules()
        return tuple(each for each in versions if not rules.is_frozen(known[each.text]))

    async def _late(
        self,
        packages: Sequence[Package | None],
        answers: Sequence[UpstreamResolution | UpstreamModule | Refusal | None],
        asker: Asker,
    ) -> set[int]:
        """Return the positions of the answers that choose a release of later, or one of which no
        upstream says the time now."""

        async def is_late(package: Package | None, answer: object) -> bool:
            if package is None or not isinstance(answer, UpstreamResolution | UpstreamModule):
                return False
            try:
                return not await self._in_time(package, (answer.version,), asker)
            except UpstreamUnavailable:
                return True

        if not await self._is_frozen():
            return set()
        late = await asyncio.gather(*map(is_late, packages, answers))
        return {number for number, each in enumerate(late) if each}

    async def _resolve_earlier(
        self, requests: Sequence[PackageRequest], client: ClientProfile, asker: Asker
    ) -> dict[PackageRequest, UpstreamResolution | Refusal | None]:
        """Return the newest releases before the frozen time that fit the requests."""
        exact: dict[PackageRequest, PackageRequest] = {}
        for each in requests:
            wanted = each.wanted
            if wanted is None or each.mode.is_exact:
                continue
            try:
                versions = await self.versions(wanted.package, client, asker) or ()
            except UpstreamUnavailable:
                continue
            best = _best(
                [v for v in versions if not wanted.version or v.major == wanted.version.major]
            )
            if best is not None:
                exact[each] = PackageRequest.of(each.org, each.name, best.text, _EXACT_MODE)
        # All are in time, so this asks no further.
        found = await self.resolve_packages(list(exact.values()), client, asker) if exact else []
        return dict(zip(exact, found, strict=True))


def _best(versions: Sequence[Version]) -> Version | None:
    """Return the newest version of a list that begins with it: a stable one if there is one."""
    return min(versions, key=lambda each: not each.is_stable, default=None)


def _package_of(request: ModuleRequest, answer: UpstreamModule | Refusal | None) -> Package | None:
    named = answer.package if isinstance(answer, UpstreamModule) else None
    return next((each.package for each in request.candidates if each.package.name == named), None)
