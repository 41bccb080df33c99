"""Withdrawals in bundles: a release that the other registry withdrew is withheld here, until a
newer bundle of that registry has it again.

What a bundle said is remembered, also of releases that are not stored yet, so that an older bundle
brings nothing back.
"""

from dataclasses import dataclass

from shared.domain.bundles import (
    BundledRelease,
    BundledWithdrawal,
    BundleManifest,
    BundleStatement,
    is_withheld_by_bundle,
    withheld_by_bundle,
)
from shared.domain.errors.packages import ReleaseNotFound
from shared.domain.names import Coordinate, release_place
from shared.domain.packages import Head, Release, State
from shared.domain.releases import Decision, with_decision
from shared.ports import Clock, DirectoryStore, MetadataStore
from shared.services.mirroring.name_owners import NameOwners
from shared.services.mirroring.pinned_digests import MIRROR
from shared.services.packages.derived_data import PackageRecordWriter

_OURS = "it was published in this registry, which decides itself"
NOT_THEIRS = "the organization belongs to this registry, or to another upstream than {upstream}"
ANOTHER = "this registry has another archive of it"
_WITHDRAWN = "{registry} withdrew it, and no newer bundle of that registry has it"


class LeftOut(Exception):
    """A line of a bundle is not followed; the text is the reason."""


@dataclass(frozen=True)
class BundleWithdrawals:
    """Follows withdrawals. Every call may be repeated, and what it wrote stands if it stops."""

    metadata: MetadataStore
    directory: DirectoryStore
    packages: PackageRecordWriter
    clock: Clock

    async def apply(self, line: BundledWithdrawal, manifest: BundleManifest) -> bool:
        """Withhold the release; return whether that changed it. Raises `LeftOut`.

        An older bundle than the last one that named the release changes nothing.
        """
        coordinate = line.coordinate
        await self._require_theirs(line)
        said = await self._said(coordinate)
        if said and said.registry == manifest.registry and said.cursor > manifest.cursor:
            return False
        # First, so that nothing brings the release back meanwhile.
        await self._note(coordinate, manifest, is_withdrawn=True)
        now_ms = self.clock.now_ms()

        def decide(_head: Head, release: Release) -> Release:
            return withheld_by_bundle(release, line, manifest.registry, by=MIRROR, now_ms=now_ms)

        try:
            release, is_changed = await self.packages.store_release(coordinate, decide)
        except ReleaseNotFound:
            return False
        if release.outbox:
            await self.packages.derived_data.update(release)
        return is_changed

    async def require_served(self, line: BundledRelease, manifest: BundleManifest) -> None:
        """Raise `LeftOut` for a release that was withdrawn, unless this bundle is a newer one of
        the registry that withdrew it."""
        said = await self._said(line.coordinate)
        if said is None or not said.is_withdrawn:
            return
        if said.registry != manifest.registry or said.cursor >= manifest.cursor:
            raise LeftOut(_WITHDRAWN.format(registry=said.registry))
        await self._note(line.coordinate, manifest, is_withdrawn=False)

    async def restore(self, coordinate: Coordinate) -> None:
        """Serve a release again that a bundle withheld; `require_served` allowed it."""
        now_ms = self.clock.now_ms()

        def decide(_head: Head, release: Release) -> Release:
            if not is_withheld_by_bundle(release):
                return release
            decision = Decision(State.LIVE)
            return with_decision(release, "release.live", decision, by=MIRROR, now_ms=now_ms)

        release, is_changed = await self.packages.store_release(coordinate, decide)
        if is_changed or release.outbox:
            await self.packages.derived_data.update(release)

    async def _require_theirs(self, line: BundledWithdrawal) -> None:
        release = (await self.metadata.find(line.coordinate)).release
        if release is not None and release.upstream is None:
            raise LeftOut(_OURS)
        owner = await NameOwners(self.directory, self.clock).stored_owner(
            line.coordinate.package.org
        )
        if owner is not None and owner != line.upstream:
            raise LeftOut(NOT_THEIRS.format(upstream=line.upstream))
        if release is not None and release.digest != line.digest:
            raise LeftOut(ANOTHER)

    async def _said(self, coordinate: Coordinate) -> BundleStatement | None:
        return await self.directory.get(BundleStatement, release_place(coordinate))

    async def _note(
        self, coordinate: Coordinate, manifest: BundleManifest, *, is_withdrawn: bool
    ) -> None:
        package = coordinate.package
        statement = BundleStatement(
            org=package.org,
            name=package.name,
            version=coordinate.version.text,
            registry=manifest.registry,
            cursor=manifest.cursor,
            is_withdrawn=is_withdrawn,
        )
        await self.directory.put(statement)
