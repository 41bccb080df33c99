"""Mirrored releases: storing a verified archive as a release of another registry, and what changes
of one later: whether its archive is stored, and whether the quota may drop it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.domain.archives.bala import Bala
from shared.domain.errors.packages import ReleaseNotFound, SpelledDifferently
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
from shared.domain.releases import mirrored_head, mirrored_release, with_change
from shared.ports import AlreadyThere, ArchiveStore, Clock, DocumentStore, MetadataStore
from shared.services.mirroring.pinned_digests import MIRROR
from shared.services.packages.derived_data import DerivedData, PackageRecordWriter


@dataclass(frozen=True)
class ForeignRelease:
    """A release as another registry describes it: the registry's name, the facts that its archive
    does not have, and the head that its package gets here."""

    upstream: str
    described: Release
    visibility: Visibility = Visibility.PUBLIC  # Or internal, which decides for all its releases.
    is_kept: bool = False  # Whether the quota never drops it.
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
            kept=foreign.is_kept,
        )
        release = mirrored_release(bala, foreign.described, origin)
        # Archive before record, as for a push: a crash between the two leaves an orphaned archive.
        await asyncio.gather(
            self.archives.put(release.archive, content, archive_container(head, release)),
            self.documents.put(bala.digest, bala.texts, bala.graph),
        )
        try:
            await self.metadata.add_release(release)
        except AlreadyThere:
            await self._update(bala.coordinate, dropped_ms=None)
        else:
            await self.derived_data.add_release(head, release, bala.texts)

    async def finish(self, release: Release) -> None:
        """Write the derived data of a release that a crash left without; upkeep does it, too."""
        if release.outbox:
            await self.derived_data.update(release)

    async def keep(self, coordinate: Coordinate) -> None:
        """Let the quota never drop the archive from now on; do nothing if the release is ours."""
        await self._update(coordinate, kept=True)

    async def drop(self, coordinate: Coordinate) -> Release | None:
        """Note that the archive is dropped, before it is deleted; return the release, or None if it
        has to stay."""
        now_ms = self.clock.now_ms()

        def decide(origin: UpstreamOrigin) -> UpstreamOrigin:
            return origin if origin.kept else origin.model_copy(update={"dropped_ms": now_ms})

        return await self._change(coordinate, decide)

    async def _update(self, coordinate: Coordinate, **update: object) -> Release | None:
        return await self._change(coordinate, lambda origin: origin.model_copy(update=update))

    async def _change(
        self, coordinate: Coordinate, decide: Callable[[UpstreamOrigin], UpstreamOrigin]
    ) -> Release | None:
        """Change where a mirrored release came from, without an event; return a release that
        changed. Raises `ReleaseNotFound`."""

        def changed(_head: Head, release: Release) -> Release:
            if release.upstream is None:
                return release
            origin = decide(release.upstream)
            is_same = origin == release.upstream
            return release if is_same else release.model_copy(update={"upstream": origin})

        writer = PackageRecordWriter(self.metadata, self.derived_data)
        release, is_changed = await writer.store_release(coordinate, changed)
        if not is_changed:
            return None
        await self.metadata.put_entries(coordinate.package, [ReleaseEntry.of(release)])
        return release

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
