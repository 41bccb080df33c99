"""Withdrawals in bundles: a release that the other registry withdrew is quarantined here, until a
newer bundle of that registry has it again.

What a bundle said is remembered, also of releases that are not stored yet, so that an older bundle
brings nothing back.
"""

from msgspec import Struct

from shared.domain.bundles import BundledRelease, BundledWithdrawal, BundleManifest, BundleStatement
from shared.domain.coordinates import Coordinate, release_place
from shared.domain.errors.packages import ReleaseNotFound
from shared.domain.followed_withdrawals import ToldBy, with_withdrawal, without_withdrawal
from shared.domain.packages import Head, Release
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.services.name_owners import NameOwners
from shared.services.packages.package_records import PackageRecordWriter


class LeftOut(Exception):
    """A line of a bundle is not followed; the text is the reason."""


class BundleWithdrawals(Struct, frozen=True):
    """Follows withdrawals. Every call may be repeated, and what it wrote stands if it stops."""

    metadata: MetadataStore
    directory: DirectoryStore
    owners: NameOwners
    package_records: PackageRecordWriter
    clock: Clock

    async def follow(self, line: BundledWithdrawal, manifest: BundleManifest) -> bool:
        """Quarantine the release; return whether that changed it. Raises `LeftOut` for a release
        that is stored here and is not the one that was withdrawn.

        An older bundle than the last one that named the release changes nothing.
        """
        coordinate = line.coordinate
        if not await self._is_theirs(line):
            return False
        statement = await self._said(coordinate)
        if (
            statement
            and statement.registry == manifest.registry
            and statement.cursor > manifest.cursor
        ):
            return False
        # First, so that nothing brings the release back meanwhile.
        await self._note(coordinate, manifest, is_withdrawn=True)
        now_ms = self.clock.now_ms()

        def decide(_head: Head, release: Release) -> Release:
            return with_withdrawal(
                release,
                ToldBy.BUNDLE,
                manifest.registry,
                line.public_reason,
                is_final=line.permanent,
                now_ms=now_ms,
            )

        try:
            release, is_changed = await self.package_records.store_release(coordinate, decide)
        except ReleaseNotFound:
            return False
        # The outbox of an unchanged release has entries if an earlier attempt crashed.
        if release.outbox:
            await self.package_records.derived_data.update(release)
        return is_changed

    async def require_served(self, line: BundledRelease, manifest: BundleManifest) -> None:
        """Raise `LeftOut` for a release that was withdrawn, unless this bundle is a newer one of
        the registry that withdrew it."""
        statement = await self._said(line.coordinate)
        if statement is None or not statement.is_withdrawn:
            return
        if statement.registry != manifest.registry or statement.cursor >= manifest.cursor:
            message = (
                f"{statement.registry} withdrew it, and no newer bundle of that registry has it"
            )
            raise LeftOut(message)
        await self._note(line.coordinate, manifest, is_withdrawn=False)

    async def serve_again(self, coordinate: Coordinate) -> None:
        """Serve a release again that a bundle withheld; `require_served` allowed it."""
        now_ms = self.clock.now_ms()

        def decide(_head: Head, release: Release) -> Release:
            return without_withdrawal(release, ToldBy.BUNDLE, now_ms=now_ms)

        release, is_changed = await self.package_records.store_release(coordinate, decide)
        if is_changed or release.outbox:
            await self.package_records.derived_data.update(release)

    async def _is_theirs(self, line: BundledWithdrawal) -> bool:
        """Check whether the bundle may speak of the release; raise `LeftOut` where another one is
        stored, so that somebody looks at it."""
        release = (await self.metadata.find(line.coordinate)).release
        if release is not None and release.upstream is None:
            message = "it was withdrawn there, and was published in this registry, which decides"
            raise LeftOut(message)
        if release is not None and release.digest != line.digest:
            message = "it was withdrawn there, and this registry has another archive of it"
            raise LeftOut(message)
        owner = await self.owners.stored_owner(line.coordinate.package.org)
        return owner is None or owner == line.upstream

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
