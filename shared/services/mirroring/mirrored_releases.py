"""Mirrored releases: storing a verified archive as a release of another registry, and what changes
of one later: whether its archive is stored, whether the quota may drop it, and, behind requests for
it, deprecations, removals, and a digest that changed.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from shared.domain.archives.bala import Bala
from shared.domain.errors.base import Refusal
from shared.domain.errors.packages import ReleaseNotFound, SpelledDifferently
from shared.domain.identity import Principal
from shared.domain.names import Coordinate, Package
from shared.domain.packages import (
    Head,
    Release,
    ReleaseEntry,
    State,
    UpstreamOrigin,
    Visibility,
    archive_container,
)
from shared.domain.releases import mirrored_head, mirrored_release, with_change, with_removal
from shared.domain.rights import Grant, Scope
from shared.domain.times import MS
from shared.ports import AlreadyThere, ArchiveStore, Clock, DocumentStore, MetadataStore
from shared.runtime.caching import LruCache
from shared.services.mirroring.pinned_digests import MIRROR
from shared.services.mirroring.upstream_questions import Asker
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.packages.derived_data import DerivedData, PackageRecordWriter


@dataclass(frozen=True)
class ForeignRelease:
    """A release as another registry describes it: the registry's name, the facts that its archive
    does not have, and the head that its package gets here."""

    upstream: str
    described: Release
    visibility: Visibility = Visibility.PUBLIC  # Or internal, which decides for all its releases.
    head: Head | None = None  # None: that of an upstream's package.


@dataclass(frozen=True)
class MirroredReleases:
    """Stores mirrored releases. Every call may be repeated, and a crash leaves nothing visible that
    is incomplete."""

    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    derived_data: DerivedData
    clock: Clock

    async def is_stored(
        self, coordinate: Coordinate, may_see: Callable[[Head | None], bool] = lambda _: True
    ) -> bool:
        """Check whether there is nothing to fetch: the archive is stored, or the release is
        withheld. What nobody `may_see` is not stored."""
        found = await self.metadata.find(coordinate)
        release = found.release
        if release is None or not may_see(found.head):
            return False
        return release.state is not State.LIVE or not release.is_dropped

    async def store(self, bala: Bala, content: bytes | memoryview, foreign: ForeignRelease) -> None:
        """Store an archive that was verified, and its release if there is none yet.

        The name of the organization belongs to the other registry already. Raises
        `ReleaseNotFound` if the package is another one's, and `SpelledDifferently`.
        """
        head = await self._claim(bala, foreign)
        origin = UpstreamOrigin(
            name=foreign.upstream,
            first_seen_ms=self.clock.now_ms(),
            without_tools=tuple(await self._foreign_tools(bala)),
        )
        release = mirrored_release(bala, foreign.described, origin)
        # Archive before record, as for a push: a crash between the two leaves an orphaned archive.
        await asyncio.gather(
            self.archives.put(release.archive, content, archive_container(head, release)),
            self.documents.put(bala.content, bala.texts, bala.graph),
        )
        try:
            await self.metadata.add_release(release)
        except AlreadyThere:
            await self._note_stored(bala.coordinate)
        else:
            await self.derived_data.add_release(head, release, bala.texts)

    async def finish(self, release: Release) -> None:
        """Write the derived data of a release that a crash left without; upkeep does it, too."""
        if release.outbox:
            await self.derived_data.update(release)

    async def _note_stored(self, coordinate: Coordinate) -> None:
        """Note that the archive is here, which an earlier version dropped."""

        def changed(_head: Head, release: Release) -> Release:
            if release.upstream is None or not release.is_dropped:
                return release
            origin = release.upstream.model_copy(update={"dropped_ms": None})
            return release.model_copy(update={"upstream": origin})

        writer = PackageRecordWriter(self.metadata, self.derived_data)
        release, is_changed = await writer.store_release(coordinate, changed)
        if is_changed:
            await self.metadata.put_entries(coordinate.package, [ReleaseEntry.of(release)])

    async def _claim(self, bala: Bala, foreign: ForeignRelease) -> Head:
        coordinate = bala.coordinate
        wanted = foreign.head or mirrored_head(
            bala, foreign.upstream, foreign.visibility, now_ms=self.clock.now_ms()
        )
        head = await self.metadata.claim(wanted)
        if head.upstream != foreign.upstream:  # It is ours, or of another upstream.
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        if head.package != coordinate.package:
            raise SpelledDifferently(coordinate.package, head.package)
        # Before the release: nobody may see one of its releases meanwhile who may not see it.
        return await self.follow_visibility(head, wanted.visibility)

    async def follow_visibility_of(self, package: Package, wanted: Visibility) -> None:
        """Do the same with a package of which only the name is known."""
        head = await self.metadata.head(package)
        if head is not None:
            await self.follow_visibility(head, wanted)

    async def follow_visibility(self, head: Head, wanted: Visibility) -> Head:
        """Make a public package internal, or an internal one public, if its upstream does; what an
        administrator made private stays private."""
        following = {Visibility.PUBLIC, Visibility.INTERNAL}
        if head.visibility is wanted or not {head.visibility, wanted} <= following:
            return head

        def decide(stored: Head) -> Head:
            if stored.visibility is wanted or stored.visibility not in following:
                return stored
            kind, now_ms = f"package.{wanted.value}", self.clock.now_ms()
            return with_change(stored, kind, by=MIRROR, now_ms=now_ms, visibility=wanted)

        writer = PackageRecordWriter(self.metadata, self.derived_data)
        return await writer.change_package(head.package, decide)

    async def _foreign_tools(self, bala: Bala) -> Sequence[str]:
        """Claim the ids of the archive's tools; return those that belong to other packages."""
        package = bala.coordinate.package
        owners = [(tool, await self.metadata.claim_tool(tool, package)) for tool in bala.tools]
        return [tool for tool, owner in owners if owner.key != package.key]


REFRESHES_REMEMBERED = 5_000  # Releases.
AT_ONCE = 1  # Requests: a build asks for hundreds of releases, and public Central is slow.
MOST_WAITING = 1_000  # Releases; those that come when so many wait are refreshed another time.

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
        if now_ms - last_ms < self.fresh_for // MS:
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
