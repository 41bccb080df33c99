"""Complete lists of the versions of packages of the upstream, for clients that choose a version by
themselves: Maven, the proxy of Central, and the index.

Such a client takes a list for the whole truth, so a list is complete or is not answered. Central
lists versions without facts: each is described by a request of its own. So a list is made behind
the request for it, and its facts are stored one by one.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import cast

from msgspec import Struct, field

from shared.domain.archives.names import Digest
from shared.domain.build_resolution import PackageRequest
from shared.domain.errors.base import Unavailable
from shared.domain.errors.packages import UpstreamReleaseRefused
from shared.domain.mirroring import UpstreamResolution, UpstreamVersions, upstream_versions_place
from shared.domain.names import ANY_CLIENT, Package, Version, package_owner
from shared.domain.packages import (
    Dependency,
    Head,
    ReleaseEntry,
    Survey,
    Visibility,
    read_graph,
    stable_number,
)
from shared.domain.principals import Principal
from shared.domain.resolution import ResolutionMode
from shared.domain.times import MS
from shared.domain.upstream_answers import MAX_DESCRIBED
from shared.ports import AnswerUnusable, DirectoryStore, ReleaseUnusable, Stale, Unanswered
from shared.runtime.caching import VersionedCache, memory_of_entries
from shared.runtime.kept_answers import USED_WHILE_RENEWED, NewAnswer
from shared.services.mirroring.mirrored_releases import MIRROR
from shared.services.mirroring.upstream_reader import Asker, UpstreamReader
from shared.services.mirroring.upstreams import UpstreamSource, refusal_of

WAITED_FOR = timedelta(seconds=50)  # `bal` gives up after 60.
LISTS_AT_ONCE = 3  # Each with one request at a time: Central is slow.
RESOLVED_AT_ONCE = 40  # Versions of a request: the graphs of that many take half a megabyte.
FACTS_CACHED_BYTES = 1024 * 1024  # About 1,000 versions, which a build reads in seconds.
FACTS_CACHED_FOR = timedelta(seconds=5)  # Within which a refusal holds everywhere.

_FACT_BYTES = 1_000  # Of memory, besides the facts of versions.
_VERSION_BYTES = 100

Facts = tuple[ReleaseEntry, ...]


class VersionLists(Struct, frozen=True):
    """Makes, keeps and renews the lists.

    A list that was complete once is served while it is renewed and while the upstream does not
    answer.
    """

    reader: UpstreamReader
    directory: DirectoryStore
    fresh_for: timedelta
    patience: timedelta = WAITED_FOR
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LISTS_AT_ONCE))
    _facts: VersionedCache[str, Facts] = field(
        default_factory=lambda: VersionedCache[str, Facts](
            FACTS_CACHED_BYTES, weigh=lambda facts: _FACT_BYTES + memory_of_entries(facts)
        )
    )

    async def survey(self, package: Package, stored: Survey | None, asker: Asker) -> Survey | None:
        """Return the package with every version of its upstream that is served here, and with what
        is stored of it; None if no upstream has such a package.

        Waits while a list is made, as long as clients do, and raises `versions-incomplete` if it
        takes longer: it is made for the one who asks again. Raises `UpstreamUnavailable` and
        `TooManyRequests`.
        """
        for source in await self.reader.ways(package, asker):
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
        kept, key = self.reader.kept, (source.kept_as, "list", package.key)
        if not kept.has(key):  # A renewal is made once in a while, whoever asks.
            await self.reader.count(asker)
        via = asker.via()  # The list is made when the request has ended.
        behind = Asker(Principal(id=MIRROR.id), lambda: via)
        try:
            async with asyncio.timeout(self.patience.total_seconds()):
                found = await kept.get(key, lambda: self._renewed(source, package, behind))
        except TimeoutError:
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
        return cast("tuple[str, ...] | None", found)

    async def _facts_of(
        self, source: UpstreamSource, package: Package, versions: tuple[str, ...]
    ) -> Facts:
        """Return the facts of these versions without those that are refused or too young."""
        rules, clock = await self.reader.upstreams.rules(), self.reader.clock
        turn = clock.monotonic_ms() // (FACTS_CACHED_FOR // MS)
        key, edition = f"{source.kept_as}\n{package.key}", (versions, rules.changed_ms, turn)
        if (cached := self._facts.get(key, edition)) is not None:
            return cached
        listed, known = frozenset(versions), await self.reader.pins.of_package(package)
        rule, at_ms = rules.age_rule(package, source.name), clock.now_ms()
        facts = tuple(
            _numbered(each.facts, rule.served_from_ms(each.public_since_ms) if rule else None)
            for each in known
            if each.facts
            and each.version in listed
            and not each.refused_because
            and not (rule and rule.refusal(each.public_since_ms, at_ms))
        )
        self._facts.put(key, edition, facts)
        return facts

    # --- How a list is made ---------------------------------------------------------------------

    async def _renewed(self, source: UpstreamSource, package: Package, asker: Asker) -> NewAnswer:
        """Return the list that is stored if it is fresh or nothing is served meanwhile, or else a
        new one. If the upstream does not answer, the stored one stands."""
        known = await self._stored(source, package)
        is_served = self.reader.kept.has((source.kept_as, "list", package.key))
        usable_for = self.fresh_for if is_served else USED_WHILE_RENEWED
        now_ms = self.reader.clock.now_ms()
        if known is None or now_ms - known.listed_ms >= usable_for // MS:
            try:
                known = await self._make(source, package, known, asker)
            except Unanswered:
                if known is None:
                    raise
        if known is None:
            return NewAnswer(None)
        left_ms = known.listed_ms + self.fresh_for // MS - self.reader.clock.now_ms()
        size = _VERSION_BYTES * len(known.versions)
        return NewAnswer(known.versions, size, max(left_ms, 0) * MS)

    async def _stored(self, source: UpstreamSource, package: Package) -> UpstreamVersions | None:
        """Return the stored list; one of another upstream, which had the name before, is none."""
        place = upstream_versions_place(package, is_internal=source.sends_token)
        known = await self.directory.get(UpstreamVersions, place)
        return known if known and known.upstream == source.name else None

    async def _make(
        self, source: UpstreamSource, package: Package, known: UpstreamVersions | None, asker: Asker
    ) -> UpstreamVersions | None:
        """Store a new list; None if the upstream has no such package."""
        asked_ms = self.reader.clock.now_ms()
        ask, via = source.upstream.versions, asker.via()
        versions = await source.breaker.ask(
            package_owner(package), lambda: ask(package, ANY_CLIENT, via=via)
        )
        if versions is None:
            if known is not None:
                with suppress(Stale):  # Another process has removed it.
                    await self.directory.remove(known)
            return None
        if len(versions) > MAX_DESCRIBED:
            message = f"the list has {len(versions):,} versions, too many to read their facts"
            source.breaker.note_unusable(package_owner(package), message)
            raise AnswerUnusable(message)
        async with self._turns:
            described = await self._described(source, package, versions, asker)
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

    async def _described(
        self, source: UpstreamSource, package: Package, versions: Sequence[Version], asker: Asker
    ) -> set[str]:
        """Describe the versions of which no facts are stored, newest first; return those of which
        some are stored now. One that the upstream lists and does not describe is left out."""
        known = {each.version: each for each in await self.reader.pins.of_package(package)}
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
            if facts and (release is None or release.facts != facts):
                with suppress(UpstreamReleaseRefused):  # Then lists leave it out.
                    await self.reader.pins.require(
                        package.at(version),
                        Digest(facts.digest),
                        source.name,
                        published_ms=facts.created_ms,
                        is_internal=source.sends_token,
                        facts=facts,
                    )
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
            described = await source.breaker.ask(
                package_owner(package),
                lambda: upstream.describe(package, version, ANY_CLIENT, via=via),
            )
        except ReleaseUnusable:
            return None
        if described is None:
            return None
        release = described.release
        created_ms = min(release.created_ms, self.reader.clock.now_ms())
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

            answers = await source.breaker.ask(package_owner(package), ask)
            for version, answer in zip(batch, answers, strict=True):
                # An upstream may answer one of several requests for a package.
                if isinstance(answer, UpstreamResolution) and answer.version == version:
                    found[version] = answer
        return found


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
