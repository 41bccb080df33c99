"""Complete lists of the versions of packages of the upstream, for clients that choose a version by
themselves: Maven, the proxy of Central, and the index.

Such a client takes a list for the whole truth, so a list is complete or is not answered. Central
lists versions without facts: each is described by a request of its own. So a list is made behind
the request for it, and its facts are stored one by one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from shared.domain.archives.digests import Digest
from shared.domain.build_resolution import PackageRequest
from shared.domain.coordinates import Package, package_owner
from shared.domain.dependency_graphs import read_graph
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.base import Unavailable
from shared.domain.errors.packages import UpstreamReleaseRefused, complete_list
from shared.domain.mirroring import UpstreamResolution, UpstreamVersions, upstream_versions_place
from shared.domain.packages import Head, ReleaseEntry, Survey, stable_number
from shared.domain.times import MS, is_younger
from shared.domain.upstream_answers import MAX_DESCRIBED
from shared.domain.version_choice import ResolutionMode
from shared.domain.versions import Version
from shared.domain.visibility import Visibility
from shared.ports.conflicts import Stale
from shared.ports.directory import DirectoryStore
from shared.ports.http_client import AnswerUnusable, Unanswered
from shared.ports.upstream import ReleaseUnusable
from shared.runtime.decoded_records import memory_of_entries
from shared.runtime.lru_cache import VersionedCache
from shared.services.mirroring.upstream_cache import USED_WHILE_RENEWED, NewAnswer
from shared.services.mirroring.upstream_questions import Asker
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.mirroring.upstreams import UpstreamSource, refusal_of

# The longest wait of a request; `bal` gives up after 60 seconds.
WAITED_FOR = timedelta(seconds=50)
# Lists that are fetched at once, each with one request at a time, because Central is slow.
LISTS_AT_ONCE = 3
RESOLVED_AT_ONCE = 40  # Versions of a request: the graphs of that many take half a megabyte.
FACTS_CACHED_BYTES = 1024 * 1024  # About 1,000 versions, which a build reads in seconds.
FACTS_CACHED_FOR = timedelta(seconds=5)  # A refusal takes effect everywhere within this time.

_FACT_BYTES = 1_000  # Memory of a cached list, in addition to the facts of its versions.
_VERSION_BYTES = 100

T = TypeVar("T")
Facts = tuple[ReleaseEntry, ...]


class _Wanted(Struct, frozen=True):
    """A package whose list is wanted, and the `Via` that the upstream is sent for it: the list is
    made when the request has ended."""

    source: UpstreamSource
    package: Package
    via: str

    @property
    def key(self) -> tuple[str, ...]:
        """The key under which the list of versions of a package is cached."""
        return self.source.cache_key, "list", self.package.key

    async def ask(self, question: Callable[..., Awaitable[T]]) -> T:
        """Ask the upstream a question about the package, which takes `via`."""
        ask = partial(question, via=self.via)
        return await self.source.breaker.ask(package_owner(self.package), ask)


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
        for source in await self.reader.sources_for(package, asker):
            wanted = _Wanted(source, package, asker.via())
            versions = await self._versions(wanted, asker)
            if versions is not None:
                return await self._surveyed(wanted, versions, stored)
        return None

    async def known(self, package: Package, stored: Survey | None, asker: Asker) -> Survey | None:
        """Return the package as its last complete list has it, or None; asks no upstream."""
        for source in await self.reader.sources_for(package, asker):
            wanted = _Wanted(source, package, asker.via())
            if (listed := await self._stored(wanted)) is not None:
                return await self._surveyed(wanted, listed.versions, stored)
        return None

    async def _surveyed(
        self, wanted: _Wanted, versions: tuple[str, ...], stored: Survey | None
    ) -> Survey:
        """Return the package with the versions of a list that are served here, and what is stored
        of it."""
        package = wanted.package
        source = wanted.source
        head = Head(org=package.org, name=package.name, created_ms=0, upstream=source.name)
        known = stored or Survey(head, ())
        if source.sends_token and known.head.visibility is Visibility.PUBLIC:
            # It is internal by now, whatever was stored of it.
            head = known.head.model_copy(update={"visibility": Visibility.INTERNAL})
            known = replace(known, head=head)
        theirs = await self._served(wanted, versions)
        every = {each.version: each for each in (*theirs, *known.entries)}.values()
        entries = sorted(every, key=lambda each: each.parsed, reverse=True)
        return replace(known, entries=tuple(entries))

    async def _versions(self, wanted: _Wanted, asker: Asker) -> tuple[str, ...] | None:
        cache = self.reader.cache
        package = wanted.package
        source = wanted.source
        if not cache.has(wanted.key):  # A renewal is made once in a while, whoever asks.
            await self.reader.questions.count(asker)
        try:
            async with asyncio.timeout(self.patience.total_seconds()):
                found = await cache.get(wanted.key, partial(self._renewed, wanted))
        except TimeoutError:
            if (known := await self._stored(wanted)) is not None:
                return known.versions
            raise Unavailable(
                "versions-incomplete",
                f"The list of versions of {package} is being read from the upstream registry "
                f"{source.name}, which takes up to a minute. Try again in a moment.",
                timedelta(seconds=5),
            ) from None
        except Unanswered as failure:
            what = complete_list(f"versions of {package}")
            raise refusal_of(failure, what, source) from None
        return found

    async def _served(self, wanted: _Wanted, versions: tuple[str, ...]) -> Facts:
        """Return the facts of these versions without those that are refused or too young."""
        source = wanted.source
        package = wanted.package
        clock = self.reader.clock
        rules = await self.reader.upstreams.rules()
        turn = clock.monotonic_ms() // (FACTS_CACHED_FOR // MS)
        key = f"{source.cache_key}\n{package.key}"
        edition = (versions, rules.changed_ms, turn)
        if (cached := self._facts.get(key, edition)) is not None:
            return cached
        listed = frozenset(versions)
        known = await self.reader.pins.of_package(package)
        rule = rules.age_rule(package, source.name)
        at_ms = clock.now_ms()
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

    async def _renewed(self, wanted: _Wanted) -> NewAnswer:
        """Return the list that is stored if it is fresh or nothing is served meanwhile, or else a
        new one. If the upstream does not answer, the stored one stands."""
        known = await self._stored(wanted)
        clock = self.reader.clock
        is_served = self.reader.cache.has(wanted.key)
        usable_for = self.fresh_for if is_served else USED_WHILE_RENEWED
        if known is None or not is_younger(known.listed_ms, usable_for, clock.now_ms()):
            try:
                known = await self._make(wanted, known)
            except Unanswered:
                if known is None:
                    raise
        if known is None:
            return NewAnswer(None)
        now_ms = clock.now_ms()
        is_fresh = is_younger(known.listed_ms, self.fresh_for, now_ms)
        left_ms = known.listed_ms + self.fresh_for // MS - now_ms if is_fresh else 0
        size = _VERSION_BYTES * len(known.versions)
        return NewAnswer(known.versions, size, left_ms * MS)

    async def _stored(self, wanted: _Wanted) -> UpstreamVersions | None:
        """Return the stored list; None for that of another upstream, which had the name before."""
        source = wanted.source
        place = upstream_versions_place(wanted.package, is_internal=source.sends_token)
        known = await self.directory.get(UpstreamVersions, place)
        return known if known and known.upstream == source.name else None

    async def _make(
        self, wanted: _Wanted, known: UpstreamVersions | None
    ) -> UpstreamVersions | None:
        """Store a new list; None if the upstream has no such package."""
        source = wanted.source
        package = wanted.package
        asked_ms = self.reader.clock.now_ms()
        versions = await wanted.ask(partial(source.upstream.versions, package, ANY_CLIENT))
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
            described = await self._described(wanted, versions)
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

    async def _described(self, wanted: _Wanted, versions: Sequence[Version]) -> set[str]:
        """Describe the versions of which no facts are stored, newest first; return those of which
        some are stored now. One that the upstream lists and does not describe is left out."""
        pins = self.reader.pins
        source = wanted.source
        described = set[str]()
        known = {each.version: each for each in await pins.of_package(wanted.package)}
        resolved = await _resolved(wanted, versions)
        for version in sorted(versions, reverse=True):
            release = known.get(version.text)
            answer = resolved.get(version)
            if release and release.refused_because:
                continue
            facts = release.facts if release else None
            if facts and answer:
                facts = facts.model_copy(update={"deprecation": answer.deprecation})
            facts = facts or await self._describe(wanted, version, answer)
            if facts is None:
                continue
            described.add(version.text)
            if release is None or release.facts != facts:
                at = wanted.package.at(version)
                digest = Digest(facts.digest)
                told = {"published_ms": facts.created_ms, "is_internal": source.sends_token}
                with suppress(UpstreamReleaseRefused):  # Then lists leave it out.
                    await pins.require(at, digest, source.name, **told, facts=facts)
        return described

    async def _describe(
        self, wanted: _Wanted, version: Version, answer: UpstreamResolution | None
    ) -> ReleaseEntry | None:
        package = wanted.package
        upstream = wanted.source.upstream
        try:
            found = await wanted.ask(partial(upstream.describe, package, version, ANY_CLIENT))
        except ReleaseUnusable:
            return None
        if found is None:
            return None
        answer = answer or (await _resolved(wanted, [version])).get(version)
        # Without an answer the upstream does not resolve it.
        nodes = read_graph(answer.graph) if answer else ()
        own = (each for each in nodes if f"{each.org}/{each.name}".lower() == package.key)
        update = {
            "created_ms": min(found.release.created_ms, self.reader.clock.now_ms()),
            "dependencies": next((each.dependencies for each in own), ()),
        }
        return ReleaseEntry.of(found.release).model_copy(update=update)


async def _resolved(
    wanted: _Wanted, versions: Sequence[Version]
) -> dict[Version, UpstreamResolution]:
    """Return graphs and deprecations, with one request for many versions."""
    org = wanted.package.org
    name = wanted.package.name
    found = dict[Version, UpstreamResolution]()
    for start in range(0, len(versions), RESOLVED_AT_ONCE):
        batch = versions[start : start + RESOLVED_AT_ONCE]
        requests = [PackageRequest.of(org, name, e.text, ResolutionMode.HARD.value) for e in batch]
        resolve = partial(wanted.source.upstream.resolve_packages, requests, ANY_CLIENT)
        for version, answer in zip(batch, await wanted.ask(resolve), strict=True):
            # An upstream may answer one of several requests for a package.
            if answer and answer.version == version:
                found[version] = answer
    return found


def _numbered(facts: ReleaseEntry, served_from_ms: int | None) -> ReleaseEntry:
    """Return the facts with a revision that differs for other facts, as cached documents need; a
    list changed when a release became old enough."""
    if served_from_ms is not None and served_from_ms > facts.created_ms:
        facts = facts.model_copy(update={"changed_ms": served_from_ms})
    content = facts.model_dump_json(exclude={"revision"})
    return facts.model_copy(update={"revision": stable_number(content)})
