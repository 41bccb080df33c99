"""Reads what an upstream says of its packages: versions, descriptions, ages, and what a build
resolves.

Whether an upstream is asked at all is decided in `ours_or_upstream.py`, and how each question is
asked is in `upstream_questions.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from msgspec import Struct

from shared.domain.build_resolution import ModuleRequest, PackageRequest
from shared.domain.coordinates import Coordinate, Package, package_owner
from shared.domain.distributions import ANY_CLIENT, ClientProfile
from shared.domain.errors.base import Refusal
from shared.domain.errors.packages import (
    UpstreamReleaseRefused,
    UpstreamUnavailable,
    complete_list,
    release_denied,
)
from shared.domain.errors.requests import TooManyRequests
from shared.domain.listings import Listing
from shared.domain.mirror_rules import AgeRule
from shared.domain.mirroring import (
    UpstreamModule,
    UpstreamRelease,
    UpstreamResolution,
    stored_since,
)
from shared.domain.names import OrgName, ToolId
from shared.domain.packages import Release
from shared.domain.versions import Range, Version
from shared.domain.visibility import Visibility
from shared.ports.http_client import Unanswered
from shared.ports.system import Clock
from shared.ports.upstream import Upstream
from shared.runtime.decoded_records import memory_of
from shared.services.mirroring.ours_or_upstream import OursOrUpstream
from shared.services.mirroring.upstream_cache import NewAnswer, UpstreamCache
from shared.services.mirroring.upstream_questions import Asker, Question, UpstreamQuestions
from shared.services.mirroring.upstreams import Upstreams, UpstreamSource, refusal_of
from shared.services.name_owners import NameOwners
from shared.services.packages.external_releases import PinnedDigests

EXACT_CLIENT = ANY_CLIENT  # Exact versions are served to every client.

_VERSION_BYTES = 300  # Memory of a version in a list, and of each part of its pre-release.

RequestT = TypeVar("RequestT", PackageRequest, ModuleRequest)
AnswerT = TypeVar("AnswerT")
Resolve = Callable[..., Awaitable[Sequence[AnswerT | None]]]  # A resolve call of an upstream.


class UpstreamReader(Struct, frozen=True):
    """Asks the upstream that a package comes from; every method raises `UpstreamUnavailable` if
    there is no answer, and `TooManyRequests` for a caller without a token that asks too much."""

    ours_or_upstream: OursOrUpstream
    questions: UpstreamQuestions
    upstreams: Upstreams
    cache: UpstreamCache
    owners: NameOwners
    pins: PinnedDigests
    clock: Clock

    async def sources_for(self, package: Package, asker: Asker) -> Sequence[UpstreamSource]:
        """Return the upstream of the package as it is asked for the caller, in the order that
        `asked_by` says; nothing if it comes from none."""
        source = await self.ours_or_upstream.upstream_of(package, asker)
        return source.asked_by(asker.by) if source else ()

    # --- Versions and descriptions --------------------------------------------------------------

    async def versions(
        self, package: Package, client: ClientProfile, asker: Asker
    ) -> tuple[Version, ...] | None:
        """Return the versions that the client can use, newest first, or None."""
        question = Question(
            complete_list(f"versions of {package}"),
            package_owner(package),
            ("versions", package.key, client),
            lambda upstream, via: upstream.versions(package, client, via=via),
            lambda found: 1_000 + _VERSION_BYTES * sum(1 + len(e.precedence[-1]) for e in found),
        )
        return await self.questions.answer(question, await self.sources_for(package, asker), asker)

    async def describe(
        self, package: Package, wanted: Version | Range, client: ClientProfile, asker: Asker
    ) -> Listing | None:
        """Return a release as the upstream describes it, or None; the digest of the description is
        pinned. Raises `UpstreamReleaseRefused`, also for one that is too young."""
        question = self._description(package, wanted, client)
        found = await self.questions.answer(question, await self.sources_for(package, asker), asker)
        if found is not None:
            known = await self.pins.accepted(found.release.coordinate, by=asker.by)
            self._require_age(known, await self.age_rule(package, asker))
        return found

    async def describe_by(
        self,
        sources: Sequence[UpstreamSource],
        coordinate: Coordinate,
        asker: Asker,
        *,
        anew: bool = False,
    ) -> Listing | None:
        """Return the exact version from the first source that has it, whatever its age; `anew`
        ignores cached answers. Raises as `describe` does."""
        question = self._description(coordinate.package, coordinate.version, EXACT_CLIENT)
        return await self.questions.answer(question, sources, asker, anew=anew)

    def is_missing(self, coordinate: Coordinate, sources: Sequence[UpstreamSource]) -> bool:
        """Check whether each of these sources said within the last minute that it has no such
        version."""
        question = self._description(coordinate.package, coordinate.version, EXACT_CLIENT)
        cached = [self.cache.fresh((each.cache_key, *question.key)) for each in sources]
        return all(each is not None and each.value is None for each in cached)

    def _description(
        self, package: Package, wanted: Version | Range, client: ClientProfile
    ) -> Question[Listing]:
        def size(found: Listing) -> int:
            return memory_of((found.release, found.texts))

        async def accept(source: UpstreamSource, found: Listing) -> Listing:
            release = found.release
            is_internal = source.sends_token
            at = release.coordinate
            facts = {"published_ms": release.created_ms, "is_internal": is_internal}
            await self.pins.require(at, release.archive_digest, source.name, **facts)
            if is_internal:
                head = found.head.model_copy(update={"visibility": Visibility.INTERNAL})
                found = replace(found, head=head)
            if isinstance(wanted, Range):  # The next question is about the chosen version.
                exact = self._description(package, at.version, EXACT_CLIENT).key
                self.cache.put((source.cache_key, *exact), NewAnswer(found, size(found)))
            return found

        is_exact = isinstance(wanted, Version)
        return Question(
            package.at(wanted) if is_exact else complete_list(f"versions of {package}"),
            package_owner(package),
            ("package", package.key, wanted, client),
            lambda upstream, via: upstream.describe(package, wanted, client, via=via),
            size,
            accept,
        )

    # --- Ages -----------------------------------------------------------------------------------

    async def age_rule(self, package: Package, asker: Asker) -> AgeRule | None:
        """Return the rule about the age of the package's releases; None without one."""
        source = await self.ours_or_upstream.upstream_of(package, asker)
        return (await self.upstreams.rules()).age_rule(package, source.name) if source else None

    async def require_admitted(self, coordinate: Coordinate, asker: Asker) -> None:
        """Raise `UpstreamReleaseRefused` if the release is refused here or too young; one of which
        the age is not known is described. Raises `UpstreamUnavailable` and `TooManyRequests`."""
        known = await self.pins.accepted(coordinate, by=asker.by)
        rule = await self.age_rule(coordinate.package, asker)
        if rule and not (known and known.has_age):
            await self.describe(coordinate.package, coordinate.version, EXACT_CLIENT, asker)
        else:
            self._require_age(known, rule)

    def _require_age(self, known: UpstreamRelease | None, rule: AgeRule | None) -> None:
        if known and rule and (reason := rule.refusal(known.public_since_ms, self.clock.now_ms())):
            raise UpstreamReleaseRefused(known.coordinate, known.upstream, reason)

    async def require_age(self, stored: Release) -> None:
        """Raise `UpstreamReleaseRefused` if a stored release is too young; asks no upstream, and
        reads nothing for one that was stored long enough ago."""
        origin = stored.upstream
        at = stored.coordinate
        now_ms = self.clock.now_ms()
        if origin is None:
            return
        rule = (await self.upstreams.rules()).age_rule(at.package, origin.name)
        if rule and origin.first_seen_ms > rule.newest_ms(now_ms):
            since_ms = stored_since(await self.pins.known(at), stored.created_ms)
            if reason := rule.refusal(since_ms, now_ms):
                raise UpstreamReleaseRefused(at, origin.name, reason)

    # --- Builds ---------------------------------------------------------------------------------

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], client: ClientProfile, asker: Asker
    ) -> dict[PackageRequest, UpstreamResolution | Refusal]:
        """Return what upstreams choose, with one request to each of them for all packages of which
        no fresh answer is cached; the refusal of those of which an upstream does not answer, or may
        not be asked for this caller."""
        packages = {each: [each.wanted.package] if each.wanted else [] for each in requests}
        return await self._resolved(packages, client, asker, lambda e: e.resolve_packages)

    async def resolve_modules(
        self, requests: Sequence[ModuleRequest], client: ClientProfile, asker: Asker
    ) -> dict[ModuleRequest, UpstreamModule | Refusal]:
        """Return the package of each module, as `resolve_packages` does."""
        packages = {each: [known.package for known in each.candidates] for each in requests}
        return await self._resolved(packages, client, asker, lambda e: e.resolve_modules)

    async def _resolved(
        self,
        requests: Mapping[RequestT, Sequence[Package]],
        client: ClientProfile,
        asker: Asker,
        call: Callable[[Upstream], Resolve[AnswerT]],
    ) -> dict[RequestT, AnswerT | Refusal]:
        """Return the answer to each request about one of some packages. Each upstream is asked
        anonymously first, then with its token for what it did not find."""
        # Each owner is read once, and then remembered for all packages of the organization.
        orgs = {each[0].org.lower(): each[0].org for each in requests.values() if each}
        await asyncio.gather(*map(self.owners.owner, orgs.values()))
        decided = await asyncio.gather(*(self._any_sources(e, asker) for e in requests.values()))
        found = dict[RequestT, AnswerT | Refusal]()
        asked = dict[RequestT, Sequence[UpstreamSource]]()
        for each, sources in zip(requests, decided, strict=True):
            if isinstance(sources, Refusal):
                found[each] = sources
            else:
                asked[each] = sources
        for turn in range(2):
            unknown = dict[str, tuple[UpstreamSource, list[RequestT]]]()
            for each, sources in asked.items():
                if each in found or turn >= len(sources):
                    continue
                source = sources[turn]
                cached = self.cache.fresh((source.cache_key, each, client))
                if cached is None:
                    unknown.setdefault(source.cache_key, (source, []))[1].append(each)
                elif cached.value is not None:
                    found[each] = cached.value
            batches = (self._resolved_by(*each, client, asker, call) for each in unknown.values())
            for answers in await asyncio.gather(*batches):
                found |= answers
        return found

    async def _any_sources(
        self, packages: Sequence[Package], asker: Asker
    ) -> Sequence[UpstreamSource] | Refusal:
        """Return the sources for the first of the packages, all of one organization, that comes
        from an upstream: rules may deny some. A refusal if nobody knows."""
        try:
            for package in packages:
                if sources := await self.sources_for(package, asker):
                    return sources
        except (UpstreamUnavailable, TooManyRequests) as refusal:
            return refusal
        return ()

    async def _resolved_by(
        self,
        source: UpstreamSource,
        requests: Sequence[RequestT],
        client: ClientProfile,
        asker: Asker,
        call: Callable[[Upstream], Resolve[AnswerT]],
    ) -> dict[RequestT, AnswerT | Refusal]:
        """Return the answers of an upstream, or a refusal for each if it does not answer."""
        try:
            await self.questions.count(asker)
            ask = partial(call(source.upstream), requests, client, via=asker.via())
            answers = await source.breaker.ask("resolution", ask)
        except TooManyRequests as refusal:
            return dict.fromkeys(requests, refusal)
        except Unanswered as failure:
            return {each: refusal_of(failure, _named(each), source) for each in requests}
        found = dict[RequestT, AnswerT | Refusal]()
        for each, answer in zip(requests, answers, strict=True):
            size = 1_000 + (len(answer.graph) if isinstance(answer, UpstreamResolution) else 0)
            self.cache.put((source.cache_key, each, client), NewAnswer(answer, size))
            if answer is not None:
                found[each] = answer
        return found

    async def tool_owner(self, tool: ToolId, asker: Asker) -> Package | None:
        """Return the package that has the tool and comes from the upstream that says so, or None.

        Raises as `versions` does, and `UpstreamReleaseRefused` if a rule denies the only package.
        """
        # Tools often have the name of their organization, and names of own organizations are not
        # sent to others.
        if await self.ours_or_upstream.is_ours(OrgName(tool), asker):
            return None
        question = Question(
            complete_list(f"packages with the tool {tool}"),
            "tool",
            ("tool", tool),
            lambda upstream, via: upstream.tool(tool, via=via),
        )
        refusal = None
        for source in await self.upstreams.sources():
            owner = await self.questions.answer(question, source.asked_by(asker.by), asker)
            own = await self.ours_or_upstream.upstream_of(owner, asker) if owner else None
            if own and own.name == source.name:
                return owner
            if owner and (denial := await self.ours_or_upstream.denial(owner, asker)):
                refusal = release_denied(owner, Range(), denial)
        if refusal is not None:
            raise refusal
        return None


def _named(request: PackageRequest | ModuleRequest) -> str:
    if isinstance(request, ModuleRequest):
        named = f"{request.organization}/{request.module}"
        return complete_list(f"packages with the module {named}")
    package = f"{request.org}/{request.name}"
    if request.mode.is_exact and request.version:
        return f"{package}:{request.version}"
    return complete_list(f"versions of {package}")
