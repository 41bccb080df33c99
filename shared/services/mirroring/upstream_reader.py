"""Reads what upstreams say of packages: each through its gate, from kept answers, within limits."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import TypeVar, cast

from shared.domain.errors.mirroring import UpstreamReleaseRefused, UpstreamUnavailable
from shared.domain.identity import Principal
from shared.domain.mirror_rules import Choice, Verdict
from shared.domain.mirroring import UpstreamModule, UpstreamPackage, UpstreamResolution
from shared.domain.names import Coordinate, OrgName, Package, ToolId, package_owner
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.resolution import ModuleRequest, PackageRequest
from shared.domain.versions import ANY_CLIENT, ClientProfile, Range, Version
from shared.ports import Clock, Unanswered, WorkStore
from shared.services.limits.rate_limits import RateLimiter
from shared.services.mirroring.kept_answers import Ask, KeptAnswers, NewAnswer, NotThere
from shared.services.mirroring.name_owners import OURS, NameOwners
from shared.services.mirroring.pinned_digests import PinnedDigests
from shared.services.mirroring.upstreams import Upstreams, UpstreamSource

DESCRIBED_AT_ONCE = 2  # Of the versions of a list, because public Central is slow.
MISSING_FOR = timedelta(minutes=1)  # In all processes: a release may be published any minute.

_MISSING = "upstream-missing"
_EXACT_MODE = "hard"
_VERSION_BYTES = 200  # Of memory, for a version of a list.
_MS = timedelta(milliseconds=1)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and what the request came through, as its header `Via` says.

    `via` is called only if the answer depends on an upstream: an answer whose header was read is
    not repeated by the host. `sources` remembers the upstreams of the packages of one request.
    """

    by: Principal
    via: Callable[[], str]
    sources: dict[str, UpstreamSource | None] | None = None


