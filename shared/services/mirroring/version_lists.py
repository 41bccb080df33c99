"""Complete lists of the versions of packages of the upstream, for clients that choose a version by
themselves: Maven, the proxy of Central, and the index.

Such a client takes a list for the whole truth, so a list is complete or is not answered. Central
lists versions without facts: each is described by a request of its own. So a list is made behind
the request for it, by one process of all, and its facts are stored one by one.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from shared.domain.errors.base import Unavailable
from shared.domain.errors.packages import (
    UpstreamReleaseRefused,
)
from shared.domain.identity import Principal
from shared.domain.mirroring import (
    UpstreamRelease,
    UpstreamResolution,
    UpstreamVersions,
    upstream_versions_place,
)
from shared.domain.names import Package, package_owner
from shared.domain.packages import (
    Dependency,
    Head,
    ReleaseEntry,
    Survey,
    Visibility,
    read_graph,
    stable_number,
)
from shared.domain.resolution import ResolutionMode
from shared.domain.resolve_requests import PackageRequest
from shared.domain.times import MS
from shared.domain.upstream_answers import MAX_DESCRIBED
from shared.domain.versions import ANY_CLIENT, Version
from shared.ports import (
    AnswerUnusable,
    Clock,
    DirectoryStore,
    ReleaseUnusable,
    ServerUnreachable,
    Stale,
    Unanswered,
)
from shared.runtime.caching import LruCache, memory_of_entries
from shared.services.leases import Leases
from shared.services.mirroring.admission import FETCH_LEASE, WAITED_FOR
from shared.services.mirroring.pinned_digests import MIRROR
from shared.services.mirroring.upstream_questions import (
    USED_WHILE_RENEWED,
    Asker,
    NewAnswer,
    NotThere,
    refusal_of,
)
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.mirroring.upstreams import UpstreamSource

LISTS_AT_ONCE = 3  # Over all processes, each with one request at a time: Central is slow.
RESOLVED_AT_ONCE = 40  # Versions of a request: the graphs of that many take half a megabyte.
LOOKED_AT_EVERY = timedelta(seconds=1)  # What another process makes.
FACTS_CACHED_BYTES = 1024 * 1024  # About 1,000 versions, which a build reads in seconds.
FACTS_CACHED_FOR = timedelta(seconds=5)  # Within which a refusal holds everywhere.

_FACT_BYTES = 1_000  # Of memory, besides the facts of versions.
_VERSION_BYTES = 100

Sleep = Callable[[float], Awaitable[None]]
Facts = tuple[ReleaseEntry, ...]


class _BeingMade(ServerUnreachable):
    """Another process makes the list."""


@dataclass(frozen=True, slots=True)
class _CachedFacts:
    versions: tuple[str, ...]
    facts: Facts
    until_ms: int  # Of the monotonic clock.


@dataclass(frozen=True)
class VersionLists:
    """Makes, keeps and renews the lists.

    A list that was complete once is served while it is renewed and while the upstream does not
    answer.
    """

    reader: UpstreamReader
    directory: DirectoryStore
    leases: Leases
    clock: Clock
    fresh_for: timedelta
    sleep: Sleep = asyncio.sleep
    patience: timedelta = WAITED_FOR
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LISTS_AT_ONCE))
    _facts: LruCache[str, _CachedFacts] = field(
        default_factory=lambda: LruCache[str, _CachedFacts](
            FACTS_CACHED_BYTES,
            weigh=lambda _, cached: _FACT_BYTES + memory_of_entries(cached.facts),
        )
    )

    async def survey(self, package: Package, stored: Survey | None, asker: Asker) -> Survey | None:
        """Return the package with every version of its upstream that is served here, and with what
        is stored of it; None if no upstream has such a package.

        Waits while a list is made, as long as clients do, and raises `versions-incomplete` if it
        takes longer: it is made for the one who asks again. Raises `UpstreamUnavailable` and
        `TooManyRequests`.
        """
        found = await self.reader.source(package, asker)
        for source in found.asked_by(asker.by) if found else ():
            versions = await self._versions(source, package, asker)
            if versions is not None:
                return await self._survey(source, package, stored, versions)
        return None

    async def _survey(
        self,
        source: UpstreamSource,
        package: Package,
        stored: Survey | None,
        versions: tuple[str, ...],
    ) -> Survey:
        theirs = await self._facts_of(source, package, versions)
        head = stored.head if stored else _head(package, source.name)
        if source.sends_token and head.visibility is Visibility.PUBLIC:
            # It is internal by now, whatever was stored of it.
            head = head.model_copy(update={"visibility": Visibility.INTERNAL})
        own = {each.version for each in stored.entries} if stored else set[str]()
        entries = [each for each in theirs if each.version not in own]
        if stored:
            entries += stored.entries
        entries.sort(key=lambda each: each.parsed, reverse=True)
        return Survey(head, tuple(entries))

    async def _versions(
        self, source: UpstreamSource, package: Package, asker: Asker
    ) -> tuple[str, ...] | None:
        kept, key = self.reader.questions.kept, (source.kept_as, "list", package.key)
        if not kept.has(key):  # A renewal is made once in a while, whoever asks.
            await self.reader.questions.count(asker)
        via = asker.via()  # The list is made when the request has ended.
        behind = Asker(Principal(id=MIRROR.id), lambda: via)
        try:
            async with asyncio.timeout(self.patience.total_seconds()):
                found = await kept.get(key, lambda: self._renewed(source, package, behind))
        except NotThere:
            return None
        except (TimeoutError, _BeingMade):
            known = await self._stored(source, package)
            if known is None:
                raise Unavailable(
                    "versions-incomplete",
                    f"The list of versions of {package} is being read from the upstream registry "
                    f"{source.name}, which takes up to a minute. Try again in a moment.",
                    timedelta(seconds=5),
                ) from None
            return known.versions
        except Unanswered as failure:
            raise refusal_of(failure, package, source) from None
        return cast("tuple[str, ...]", found)

    async def _facts_of(
        self, source: UpstreamSource, package: Package, versions: tuple[str, ...]
    ) -> Facts:
        """Return the facts of these versions without those that are refused or too young."""
        rules = await self.reader.upstreams.rules()
        key = f"{source.kept_as}\n{package.key}\n{rules.changed_ms}"
        now_ms, cached = self.clock.monotonic_ms(), self._facts.get(key)
        if cached and cached.versions is versions and now_ms < cached.until_ms:
            return cached.facts
        listed, known = frozenset(versions), await self.reader.pins.of_package(package)
        rule, at_ms = rules.age_rule(package, source.name), self.clock.now_ms()
        facts = tuple(
            _numbered(each.facts, rule.served_from_ms(each.public_since_ms) if rule else None)
            for each in known
            if each.facts
            and each.version in listed
            and not each.refused_because
            and not (rule and rule.refusal(each.public_since_ms, at_ms))
        )
        until_ms = now_ms + FACTS_CACHED_FOR // MS
        self._facts.put(key, _CachedFacts(versions, facts, until_ms))
        return facts

    # --- Who makes a list -----------------------------------------------------------------------

    async def _renewed(self, source: UpstreamSource, package: Package, asker: Asker) -> NewAnswer:
        """Return the list that is stored if it is fresh or nothing is served meanwhile, or else a
        new one. If the upstream does not answer, the stored one stands."""
        known = await self._stored(source, package)
        is_served = self.reader.questions.kept.has((source.kept_as, "list", package.key))
        usable_for = self.fresh_for if is_served else USED_WHILE_RENEWED
        if known and self._is_younger(known, usable_for):
            return self._answer(known)
        try:
            return self._answer(await self._made_once(source, package, asker))
        except _BeingMade:
            raise
        except Unanswered:
            if known is None:
                raise
            return self._answer(known)

    async def _made_once(
        self, source: UpstreamSource, package: Package, asker: Asker
    ) -> UpstreamVersions:
        """Make the list, or wait for the process that makes it."""
        kind = "mirror-internal-list" if source.sends_token else "mirror-list"
        name = f"{kind}:{package_owner(package)}"
        for _ in range(WAITED_FOR // LOOKED_AT_EVERY):
            async with self.leases.held(name, FETCH_LEASE) as is_ours:
                # Another process may have ended while this one took the lease.
                known = await self._stored(source, package)
                if known and self._is_younger(known, self.fresh_for):
                    return known
                if is_ours:
                    return await self._make(source, package, known, asker)
            await self.sleep(LOOKED_AT_EVERY.total_seconds())
        message = "another process makes the list"
        raise _BeingMade(message)

    async def _stored(self, source: UpstreamSource, package: Package) -> UpstreamVersions | None:
        """Return the stored list; one of another upstream, which had the name before, is none."""
        place = upstream_versions_place(package, is_internal=source.sends_token)
        known = await self.directory.get(UpstreamVersions, place)
        return known if known and known.upstream == source.name else None

    def _is_younger(self, known: UpstreamVersions, age: timedelta) -> bool:
        return self.clock.now_ms() - known.listed_ms < age // MS

    def _answer(self, known: UpstreamVersions) -> NewAnswer:
        left_ms = known.listed_ms + self.fresh_for // MS - self.clock.now_ms()
        fresh_for = max(left_ms, 0) * MS
        return NewAnswer(known.versions, _VERSION_BYTES * len(known.versions), fresh_for)

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        """Wait until few enough lists are made."""
        async with self._turns:
            while True:
                for number in range(LISTS_AT_ONCE):
                    async with self.leases.held(f"mirror-lists:{number}", FETCH_LEASE) as is_ours:
                        if is_ours:
                            yield
                            return
                await self.sleep(LOOKED_AT_EVERY.total_seconds())

    # --- How a list is made ---------------------------------------------------------------------

    async def _make(
        self,
        source: UpstreamSource,
        package: Package,
        known: UpstreamVersions | None,
        asker: Asker,
    ) -> UpstreamVersions:
        asked_ms = self.clock.now_ms()
        try:
            versions = await self.reader.versions_anew(source, package, ANY_CLIENT, asker)
        except NotThere:
            await self._forget(known)
            raise
        if len(versions) > MAX_DESCRIBED:
            message = f"the list has {len(versions):,} versions, too many to read their facts"
            source.gate.note_unusable(package_owner(package), message)
            raise AnswerUnusable(message)
        described = await self._indexed(source, package, asker)
        others = [each for each in versions if each.text not in described]
        if others:
            async with self._turn():
                described |= await self._described(source, package, others, asker)
        made = UpstreamVersions(
            org=package.org,
            name=package.name,
            upstream=source.name,
            versions=tuple(each.text for each in versions if each.text in described),
            listed_ms=asked_ms,
            is_internal=source.sends_token,
        )
        await self.directory.put(made)
        return made

    async def _forget(self, known: UpstreamVersions | None) -> None:
        if known is not None:
            with suppress(Stale):  # Another process has removed it.
                await self.directory.remove(known)

    async def _indexed(self, source: UpstreamSource, package: Package, asker: Asker) -> set[str]:
        """Store the facts in the upstream's index, which a Ballroom has, and return the versions in
        it."""
        upstream = source.upstream
        entries = await source.gate.ask(
            package_owner(package), lambda: upstream.index(package, via=asker.via())
        )
        if entries:
            known = await self._known(package)
            for each in entries:
                await self._keep(source, package, each, known)
        return {each.version for each in entries}

    async def _described(
        self, source: UpstreamSource, package: Package, versions: Sequence[Version], asker: Asker
    ) -> set[str]:
        """Describe the versions of which no facts are stored, newest first; return those of which
        some are stored now. One that the upstream lists and does not describe is left out."""
        known = await self._known(package)
        resolved = await self._resolved(source, package, versions, asker)
        described = set[str]()
        for version in sorted(versions, reverse=True):
            release, answer = known.get(version.text), resolved.get(version)
            if release and release.refused_because:
                continue
            if release and release.facts:
                facts = _with_deprecation(release.facts, answer)
            else:
                facts = await self._describe(source, package, version, answer, asker)
            if facts:
                described.add(version.text)
                await self._keep(source, package, facts, known)
        return described

    async def _describe(
        self,
        source: UpstreamSource,
        package: Package,
        version: Version,
        answer: UpstreamResolution | None,
        asker: Asker,
    ) -> ReleaseEntry | None:
        upstream, via = source.upstream, asker.via()
        try:
            described = await source.gate.ask(
                package_owner(package),
                lambda: upstream.describe(package, version, ANY_CLIENT, via=via),
            )
        except ReleaseUnusable:
            return None
        if described is None:
            return None
        release = described.listing.release
        created_ms = min(release.created_ms, self.clock.now_ms())
        answer = answer or (await self._resolved(source, package, [version], asker)).get(version)
        update = {"created_ms": created_ms, "dependencies": _dependencies(package, answer)}
        return ReleaseEntry.of(release).model_copy(update=update)

    async def _resolved(
        self, source: UpstreamSource, package: Package, versions: Sequence[Version], asker: Asker
    ) -> dict[Version, UpstreamResolution]:
        """Return graphs and deprecations, with one request for many versions."""
        found = dict[Version, UpstreamResolution]()
        for start in range(0, len(versions), RESOLVED_AT_ONCE):
            batch = versions[start : start + RESOLVED_AT_ONCE]
            requests = [_exactly(package, each) for each in batch]

            def ask(asked: Sequence[PackageRequest] = requests) -> Awaitable[Sequence[object]]:
                return source.upstream.resolve_packages(asked, ANY_CLIENT, via=asker.via())

            answers = await source.gate.ask(package_owner(package), ask)
            for version, answer in zip(batch, answers, strict=True):
                # An upstream may answer one of several requests for a package.
                if isinstance(answer, UpstreamResolution) and answer.version == version:
                    found[version] = answer
        return found

    async def _known(self, package: Package) -> dict[str, UpstreamRelease]:
        return {each.version: each for each in await self.reader.pins.of_package(package)}

    async def _keep(
        self,
        source: UpstreamSource,
        package: Package,
        facts: ReleaseEntry,
        known: Mapping[str, UpstreamRelease],
    ) -> None:
        """Store the facts if they are new or changed."""
        release = known.get(facts.version)
        if release is None or release.facts != facts:
            with suppress(UpstreamReleaseRefused):  # Then lists leave it out.
                await self.reader.pins.keep(
                    package, facts, source.name, is_internal=source.sends_token
                )


def _head(package: Package, upstream: str) -> Head:
    return Head(org=package.org, name=package.name, created_ms=0, upstream=upstream)


def _numbered(facts: ReleaseEntry, served_from_ms: int | None) -> ReleaseEntry:
    """Return the facts with a revision that differs for other facts, as cached documents need; a
    list changed when a release became old enough."""
    if served_from_ms is not None and served_from_ms > facts.created_ms:
        facts = facts.model_copy(update={"changed_ms": served_from_ms})
    content = facts.model_dump_json(exclude={"revision"})
    return facts.model_copy(update={"revision": stable_number(content)})


def _exactly(package: Package, version: Version) -> PackageRequest:
    return PackageRequest.of(package.org, package.name, version.text, ResolutionMode.HARD.value)


def _with_deprecation(facts: ReleaseEntry, answer: UpstreamResolution | None) -> ReleaseEntry:
    if answer is None or answer.deprecation == facts.deprecation:
        return facts
    return facts.model_copy(update={"deprecation": answer.deprecation})


def _dependencies(package: Package, answer: UpstreamResolution | None) -> tuple[Dependency, ...]:
    """Return the direct dependencies by the graph; none if the upstream does not resolve it."""
    nodes = read_graph(answer.graph) if answer else ()
    own = (each for each in nodes if f"{each.org}/{each.name}".lower() == package.key)
    return next((each.dependencies for each in own), ())
