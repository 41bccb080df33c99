"""Drops archives of upstreams that were pulled least recently, while all take more than a quota.

The record and the pinned digest stay, so a pull brings the archive back. Never dropped is what an
upstream may not give again: it is asked before each archive, and nothing of it is dropped while it
does not answer.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from shared.domain.errors.mirroring import UpstreamReleaseRefused, UpstreamUnavailable
from shared.domain.identity import OPERATOR
from shared.domain.packages import Release, State
from shared.domain.task_runs import TaskReport
from shared.domain.times import MS
from shared.ports import ArchiveStore, Clock, MetadataStore, PullLedger
from shared.services.maintenance.task import Task
from shared.services.mirroring.mirrored_releases import MirroredReleases, Refreshing
from shared.services.mirroring.upstream_questions import Asker
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.packages.pulls import utc_day
from shared.services.records import RECORDS_AT_ONCE, package_batches

KEPT_AFTER_FETCH = timedelta(hours=1)  # Whoever made it be fetched may still download it.

_ASKER = Asker(OPERATOR)


class _Candidate(NamedTuple):
    """A release whose archive may be dropped, with the day of its last pull and its pulls on it.

    The first to be dropped is the lowest one.
    """

    last_day: str
    pulls: int
    key: str
    release: Release

    @property
    def upstream(self) -> str:
        return self.release.upstream.name if self.release.upstream else ""


@dataclass(frozen=True)
class DropMirroredArchives(Task):
    id = "drop-mirrored-archives"
    title = "Drop mirrored archives"
    sentence = (
        "Deletes archives of the upstream registry that were pulled least recently, while all take "
        "more than the quota."
    )
    schedule = "0 25 * * * *"

    metadata: MetadataStore
    archives: ArchiveStore
    pulls: PullLedger
    reader: UpstreamReader
    refreshing: Refreshing
    releases: MirroredReleases
    clock: Clock
    quota_bytes: int

    async def run(self) -> TaskReport:
        """Drop archives until the others fit; say so if they cannot."""
        seen, taken, candidates = 0, 0, list[_Candidate]()
        async for release in self._mirrored():
            seen += 1
            if release.is_dropped:
                await self._finish(release)
                continue
            taken += release.size_bytes
            if await self._may_drop(release):
                candidates.append(await self._candidate(release))
        dropped, taken, silent = await self._drop_lowest(candidates, taken)
        return TaskReport(seen, dropped, self._problems(taken, silent))

    async def _drop_lowest(
        self, candidates: Iterable[_Candidate], taken: int
    ) -> tuple[int, int, list[str]]:
        """Drop until the others fit; return how many, the bytes that are left, and the upstreams
        that do not answer."""
        dropped, silent = 0, set[str]()
        for candidate in sorted(candidates):
            if taken <= self.quota_bytes:
                break
            upstream = candidate.upstream
            if upstream in silent:
                continue
            try:
                is_dropped = await self._drop(candidate.release)
            except UpstreamUnavailable:
                silent.add(upstream)
                continue
            if is_dropped:
                dropped += 1
                taken -= candidate.release.size_bytes
        return dropped, taken, sorted(silent)

    def _problems(self, taken: int, silent: Sequence[str]) -> tuple[str, ...]:
        if taken <= self.quota_bytes:
            return ()
        if silent:
            return tuple(
                f"The upstream {name} does not answer, so nothing more of it is dropped."
                for name in silent
            )
        more = taken - self.quota_bytes
        problem = (
            f"The archives that are not dropped take {more:,} bytes more than the quota of "
            f"{self.quota_bytes:,} bytes. Raise BALLROOM_UPSTREAM_QUOTA_BYTES."
        )
        return (problem,)

    async def _mirrored(self) -> AsyncIterator[Release]:
        async for heads in package_batches(self.metadata, RECORDS_AT_ONCE):
            for head in heads:
                if head.upstream:
                    for release in await self.metadata.releases(head.package):
                        if release.state is not State.REMOVED:
                            yield release

    async def _may_drop(self, release: Release) -> bool:
        """Check whether a pull would bring the archive back, as far as the records say."""
        origin = release.upstream
        if origin is None or origin.kept or origin.removed_ms is not None:
            return False
        source = await self.reader.source(release.coordinate.package, _ASKER)
        if source is None or source.name != origin.name or release.state is not State.LIVE:
            return False
        there = await self.archives.stat(release.archive)
        newest_ms = self.clock.now_ms() - KEPT_AFTER_FETCH // MS
        return there is not None and there.stored_ms < newest_ms

    async def _candidate(self, release: Release) -> _Candidate:
        days = (await self.pulls.daily(release.coordinate.package)).get(release.version, {})
        seen_ms = release.upstream.first_seen_ms if release.upstream else 0
        last = max(days, default=utc_day(seen_ms))
        return _Candidate(last, days.get(last, 0), release.coordinate.key, release)

    async def _drop(self, release: Release) -> bool:
        """Delete an archive that the upstream still describes with the pinned digest."""
        coordinate = release.coordinate
        try:
            described = await self.reader.describe_anew(coordinate, _ASKER)
        except UpstreamReleaseRefused:
            return False
        if described is None:
            await self.refreshing.set_removed(release, is_removed=True)
            return False
        # Record before archive: a crash between the two leaves an archive, which the next run
        # deletes, and never a release that seems to be lost.
        changed = await self.releases.drop(coordinate)
        if changed is None:
            return False  # A prefetch or a bundle wants it now.
        await self._finish(changed)
        return True

    async def _finish(self, release: Release) -> None:
        """Delete the archive of a record that says so, unless it was fetched again meanwhile."""
        dropped_ms = release.upstream.dropped_ms if release.upstream else None
        if dropped_ms is None or await self.archives.stat(release.archive) is None:
            return
        await self.archives.delete(release.content, dropped_ms)
