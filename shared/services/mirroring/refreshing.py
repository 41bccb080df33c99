"""Refreshing of mirrored releases behind the requests for them: deprecations and removals arrive,
and a digest that changed is noticed.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from shared.domain.errors.base import Refusal
from shared.domain.identity import Principal
from shared.domain.packages import Head, Release, Visibility
from shared.domain.releases import with_change, with_removal
from shared.domain.rights import Grant, Scope
from shared.ports import Clock
from shared.runtime.caching import LruCache
from shared.services.mirroring.mirrored_releases import MirroredReleases
from shared.services.mirroring.pinned_digests import MIRROR
from shared.services.mirroring.upstream_questions import Asker
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.packages.derived_data import PackageRecordWriter

REFRESHES_REMEMBERED = 5_000  # Releases.
AT_ONCE = 1  # Requests: a build asks for hundreds of releases, and public Central is slow.
MOST_WAITING = 1_000  # Releases; those that come when so many wait are refreshed another time.

_MS = timedelta(milliseconds=1)
_WITH_TOKEN = Principal(id=MIRROR.id, grants=(Grant(scopes=frozenset({Scope.READ})),))


@dataclass(frozen=True)
class Refreshing:
    """Asks the upstream about stored releases, each once in a while, and never delays a request."""

    reader: UpstreamReader
    releases: MirroredReleases
    record_writer: PackageRecordWriter
    clock: Clock
    fresh_for: timedelta
    _refreshed: LruCache[str, int] = field(
        default_factory=lambda: LruCache[str, int](REFRESHES_REMEMBERED)
    )
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def refresh(self, release: Release) -> None:
        """Refresh a mirrored release, unless that was done lately; do nothing with ours."""
        origin = release.upstream
        if origin is None or len(self._tasks) >= MOST_WAITING:
            return
        key, now_ms = release.coordinate.key, self.clock.monotonic_ms()
        last_ms = self._refreshed.get(key)
        if last_ms is None:  # It was fetched lately, or the process started.
            # The clock may have been set back since then.
            last_ms = now_ms - max(self.clock.now_ms() - origin.first_seen_ms, 0)
            self._refreshed.put(key, last_ms)
        if now_ms - last_ms < self.fresh_for // _MS:
            return
        self._refreshed.put(key, now_ms)
        task = asyncio.create_task(self._refresh(release))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Wait for what is being refreshed."""
        await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Stop refreshing."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _refresh(self, release: Release) -> None:
        # What everybody gets is asked for first, so that the visibility is known, too.
        at, asker = release.coordinate, Asker(_WITH_TOKEN)
        # Whatever fails is repeated by a later request; the gate has logged it.
        with suppress(Refusal):
            async with self._turns:
                found = await self.reader.describe_anew(at, asker)
            if found is None and not await self._may_be_removed(release):
                return
            await self.set_removed(release, is_removed=found is None)
            if found is not None:
                await self.releases.follow_visibility_of(at.package, found.visibility)
                await self._set_deprecation(release, found.listing.release.deprecation)

    async def set_removed(self, release: Release, *, is_removed: bool) -> None:
        """Note whether the upstream still has the release; it stays here in any case."""
        now_ms = self.clock.now_ms()

        def changed(stored: Release) -> Release:
            removed_ms = now_ms if is_removed else None
            return with_removal(stored, removed_ms, by=MIRROR, now_ms=now_ms)

        if changed(release) is not release:
            await self.record_writer.change_release(
                release.coordinate, lambda _head, stored: changed(stored)
            )

    async def _may_be_removed(self, release: Release) -> bool:
        """Check whether the upstream would have described the release if it had it: without its
        token nobody knows that of an internal one."""
        package = release.coordinate.package
        head = await self.releases.metadata.head(package)
        source = await self.reader.source(package, Asker(MIRROR))
        is_internal = head is not None and head.visibility is Visibility.INTERNAL
        return not is_internal or bool(source and source.with_token)

    async def _set_deprecation(self, release: Release, message: str | None) -> None:
        if release.deprecation == message:
            return
        kind = "release.undeprecated" if message is None else "release.deprecated"

        def decide(_head: Head, stored: Release) -> Release:
            if stored.deprecation == message:
                return stored
            now_ms = self.clock.now_ms()
            return with_change(stored, kind, by=MIRROR, now_ms=now_ms, deprecation=message)

        await self.record_writer.change_release(release.coordinate, decide)
