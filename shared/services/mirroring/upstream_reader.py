"""Reads what the upstream says of packages: through the gate, from kept answers, within limits."""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, cast

from shared.domain.errors.mirroring import UpstreamUnavailable
from shared.domain.identity import Principal
from shared.domain.mirroring import UpstreamModule, UpstreamPackage, UpstreamResolution
from shared.domain.names import Coordinate, Package, ToolId, package_owner
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.resolution import ModuleRequest, PackageRequest
from shared.domain.versions import ANY_CLIENT, ClientProfile, Range, Version
from shared.ports import Clock, Unanswered, Upstream, WorkStore
from shared.services.limits.rate_limits import RateLimiter
from shared.services.mirroring.kept_answers import Ask, KeptAnswers, NewAnswer, NotThere
from shared.services.mirroring.name_owners import NameOwners
from shared.services.mirroring.pinned_digests import PinnedDigests
from shared.services.mirroring.upstream_gate import UpstreamGate

MISSING_FOR = timedelta(minutes=1)  # In all processes: a release may be published any minute.

_MISSING = "upstream-missing"
_OF_A_BUILD = "A package of this build"
_VERSION_BYTES = 200  # Of memory, for a version of a list.
_MS = timedelta(milliseconds=1)

T = TypeVar("T")
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and what the request came through, as its header `Via` says.

    `via` is called only if the answer depends on the upstream: an answer whose header was read is
    not repeated by the host.
    """

    by: Principal
    via: Callable[[], str]


@dataclass(frozen=True)
class UpstreamReader:
    """Asks the upstream; every method raises `UpstreamUnavailable` if there is no answer, and
    `TooManyRequests` for a caller without a token that asks too much."""

    name: str
    pseudonym: str  # Of this registry, in `Via`.
    upstream: Upstream
    gate: UpstreamGate
    kept: KeptAnswers
    owners: NameOwners
    pins: PinnedDigests
    work: WorkStore
    rate_limiter: RateLimiter
    clock: Clock

    async def may_ask(self, package: Package, asker: Asker) -> bool:
        """Check whether the upstream may be asked for the package: its name is not ours, and the
        request did not come through this registry before."""
        return not self.passed_here(asker) and await self.owners.may_ask(package.org)

    def passed_here(self, asker: Asker) -> bool:
        """Check whether the request came through this registry before."""
        through = asker.via().split(",")
        return any(each.split()[1:2] == [self.pseudonym] for each in through)

    async def versions(
        self, package: Package, client: ClientProfile, asker: Asker
    ) -> tuple[Version, ...] | None:
        """Return the versions that the client can use, newest first, or None."""

        async def ask(tag: str) -> NewAnswer | None:
            answer = await self._present(
                package_owner(package),
                lambda: self.upstream.versions(package, client, tag=tag, via=asker.via()),
            )
            if answer.versions is None:
                return None
            size = 1_000 + _VERSION_BYTES * len(answer.versions)
            return NewAnswer(answer.versions, answer.tag, size)

        found = await self._kept(("versions", package.key, client), ask, package, asker)
        return cast("tuple[Version, ...] | None", found)

    async def latest(
        self, package: Package, wanted: Range, client: ClientProfile, asker: Asker
    ) -> Version | None:
        """Return the version that a pull of the range gets, or None."""

        async def ask(_tag: str) -> NewAnswer:
            return NewAnswer(
                await self._present(
                    f"{package_owner(package)}:{wanted}",
                    lambda: self.upstream.latest(package, wanted, client, via=asker.via()),
                )
            )

        found = await self._kept(("latest", package.key, wanted, client), ask, package, asker)
        return cast("Version | None", found)

    async def describe(
        self, package: Package, wanted: Version | Range, client: ClientProfile, asker: Asker
    ) -> UpstreamPackage | None:
        """Return a release as the upstream describes it, or None; the digest of the description is
        pinned. Raises `UpstreamReleaseRefused`."""
        key, ask = self._description(package, wanted, client, asker)
        return cast("UpstreamPackage | None", await self._kept(key, ask, package, asker))

    async def describe_anew(self, coordinate: Coordinate, asker: Asker) -> UpstreamPackage | None:
        """Return the description that the upstream gives now; raise as `describe` does."""
        package, version = coordinate.package, coordinate.version
        key, ask = self._description(package, version, EXACT_CLIENT, asker)
        try:
            return cast("UpstreamPackage", await self.kept.renewed(key, ask))
        except NotThere:
            return None
        except Unanswered:
            raise UpstreamUnavailable(coordinate, self.name) from None

    def _description(
        self, package: Package, wanted: Version | Range, client: ClientProfile, asker: Asker
    ) -> tuple[Hashable, Ask]:
        """Return the key of a description, and how to ask for it."""

        async def ask(_tag: str) -> NewAnswer:
            found = await self._present(
                f"{package_owner(package)}:{wanted}",
                lambda: self.upstream.describe(package, wanted, client, via=asker.via()),
            )
            release = found.listing.release
            await self.pins.require(release.coordinate, release.content)
            size = 4_000 + len(found.listing.texts.model_dump_json())
            return NewAnswer(found, memory_bytes=size)

        return ("package", package.key, wanted, client), ask

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], client: ClientProfile, asker: Asker
    ) -> list[UpstreamResolution | None]:
        """Return the choice for each request, with one request to the upstream for all of which no
        fresh answer is kept."""
        keys = [(each.org, each.name, each.version, each.mode, client) for each in requests]
        found = await self._resolved(
            dict(zip(keys, requests, strict=True)),
            lambda asked: self.upstream.resolve_packages(asked, client, via=asker.via()),
            asker,
        )
        return [cast("UpstreamResolution | None", found[key]) for key in keys]

    async def resolve_modules(
        self, requests: Sequence[ModuleRequest], client: ClientProfile, asker: Asker
    ) -> list[UpstreamModule | None]:
        """Return the package of each module, as `resolve_packages` does."""
        keys = [(each, client) for each in requests]
        found = await self._resolved(
            dict(zip(keys, requests, strict=True)),
            lambda asked: self.upstream.resolve_modules(asked, client, via=asker.via()),
            asker,
        )
        return [cast("UpstreamModule | None", found[key]) for key in keys]

    async def tool_owner(self, tool: ToolId, asker: Asker) -> Package | None:
        """Return the package that has the tool, or None; raise as `versions` does."""

        async def ask(_tag: str) -> NewAnswer:
            ask = self.upstream.tool
            return NewAnswer(
                await self._present(f"tool:{tool}", lambda: ask(tool, via=asker.via()))
            )

        if self.passed_here(asker):
            return None
        found = await self._kept(("tool", tool), ask, f"The tool {tool}", asker)
        owner = cast("Package | None", found)
        return owner if owner and await self.owners.may_ask(owner.org) else None

    async def count(self, asker: Asker) -> None:
        """Count what a caller without a token makes the upstream do; raise `TooManyRequests`."""
        if asker.by.is_anonymous:
            keys = RateLimitKeys.of(asker.by)
            await self.rate_limiter.check(RateLimitClass.MIRROR, keys)

    async def is_missing(self, coordinate: Coordinate) -> bool:
        """Check whether the upstream said lately that it has no such version."""
        return await self._is_noted(_missing_key(coordinate))

    async def note_missing(self, coordinate: Coordinate) -> None:
        """Note that the upstream has no such version, in all processes."""
        await self._note(_missing_key(coordinate))

    async def _resolved(
        self,
        requests: Mapping[Key, T],
        ask: Callable[[Sequence[T]], Awaitable[Sequence[object]]],
        asker: Asker,
    ) -> dict[Key, object]:
        kept = {key: self.kept.fresh(key) for key in requests}
        found = {key: answer.value for key, answer in kept.items() if answer is not None}
        unknown = {key: each for key, each in requests.items() if key not in found}
        if not unknown:
            return found
        await self.count(asker)
        try:
            answers = await self.gate.ask(lambda: ask(list(unknown.values())))
        except Unanswered:
            raise UpstreamUnavailable(_OF_A_BUILD, self.name) from None
        for key, answer in zip(unknown, answers, strict=True):
            found[key] = answer
            self.kept.put(key, _resolution(answer))
        return found

    async def _kept(self, key: Hashable, ask: Ask, package: Package | str, asker: Asker) -> object:
        if self.kept.fresh(key) is None:
            await self.count(asker)
        try:
            return await self.kept.get(key, ask)
        except NotThere:
            return None
        except Unanswered:
            raise UpstreamUnavailable(package, self.name) from None

    async def _present(self, key: str, request: Callable[[], Awaitable[T | None]]) -> T:
        """Return the answer; raise `NotThere` if the upstream says so now or said so lately."""
        if await self._is_noted(key):
            raise NotThere
        answer = await self.gate.ask(request)
        if answer is None:
            await self._note(key)
            raise NotThere
        return answer

    async def _is_noted(self, key: str) -> bool:
        return await self.work.peek(_MISSING, key, self.clock.now_ms()) is not None

    async def _note(self, key: str) -> None:
        await self.work.put(_MISSING, key, "", self.clock.now_ms() + MISSING_FOR // _MS)


def _missing_key(coordinate: Coordinate) -> str:
    return f"{package_owner(coordinate.package)}:{coordinate.version}"


def _resolution(answer: object) -> NewAnswer:
    size = 1_000 + (len(answer.graph) if isinstance(answer, UpstreamResolution) else 0)
    return NewAnswer(answer, memory_bytes=size, fresh_for=None if answer else MISSING_FOR)


EXACT_CLIENT = ANY_CLIENT  # Exact versions are served to every client.
