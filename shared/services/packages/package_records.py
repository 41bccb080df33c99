"""Changes of the records of packages and releases."""

from collections.abc import Callable

from msgspec import Struct

from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.packages import PackageNotFound, ReleaseNotFound
from shared.domain.packages import Head, Release
from shared.domain.releases import disclosed
from shared.ports.metadata import MetadataStore
from shared.runtime.retries import retried_when_stale
from shared.services.packages.derived_data import DerivedData


class PackageRecordWriter(Struct, frozen=True):
    """Changes the records of packages and releases, and then the data derived from them.

    `decide` gets the stored record and returns the changed one, or the same one to change nothing.
    It runs again with the new record if another process was faster.
    """

    metadata: MetadataStore
    derived_data: DerivedData

    async def change_package(self, package: Package, decide: Callable[[Head], Head]) -> Head:
        """Raise `PackageNotFound`, `NotListedYet`, or what `decide` raises."""
        head = await self._store_head(package, decide)
        await self.derived_data.update(head)
        return head

    @retried_when_stale
    async def _store_head(self, package: Package, decide: Callable[[Head], Head]) -> Head:
        head = await self.metadata.head(package)
        if head is None:
            raise PackageNotFound(package)
        changed = decide(head)
        return head if changed is head else await self.metadata.replace_head(changed)

    async def change_release(
        self, coordinate: Coordinate, decide: Callable[[Head, Release], Release]
    ) -> Release:
        """Raise `ReleaseNotFound`, `NotListedYet`, or what `decide` raises."""
        release, _ = await self.store_release(coordinate, decide)
        await self.derived_data.update(release)
        return release

    @retried_when_stale
    async def store_release(
        self, coordinate: Coordinate, decide: Callable[[Head, Release], Release]
    ) -> tuple[Release, bool]:
        """Change only the record; return the release, and whether it changed."""
        found = await self.metadata.find(coordinate)
        head = found.head
        release = found.release
        if head is None or release is None:
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        changed = decide(head, release)
        if changed is release:
            return release, False
        told = disclosed(changed, head, release)
        return await self.metadata.replace_release(told), True
