"""What operators read of mirroring: the state of the upstreams, what is stored, what is refused.

Pages, the API and commands read totals that a task counts each hour, and lists in pages, so that
what they cost does not grow with what is stored.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.auth.authorization import Administration
from shared.domain.identity import Principal
from shared.domain.mirror_overview import MirrorCount, MirrorTotals, RefusedNote
from shared.domain.mirroring import CatalogueRound, UpstreamRelease
from shared.domain.names import Coordinate, Package
from shared.domain.packages import Head, Release, State
from shared.domain.times import MS
from shared.domain.versions import ANY_CLIENT
from shared.ports import Clock, DirectoryStore, MetadataStore, Unanswered, WorkStore
from shared.services.mirroring.catalogue import UpstreamCatalogue
from shared.services.mirroring.pinned_digests import PinnedDigests, RefusedReleases
from shared.services.mirroring.upstreams import Upstreams, UpstreamSource
from shared.services.records import (
    ENTITIES_READ_AT_ONCE,
    RECORDS_AT_ONCE,
    ListPage,
    entity_batches,
    package_batches,
)

MOST_READS = 10  # Of package names for a page of the list, in which ours are skipped.
COUNT_KEPT_FOR = timedelta(days=400)
PROBED = Package.parse("ballerina", "io")  # A registry that does not have it says so.

_KIND, _KEY = "mirror-count", "last"


@dataclass(frozen=True, slots=True)
class MirroredPackage:
    """A package of which releases are stored.

    `size_bytes` is the size of their archives without those that the quota dropped, of which
    `dropped` is the number; `removed_upstream` is the number of those that the upstream has no
    more.
    """

    name: str
    upstream: str
    releases: int
    dropped: int
    removed_upstream: int
    size_bytes: int
    pulls: int

    @classmethod
    def of(cls, head: Head, releases: Sequence[Release]) -> "MirroredPackage":
        kept = [each for each in releases if each.state is not State.REMOVED]
        stored = [each for each in kept if not each.is_dropped]
        removed = [each for each in kept if each.upstream and each.upstream.removed_ms is not None]
        return cls(
            name=str(head.package),
            upstream=head.upstream,
            releases=len(kept),
            dropped=len(kept) - len(stored),
            removed_upstream=len(removed),
            size_bytes=sum(each.size_bytes for each in stored),
            pulls=head.pulls,
        )


@dataclass(frozen=True, slots=True)
class UpstreamStatus:
    """An upstream with the last totals, and how far its catalogue is read."""

    source: UpstreamSource
    totals: MirrorTotals
    catalogue: CatalogueRound


@dataclass(frozen=True, slots=True)
class MirrorStatus:
    """The upstreams in their order, and those that were taken off the list and of which releases
    are stored; `counted_ms` is the time of the totals, None before the first count."""

    upstreams: tuple[UpstreamStatus, ...]
    former: tuple[MirrorTotals, ...]
    counted_ms: int | None

    @property
    def totals(self) -> tuple[MirrorTotals, ...]:
        return (*(each.totals for each in self.upstreams), *self.former)

    @property
    def incidents(self) -> int:
        return sum(each.incidents for each in self.totals)

    @property
    def packages(self) -> int:
        return sum(each.packages for each in self.totals)


@dataclass(frozen=True)
class MirrorOverview:
    """Counts and lists what is mirrored, for administrators and operators."""

    administration: Administration
    upstreams: Upstreams
    metadata: MetadataStore
    directory: DirectoryStore
    work: WorkStore
    catalogue: UpstreamCatalogue
    pins: PinnedDigests
    refused: RefusedReleases
    clock: Clock

    async def last_count(self) -> MirrorCount | None:
        """Return the last count, or None before the first one. One read."""
        text = await self.work.peek(_KIND, _KEY, self.clock.now_ms())
        return None if text is None else MirrorCount.model_validate_json(text)

    async def status(self, *, by: Principal) -> MirrorStatus:
        """Return the state of the upstreams with the last totals; asks no upstream."""
        await self._require(by)
        count, sources = await self.last_count(), await self.upstreams.sources()
        counted = count or MirrorCount(at_ms=0)
        rounds = await asyncio.gather(*(self.catalogue.state(each.name) for each in sources))
        listed = {each.name for each in sources}
        return MirrorStatus(
            tuple(
                UpstreamStatus(source, counted.of(source.name), catalogue)
                for source, catalogue in zip(sources, rounds, strict=True)
            ),
            tuple(each for each in counted.upstreams if each.upstream not in listed),
            count.at_ms if count else None,
        )

    async def packages(self, after: str, count: int, *, by: Principal) -> ListPage[MirroredPackage]:
        """Return packages of which releases are stored, in order of name: up to `count` after the
        key `after`, fewer where many packages of this registry lie between."""
        await self._require(by)
        heads, is_more = list[Head](), True
        for _ in range(MOST_READS):
            read = await self.metadata.packages(after, RECORDS_AT_ONCE)
            heads += [each for each in read if each.upstream]
            is_more = len(read) == RECORDS_AT_ONCE or len(heads) > count
            if not is_more or len(heads) > count:
                break
            after = read[-1].package.key
        heads = heads[:count]
        following = heads[-1].package.key if len(heads) == count else after
        rows = await asyncio.gather(*map(self._package, heads))
        return ListPage(tuple(rows), following if is_more else "")

    async def _package(self, head: Head) -> MirroredPackage:
        return MirroredPackage.of(head, await self.metadata.releases(head.package))

    async def refusals(self, after: str, count: int, *, by: Principal) -> ListPage[UpstreamRelease]:
        """Return up to `count` refused releases, incidents first, after what `next` of the page
        before says."""
        await self._require(by)
        return await self.refused.page(after, count)

    async def retry(self, coordinate: Coordinate, *, by: Principal) -> bool:
        """Let a refused release be fetched again by the next pull; its pinned digest stays. Returns
        whether it was refused."""
        await self.administration.require(by, "change", "the mirror")
        return await self.pins.accept(coordinate, by=by)

    async def _require(self, by: Principal) -> None:
        await self.administration.require(by, "look at", "the mirror")

    # --- Counting -------------------------------------------------------------------------------

    async def count(self) -> MirrorCount:
        """Count everything, keep the totals for all processes, and repair the list of refused
        releases. Reads all records: the cost grows with their number."""
        counts = defaultdict[str, Counter[str]](Counter)
        await self._count_packages(counts)
        await self._count_refused(counts)
        for each in await self.catalogue.packages():
            counts[each.upstream]["catalogued"] += 1
        totals = (
            MirrorTotals.model_validate({"upstream": name, **counts[name]})
            for name in sorted(counts)
        )
        now_ms = self.clock.now_ms()
        counted = MirrorCount(at_ms=now_ms, upstreams=tuple(totals))
        until_ms = now_ms + COUNT_KEPT_FOR // MS
        await self.work.put(_KIND, _KEY, counted.model_dump_json(), until_ms)
        return counted

    async def _count_packages(self, counts: defaultdict[str, Counter[str]]) -> None:
        async for heads in package_batches(self.metadata, RECORDS_AT_ONCE):
            for head in heads:
                if head.upstream:
                    found = await self._package(head)
                    counts[head.upstream].update(
                        packages=1,
                        releases=found.releases,
                        dropped=found.dropped,
                        removed_upstream=found.removed_upstream,
                        size_bytes=found.size_bytes,
                        pulls=found.pulls,
                    )

    async def _count_refused(self, counts: defaultdict[str, Counter[str]]) -> None:
        async for known in entity_batches(self.directory, UpstreamRelease, ENTITIES_READ_AT_ONCE):
            for each in known:
                if each.refused_because:
                    counts[each.upstream].update(refused=1, incidents=int(each.is_incident))
                    # A crash, or an earlier version, may have left it out of the list.
                    await self.refused.update(each)
        async for notes in entity_batches(self.directory, RefusedNote, ENTITIES_READ_AT_ONCE):
            for note in notes:
                await self.refused.unlist(note)


async def problems_of(source: UpstreamSource) -> tuple[str, str | None]:
    """Return why the upstream does not answer, and why it does not with its token: each a part of a
    sentence, empty if it does; None without a token."""
    known = source.with_token
    return await problem_of(source), await problem_of(known) if known else None


async def problem_of(source: UpstreamSource) -> str:
    """Return why the upstream does not answer, as part of a sentence; empty if it does."""
    try:
        await source.upstream.versions(PROBED, ANY_CLIENT, via="")
    except Unanswered as error:
        return str(error)
    return ""
