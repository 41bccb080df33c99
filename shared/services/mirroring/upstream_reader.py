"""Reads what upstreams say of packages: each through its gate, from kept answers, within limits."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from shared.domain.errors.base import Refusal
from shared.domain.errors.packages import UpstreamReleaseRefused, UpstreamUnavailable
from shared.domain.errors.requests import TooManyRequests
from shared.domain.mirror_rules import AgeRule
from shared.domain.mirroring import (
    UpstreamModule,
    UpstreamPackage,
    UpstreamResolution,
    stored_since,
)
from shared.domain.names import NO_PACKAGE, Coordinate, OrgName, Package, ToolId, package_owner
from shared.domain.packages import Release
from shared.domain.resolve_requests import ModuleRequest, PackageRequest
from shared.domain.versions import ANY_CLIENT, ClientProfile, Range, Version
from shared.ports import PackageReader, Unanswered
from shared.runtime.caching import memory_of
from shared.services.mirroring.name_owners import OURS, NameOwners
from shared.services.mirroring.pinned_digests import PinnedDigests
from shared.services.mirroring.upstream_questions import (
    MISSING_FOR,
    Asker,
    NewAnswer,
    Question,
    UpstreamQuestions,
    refusal_of,
)
from shared.services.mirroring.upstreams import Upstreams, UpstreamSource

_VERSION_BYTES = 300  # Of memory, for a version of a list, and for a part of a pre-release.

T = TypeVar("T")


@dataclass(frozen=True)
class UpstreamReader:
    """Asks the upstream that a package comes from; every method raises `UpstreamUnavailable` if
    there is no answer, and `TooManyRequests` for a caller without a token that asks too much."""

    pseudonym: str  # Of this registry, in `Via`.
    upstreams: Upstreams
    questions: UpstreamQuestions
    owners: NameOwners
    pins: PinnedDigests

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
        rule = (await self.upstreams.rules()).rule(package)
        if rule and rule.denies:
            return None
        if rule and rule.upstream:
            # A name has one side: while a rule names another one than the owner of the name, nobody
            # is asked, until an administrator moves the name or changes the rule.
            is_theirs = owner is None or owner == rule.upstream
            return await self.upstreams.find(rule.upstream) if is_theirs else None
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
        """Check whether the upstream has packages of the organization that the caller may see."""

        async def ask(source: UpstreamSource) -> bool | None:
            return await source.upstream.has_organization(org, via=asker.via()) or None

        key = "organization", org.lower()
        question = Question(org, key, f"{source.name}:{org.lower()}", ask)
        return bool(await self.questions.answer(question, source, asker))

    async def versions(
        self, package: Package, client: ClientProfile, asker: Asker
    ) -> tuple[Version, ...] | None:
        """Return the versions that the client can use, newest first, or None."""
        source = await self.source(package, asker)
        question = self._versions(package, client, asker)
        return await self.questions.answer(question, source, asker) if source else None

    async def versions_anew(
        self, source: UpstreamSource, package: Package, client: ClientProfile, asker: Asker
    ) -> tuple[Version, ...]:
        """Return all versions that the upstream lists now, and keep them; raise `NotThere` and
        `Unanswered`."""
        return await self.questions.asked_anew(self._versions(package, client, asker), source)

    def _versions(
        self, package: Package, client: ClientProfile, asker: Asker
    ) -> Question[tuple[Version, ...]]:
        def size(versions: tuple[Version, ...]) -> int:
            parts = sum(len(each.precedence[-1]) for each in versions)
            return 1_000 + _VERSION_BYTES * (len(versions) + parts)

        return Question(
            package,
            ("versions", package.key, client),
            package_owner(package),
            lambda source: source.upstream.versions(package, client, via=asker.via()),
            size,
        )

    async def latest(
        self, package: Package, wanted: Range, client: ClientProfile, asker: Asker
    ) -> Version | None:
        """Return the version that a pull of the range gets, or None."""
        source = await self.source(package, asker)
        question = Question(
            package,
            ("latest", package.key, wanted, client),
            f"{package_owner(package)}:{wanted}",
            lambda source: source.upstream.latest(package, wanted, client, via=asker.via()),
        )
        return await self.questions.answer(question, source, asker) if source else None

    async def describe(
        self, package: Package, wanted: Version | Range, client: ClientProfile, asker: Asker
    ) -> UpstreamPackage | None:
        """Return a release as the upstream describes it, or None; the digest of the description is
        pinned. Raises `UpstreamReleaseRefused`, also for one that is too young."""
        source = await self.source(package, asker)
        if source is None:
            return None
        question = self._description(package, wanted, client, asker.via)
        found = await self.questions.answer(question, source, asker)
        rule = await self.age_rule(package, asker)
        if found and rule and (known := await self.pins.known(found.coordinate)):
            self._require_age(found.coordinate, known.upstream, rule, known.public_since_ms)
        return found

    async def age_rule(self, package: Package, asker: Asker) -> AgeRule | None:
        """Return the rule about the age of the package's releases; None without one."""
        source = await self.source(package, asker)
        return (await self.upstreams.rules()).age_rule(package, source.name) if source else None

    async def require_admitted(self, coordinate: Coordinate, asker: Asker) -> None:
        """Raise `UpstreamReleaseRefused` if the release is refused here or too young; one of which
        the age is not known is described. Raises `UpstreamUnavailable` and `TooManyRequests`."""
        package, version = coordinate.package, coordinate.version
        known = await self.pins.accepted(coordinate, by=asker.by)
        rule = await self.age_rule(package, asker)
        if rule is None:
            return
        if known and known.has_age:
            self._require_age(coordinate, known.upstream, rule, known.public_since_ms)
        else:
            await self.describe(package, version, EXACT_CLIENT, asker)

    async def require_age(self, stored: Release) -> None:
        """Raise `UpstreamReleaseRefused` if a stored release is too young; asks no upstream, and
        reads nothing for one that was stored long enough ago."""
        origin, at = stored.upstream, stored.coordinate
        if origin is None:
            return
        rule = (await self.upstreams.rules()).age_rule(at.package, origin.name)
        if rule and origin.first_seen_ms > rule.newest_ms(self.questions.clock.now_ms()):
            since_ms = stored_since(await self.pins.known(at), stored.created_ms)
            self._require_age(at, origin.name, rule, since_ms)

    def _require_age(self, at: Coordinate, upstream: str, rule: AgeRule, since_ms: int) -> None:
        reason = rule.refusal(since_ms, self.questions.clock.now_ms())
        if reason:
            raise UpstreamReleaseRefused(at, upstream, reason)

    async def describe_by(
        self, source: UpstreamSource, coordinate: Coordinate, asker: Asker
    ) -> UpstreamPackage | None:
        """Return the exact version as the upstream describes it to requests of one kind, whatever
        its age; raise as `describe` does."""
        package, version = coordinate.package, coordinate.version
        question = self._description(package, version, EXACT_CLIENT, asker.via)
        return await self.questions.answer_of(question, source, asker)

    async def describe_anew(self, coordinate: Coordinate, asker: Asker) -> UpstreamPackage | None:
        """Return the description that the upstream gives now; raise as `describe` does."""
        package, version = coordinate.package, coordinate.version
        source = await self.source(package, asker)
        if source is None:
            return None
        question = self._description(package, version, EXACT_CLIENT, asker.via)
        for each in source.asked_by(asker.by):
            if (found := await self.questions.renewed(question, each)) is not None:
                return found
        return None

    def _description(
        self,
        package: Package,
        wanted: Version | Range,
        client: ClientProfile,
        via: Callable[[], str],
    ) -> Question[UpstreamPackage]:
        async def accept(source: UpstreamSource, found: UpstreamPackage) -> UpstreamPackage:
            release, is_internal = found.listing.release, source.sends_token
            await self.pins.require_described(release, source.name, is_internal=is_internal)
            return found.internal if is_internal else found

        return Question(
            package,
            ("package", package.key, wanted, client),
            f"{package_owner(package)}:{wanted}",
            lambda source: source.upstream.describe(package, wanted, client, via=via()),
            lambda found: memory_of((found.listing.release, found.listing.texts)),
            accept,
        )

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], client: ClientProfile, asker: Asker
    ) -> list[UpstreamResolution | Refusal | None]:
        """Return the choice for each request, with one request to each upstream for all of its
        packages of which no fresh answer is kept. None where no upstream has it, and the
        refusal where one does not answer, or may not be asked for this caller."""
        keys = [(each.org, each.name, each.version, each.mode, client) for each in requests]
        found = await self._resolved(
            [(each, [each.wanted.package] if each.wanted else []) for each in requests],
            keys,
            lambda source, asked: source.upstream.resolve_packages(asked, client, via=asker.via()),
            asker,
        )
        return [cast("UpstreamResolution | Refusal | None", each) for each in found]

    async def resolve_modules(
        self, requests: Sequence[ModuleRequest], client: ClientProfile, asker: Asker
    ) -> list[UpstreamModule | Refusal | None]:
        """Return the package of each module, as `resolve_packages` does."""
        found = await self._resolved(
            [(each, [known.package for known in each.candidates]) for each in requests],
            [(each, client) for each in requests],
            lambda source, asked: source.upstream.resolve_modules(asked, client, via=asker.via()),
            asker,
        )
        return [cast("UpstreamModule | Refusal | None", each) for each in found]

    async def tool_owner(self, tool: ToolId, asker: Asker) -> Package | None:
        """Return the package that has the tool and comes from the upstream that says so, or None;
        raise as `versions` does."""
        if self.passed_here(asker):
            return None
        for source in await self.upstreams.sources():
            question = Question(
                f"The tool {tool}",
                ("tool", tool),
                f"{source.name}:tool:{tool}",
                lambda source: source.upstream.tool(tool, via=asker.via()),
            )
            owner = await self.questions.answer(question, source, asker)
            own = await self.source(owner, asker) if owner else None
            if own and own.name == source.name:
                return owner
        return None

    async def stored_tool_owner(
        self, tool: str, records: PackageReader, asker: Asker
    ) -> Package | None:
        """Return the package here that has the tool, or None. One that the caller must not find is
        nobody's, and costs what a free tool costs."""
        [owner] = await records.tool_owners([tool])
        if asker.by.reads_internal:
            return owner
        [survey] = await records.survey([owner or NO_PACKAGE])
        return owner if survey is None or asker.may_see(survey.head) else None

    async def _resolved(
        self,
        requests: Sequence[tuple[T, Sequence[Package]]],
        keys: Sequence[Hashable],
        ask: Callable[[UpstreamSource, Sequence[T]], Awaitable[Sequence[object]]],
        asker: Asker,
    ) -> list[object]:
        """Return the answer to each request about one of some packages, in their order: of those
        that an upstream does not have as anybody asks it, the one that it gives for its token."""
        decided = await asyncio.gather(
            *(self._any_source(packages, asker) for _, packages in requests)
        )
        answers: list[object] = [each if isinstance(each, Refusal) else None for each in decided]
        for turn in range(2):
            asked, unknown = (
                dict[int, Hashable](),
                dict[str, tuple[UpstreamSource, dict[Hashable, T]]](),
            )
            for number, source in enumerate(decided):
                if answers[number] is not None or source is None or isinstance(source, Refusal):
                    continue
                for each in source.asked_by(asker.by)[turn : turn + 1]:
                    asked[number] = own = (each.kept_as, keys[number])
                    if (kept := self.questions.kept.fresh(own)) is not None:
                        answers[number] = kept.value
                    else:
                        unknown.setdefault(each.kept_as, (each, {}))[1][own] = requests[number][0]
            if not unknown:
                continue
            found = dict[Hashable, object]()
            try:
                await self.questions.count(asker)
                for each in await asyncio.gather(
                    *(self._resolved_by(*each, ask) for each in unknown.values())
                ):
                    found |= each
            except TooManyRequests as refusal:
                found = dict.fromkeys(asked.values(), refusal)
            for number, own in asked.items():
                answers[number] = found.get(own, answers[number])
        return answers

    async def _any_source(
        self, packages: Sequence[Package], asker: Asker
    ) -> UpstreamSource | Refusal | None:
        """Return the upstream of the first of the packages, all of one organization, that has
        one: rules may deny some. A refusal if nobody knows."""
        try:
            for package in packages:
                if (source := await self.source(package, asker)) is not None:
                    return source
        except (UpstreamUnavailable, TooManyRequests) as refusal:
            return refusal
        return None

    async def _resolved_by(
        self,
        source: UpstreamSource,
        requests: Mapping[Hashable, T],
        ask: Callable[[UpstreamSource, Sequence[T]], Awaitable[Sequence[object]]],
    ) -> dict[Hashable, object]:
        """Return the answers of an upstream, or a refusal for each if it does not answer."""
        try:
            answers = await source.gate.ask(
                "resolution", lambda: ask(source, list(requests.values()))
            )
        except Unanswered as failure:
            return {
                key: refusal_of(failure, _named(request), source)
                for key, request in requests.items()
            }
        found = dict(zip(requests, answers, strict=True))
        for key, answer in found.items():
            self.questions.kept.put(key, _resolution(answer))
        return found


def _resolution(answer: object) -> NewAnswer:
    size = 1_000 + (len(answer.graph) if isinstance(answer, UpstreamResolution) else 0)
    return NewAnswer(answer, memory_bytes=size, fresh_for=None if answer else MISSING_FOR)


def _named(request: object) -> str:
    if isinstance(request, ModuleRequest):
        return f"The module {request.organization}/{request.module}"
    return f"{request.org}/{request.name}" if isinstance(request, PackageRequest) else ""


EXACT_CLIENT = ANY_CLIENT  # Exact versions are served to every client.