@dataclass(frozen=True)
class UpstreamReader:
    """Asks the upstream that a package comes from; every method raises `UpstreamUnavailable` if
    there is no answer, and `TooManyRequests` for a caller without a token that asks too much."""

    pseudonym: str  # Of this registry, in `Via`.
    upstreams: Upstreams
    kept: KeptAnswers
    owners: NameOwners
    pins: PinnedDigests
    work: WorkStore
    rate_limiter: RateLimiter
    clock: Clock

    async def may_ask(self, package: Package, asker: Asker) -> bool:
        """Check whether an upstream may be asked for the package; raise as `source` does."""
        return await self.source(package, asker) is not None

    async def source(self, package: Package, asker: Asker) -> UpstreamSource | None:
        """Return the upstream that the package comes from.

        None if the name is ours, if the rules deny the package, if the owner of the name is not the
        upstream that the rules name, or if the request came through this registry before. Without
        owner and rule it is the first upstream that has the organization. An upstream before it
        that does not answer may have it, so then no other one is asked.
        """
        known = {} if asker.sources is None else asker.sources
        if package.key not in known:
            known[package.key] = await self._decide_source(package, asker)
        return known[package.key]

    async def _decide_source(self, package: Package, asker: Asker) -> UpstreamSource | None:
        if self.passed_here(asker):
            return None
        owner = await self.owners.owner(package.org)
        if owner == OURS:
            return None
        choice = (await self.upstreams.rules()).choose(package)
        if choice.verdict is Verdict.DENIED:
            return None
        if choice.verdict is Verdict.NAMED:
            return await self.upstreams.find(choice.upstream) if _agree(owner, choice) else None
        if owner:
            return await self.upstreams.find(owner)
        return await self._first_with(package.org, asker)

    def passed_here(self, asker: Asker) -> bool:
        """Check whether the request came through this registry before."""
        through = asker.via().split(",")
        return any(each.split()[1:2] == [self.pseudonym] for each in through)

    async def _first_with(self, org: OrgName, asker: Asker) -> UpstreamSource | None:
        """Return the first upstream that has the organization; the last one needs no question,
        because its answers about packages say the same."""
        *first, last = await self.upstreams.sources()
        for source in first:
            if await self.has_organization(source, org, asker):
                return source
        return last

    async def has_organization(self, source: UpstreamSource, org: OrgName, asker: Asker) -> bool:
        """Check whether the upstream has public packages of the organization."""

        async def ask(_tag: str) -> NewAnswer:
            async def request() -> bool | None:
                return await source.upstream.has_organization(org, via=asker.via()) or None

            return NewAnswer(await self._present(source, f"{source.name}:{org.lower()}", request))

        key = (source.name, "organization", org.lower())
        return bool(await self._kept(key, ask, org, source, asker))

    async def versions(
        self, package: Package, client: ClientProfile, asker: Asker
    ) -> tuple[Version, ...] | None:
        """Return the versions that the client can use, newest first, or None. Those that were
        published after the frozen time are left out, here and in all other answers."""
        source = await self.source(package, asker)
        if source is None:
            return None
        key, ask = self._versions(source, package, client, asker)
        found = await self._kept(key, ask, package, source, asker)
        versions = cast("tuple[Version, ...] | None", found)
        if not versions or (await self.upstreams.rules()).frozen_ms is None:
            return versions
        return await self._published_in_time(package, versions, asker)

    async def versions_anew(
        self, source: UpstreamSource, package: Package, client: ClientProfile, asker: Asker
    ) -> tuple[Version, ...] | None:
        """Return the list that the upstream gives now, whatever the frozen time, and keep it."""
        key, ask = self._versions(source, package, client, asker)
        return cast("tuple[Version, ...] | None", await self._anew(key, ask, package, source))

    def _versions(
        self, source: UpstreamSource, package: Package, client: ClientProfile, asker: Asker
    ) -> tuple[Hashable, Ask]:
        """Return the key of a list of versions, and how to ask for it."""

        async def ask(tag: str) -> NewAnswer | None:
            answer = await self._present(
                source,
                package_owner(package),
                lambda: source.upstream.versions(package, client, tag=tag, via=asker.via()),
            )
            if answer.versions is None:
                return None
            size = 1_000 + _VERSION_BYTES * len(answer.versions)
            return NewAnswer(answer.versions, answer.tag, size)

        return (source.name, "versions", package.key, client), ask

    async def _published_in_time(
        self, package: Package, versions: tuple[Version, ...], asker: Asker
    ) -> tuple[Version, ...]:
        """Return the versions that were published before the frozen time.

        Lists of the Central protocol have no times, so each version is described once, two at a
        time, and its time is stored.
        """
        known = {each.version: each.published_ms for each in await self.pins.of_package(package)}
        unknown = [each for each in versions if not known.get(each.text)]
        turns = asyncio.Semaphore(DESCRIBED_AT_ONCE)

        async def published_ms(version: Version) -> int | None:
            async with turns:
                try:
                    found = await self._describe(package, version, EXACT_CLIENT, asker)
                except UpstreamReleaseRefused:
                    return None
                return found.listing.release.created_ms if found else None

        times = await asyncio.gather(*map(published_ms, unknown))
        known |= {each.text: at_ms for each, at_ms in zip(unknown, times, strict=True)}
        rules = await self.upstreams.rules()
        return tuple(each for each in versions if not rules.is_frozen(known[each.text]))

    async def latest(
        self, package: Package, wanted: Range, client: ClientProfile, asker: Asker
    ) -> Version | None:
        """Return the version that a pull of the range gets, or None."""
        source = await self.source(package, asker)
        if source is None:
            return None
        if (await self.upstreams.rules()).frozen_ms is not None:
            versions = await self.versions(package, client, asker) or ()
            fitting = [each for each in versions if wanted.contains(each)]
            return min(fitting, key=lambda each: not each.is_stable, default=None)

        async def ask(_tag: str) -> NewAnswer:
            return NewAnswer(
                await self._present(
                    source,
                    f"{package_owner(package)}:{wanted}",
                    lambda: source.upstream.latest(package, wanted, client, via=asker.via()),
                )
            )

        key = (source.name, "latest", package.key, wanted, client)
        found = await self._kept(key, ask, package, source, asker)
        return cast("Version | None", found)

    async def describe(
        self, package: Package, wanted: Version | Range, client: ClientProfile, asker: Asker
    ) -> UpstreamPackage | None:
        """Return a release as the upstream describes it, or None; the digest of the description is
        pinned. Raises `UpstreamReleaseRefused`."""
        rules = await self.upstreams.rules()
        if rules.frozen_ms is not None and isinstance(wanted, Range):
            latest = await self.latest(package, wanted, client, asker)
            if latest is None:
                return None
            wanted = latest
        found = await self._describe(package, wanted, client, asker)
        if found is not None and rules.is_frozen(found.listing.release.created_ms):
            name, reason = (
                found.listing.head.upstream,
                f"it was published after {rules.frozen_text}.",
            )
            raise UpstreamReleaseRefused(found.coordinate, name, reason)
        return found

    async def _describe(
        self, package: Package, wanted: Version | Range, client: ClientProfile, asker: Asker
    ) -> UpstreamPackage | None:
        source = await self.source(package, asker)
        if source is None:
            return None
        key, ask = self._description(source, package, wanted, client, asker.via)
        return cast("UpstreamPackage | None", await self._kept(key, ask, package, source, asker))

    async def describe_anew(self, coordinate: Coordinate, asker: Asker) -> UpstreamPackage | None:
        """Return the description that the upstream gives now; raise as `describe` does."""
        package, version = coordinate.package, coordinate.version
        source = await self.source(package, asker)
        if source is None:
            return None
        key, ask = self._description(source, package, version, EXACT_CLIENT, asker.via)
        return cast("UpstreamPackage | None", await self._anew(key, ask, coordinate, source))

    def _description(
        self,
        source: UpstreamSource,
        package: Package,
        wanted: Version | Range,
        client: ClientProfile,
        via: Callable[[], str],
    ) -> tuple[Hashable, Ask]:
        """Return the key of a description, and how to ask for it."""

        async def ask(_tag: str) -> NewAnswer:
            found = await self._present(
                source,
                f"{package_owner(package)}:{wanted}",
                lambda: source.upstream.describe(package, wanted, client, via=via()),
            )
            release = found.listing.release
            await self.pins.require_described(release, source.name)
            size = 4_000 + len(found.listing.texts.model_dump_json())
            return NewAnswer(found, memory_bytes=size)

        return (source.name, "package", package.key, wanted, client), ask

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], client: ClientProfile, asker: Asker
    ) -> list[UpstreamResolution | None]:
        """Return the choice for each request, with one request to each upstream for all of its
        packages of which no fresh answer is kept; None while it does not answer."""
        keys = [(each.org, each.name, each.version, each.mode, client) for each in requests]
        found = await self._resolved(
            [(each, [each.wanted.package] if each.wanted else []) for each in requests],
            keys,
            lambda source, asked: source.upstream.resolve_packages(asked, client, via=asker.via()),
            asker,
        )
        answers = [cast("UpstreamResolution | None", each) for each in found]
        in_time = await asyncio.gather(
            *(
                self._is_in_time(each.wanted and each.wanted.package, answer, asker)
                for each, answer in zip(requests, answers, strict=True)
            )
        )
        if all(in_time):
            return answers
        late = [each for each, is_in_time in zip(requests, in_time, strict=True) if not is_in_time]
        earlier = await self._resolve_earlier(late, client, asker)
        return [
            answer if is_in_time else earlier.get(request)
            for request, answer, is_in_time in zip(requests, answers, in_time, strict=True)
        ]

    async def _is_in_time(
        self, package: Package | None, answer: UpstreamResolution | None, asker: Asker
    ) -> bool:
        if package is None or answer is None:
            return True
        return await self.is_in_time(package, answer.version, asker)

    async def is_in_time(self, package: Package, version: Version, asker: Asker) -> bool:
        """Check whether the version was published before the frozen time, if there is one."""
        if (await self.upstreams.rules()).frozen_ms is None:
            return True
        try:
            return bool(await self._published_in_time(package, (version,), asker))
        except UpstreamUnavailable:
            return False

    async def _resolve_earlier(
        self, requests: Sequence[PackageRequest], client: ClientProfile, asker: Asker
    ) -> dict[PackageRequest, UpstreamResolution | None]:
        """Return the newest versions before the frozen time for requests of which the upstream
        chose later ones."""
        exact: dict[PackageRequest, PackageRequest] = {}
        for each in requests:
            wanted = each.wanted
            if wanted is None or each.mode.is_exact:
                continue
            try:
                versions = await self.versions(wanted.package, client, asker) or ()
            except UpstreamUnavailable:
                continue
            fitting = [v for v in versions if not wanted.version or v.major == wanted.version.major]
            best = min(fitting, key=lambda v: not v.is_stable, default=None)
            if best is not None:
                exact[each] = PackageRequest.of(each.org, each.name, best.text, _EXACT_MODE)
        # All are in time, so this asks no further.
        found = await self.resolve_packages(list(exact.values()), client, asker) if exact else []
        return dict(zip(exact, found, strict=True))

    async def resolve_modules(
        self, requests: Sequence[ModuleRequest], client: ClientProfile, asker: Asker
    ) -> list[UpstreamModule | None]:
        """Return the package of each module, as `resolve_packages` does."""
        found = await self._resolved(
            [(each, [known.package for known in each.candidates]) for each in requests],
            [(each, client) for each in requests],
            lambda source, asked: source.upstream.resolve_modules(asked, client, via=asker.via()),
            asker,
        )
        return [cast("UpstreamModule | None", each) for each in found]

    async def tool_owner(self, tool: ToolId, asker: Asker) -> Package | None:
        """Return the package that has the tool and comes from the upstream that says so, or None;
        raise as `versions` does."""
        if self.passed_here(asker):
            return None
        for source in await self.upstreams.sources():
            owner = await self._tool_owner_at(source, tool, asker)
            own = await self.source(owner, asker) if owner else None
            if own and own.name == source.name:
                return owner
        return None

    async def _tool_owner_at(
        self, source: UpstreamSource, tool: ToolId, asker: Asker
    ) -> Package | None:
        async def ask(_tag: str) -> NewAnswer:
            named = partial(source.upstream.tool, tool, via=asker.via())
            return NewAnswer(await self._present(source, f"{source.name}:tool:{tool}", named))

        key = (source.name, "tool", tool)
        return cast("Package | None", await self._kept(key, ask, f"The tool {tool}", source, asker))

    async def ask(
        self,
        source: UpstreamSource,
        key: Sequence[str],
        request: Callable[[], Awaitable[T | None]],
        asker: Asker,
        *,
        size: Callable[[T], int],
    ) -> T | None:
        """Return the upstream's answer to a request, which is kept by the key; `size` is about how
        many bytes of memory it takes. Raises as `versions` does."""
        missing = sha256("\n".join((source.name, *key)).encode()).hexdigest()

        async def ask(_tag: str) -> NewAnswer:
            found = await self._present(source, missing, request)
            return NewAnswer(found, memory_bytes=size(found))

        found = await self._kept((source.name, *key), ask, " ".join(key), source, asker)
        return cast("T | None", found)

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
        requests: Sequence[tuple[T, Sequence[Package]]],
        keys: Sequence[Hashable],
        ask: Callable[[UpstreamSource, Sequence[T]], Awaitable[Sequence[object]]],
        asker: Asker,
    ) -> list[object]:
        """Return the answer to each request about one of some packages, in their order."""
        found: dict[Hashable, object] = {}
        unknown: dict[str, dict[Hashable, T]] = {}
        sources: dict[str, UpstreamSource] = {}
        sourced: list[Hashable] = []
        for (request, packages), key in zip(requests, keys, strict=True):
            source = await self._any_source(packages, asker)
            sourced.append(own := (source.name if source else "", key))
            if source is None or own in found:
                continue
            if (kept := self.kept.fresh(own)) is not None:
                found[own] = kept.value
            else:
                sources[source.name] = source
                unknown.setdefault(source.name, {})[own] = request
        if unknown:
            await self.count(asker)
        answers = await asyncio.gather(
            *(self._resolved_by(sources[name], asked, ask) for name, asked in unknown.items())
        )
        for answer in answers:
            found |= answer
        return [found.get(each) for each in sourced]

    async def _any_source(self, packages: Sequence[Package], asker: Asker) -> UpstreamSource | None:
        """Return the upstream of the first of the packages, all of one organization, that has
        one: rules may deny some."""
        for package in packages:
            if (source := await self.source(package, asker)) is not None:
                return source
        return None

    async def _resolved_by(
        self,
        source: UpstreamSource,
        requests: Mapping[Hashable, T],
        ask: Callable[[UpstreamSource, Sequence[T]], Awaitable[Sequence[object]]],
    ) -> dict[Hashable, object]:
        """Return the answers of an upstream; none if it does not answer."""
        try:
            answers = await source.gate.ask(lambda: ask(source, list(requests.values())))
        except Unanswered:
            return {}  # Its gate has logged it.
        found = dict(zip(requests, answers, strict=True))
        for key, answer in found.items():
            self.kept.put(key, _resolution(answer))
        return found

    async def _kept(
        self, key: Hashable, ask: Ask, what: object, source: UpstreamSource, asker: Asker
    ) -> object:
        if self.kept.fresh(key) is None:
            await self.count(asker)
        try:
            return await self.kept.get(key, ask)
        except NotThere:
            return None
        except Unanswered:
            raise UpstreamUnavailable(what, source.name) from None

    async def _anew(self, key: Hashable, ask: Ask, what: object, source: UpstreamSource) -> object:
        try:
            return await self.kept.renewed(key, ask)
        except NotThere:
            return None
        except Unanswered:
            raise UpstreamUnavailable(what, source.name) from None

    async def _present(
        self, source: UpstreamSource, key: str, request: Callable[[], Awaitable[T | None]]
    ) -> T:
        """Return the answer; raise `NotThere` if the upstream says so now or said so lately."""
        if await self._is_noted(key):
            raise NotThere
        answer = await source.gate.ask(request)
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


def _agree(owner: str | None, choice: Choice) -> bool:
    """Check whether a rule names the owner of the name. A name has one side: while both differ,
    nobody is asked, until an administrator moves the name or changes the rule."""
    return owner is None or owner == choice.upstream


EXACT_CLIENT = ANY_CLIENT  # Exact versions are served to every client.
