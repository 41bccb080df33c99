"""Removed releases: deleting what was made of their archives, and noting that it is gone."""

from msgspec import Struct

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.packages import ErasedArchive, Head, Release, ReleaseEntry
from shared.domain.principals import Principal
from shared.domain.release_states import State
from shared.domain.releases import with_erasure
from shared.domain.times import MS, utc_text
from shared.ports.deleted_copies import DeletedCopies
from shared.ports.documents import DocumentStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.services.api_docs.api_docs_generation import ApiHistory
from shared.services.api_docs.on_demand import comparison_names
from shared.services.packages.package_records import PackageRecordWriter
from shared.telemetry.log import log


class ErasedReleases(Struct, frozen=True):
    """Deletes the data derived from the archives of removed releases, and notes in their records
    that all of it is gone. Every call may be repeated."""

    metadata: MetadataStore
    documents: DocumentStore
    api_history: ApiHistory
    package_records: PackageRecordWriter
    copies: DeletedCopies | None
    clock: Clock

    async def needed_by(self, digest: Digest, release: Release | None) -> Coordinate | None:
        """Return another release that is not removed and has the same archive; None without one.

        An archive contains its coordinate, so there is none, unless records were written by other
        means. Its bytes have to stay in any case.
        """
        version = release.version if release else ""
        found = (await self.metadata.by_digest(digest)).release
        if found is None:
            return None
        if found.state is not State.REMOVED and found.version != version:
            return found.coordinate
        package = found.coordinate.package
        for each in await self._other_entries(package, version):
            if each.digest == digest.hex and each.state is not State.REMOVED:
                return package.at(each.parsed)
        return None

    async def delete_documents(self, release: Release) -> int:
        """Delete the documents of a release, the verdict on it, and its comparisons with others
        that somebody asked for; return with how many it may be compared."""
        await self.documents.delete(release.archive_digest)
        await self.api_history.put(release.coordinate, None)
        names = comparison_names(release.digest)
        others = await self._other_entries(release.coordinate.package, release.version)
        # Nothing is stored of a release that is erased.
        others = [each for each in others if each.erased is None]
        for each in others:
            await self.documents.delete_renderings(Digest(each.digest), names)
        return len(others)

    async def _other_entries(self, package: Package, version: str) -> list[ReleaseEntry]:
        """Return the entries of a package but that of one version, without reading releases."""
        [survey] = await self.metadata.survey([package])
        return [each for each in (survey.entries if survey else ()) if each.version != version]

    async def note(
        self, coordinate: Coordinate, *, copies_until_ms: int | None, by: Principal
    ) -> Release:
        """Note that the archive is gone; a repeat changes only until when copies are kept."""
        erased = ErasedArchive(at_ms=self.clock.now_ms(), copies_until_ms=copies_until_ms)

        def decide(_head: Head, release: Release) -> Release:
            before = release.erased
            if before and before.copies_until_ms == erased.copies_until_ms:
                return release
            return with_erasure(release, erased, by=by)

        release, is_changed = await self.package_records.store_release(coordinate, decide)
        await self.package_records.derived_data.update(release)
        if is_changed:
            log.info(
                "release.erased",
                coordinate=str(coordinate),
                digest=release.digest,
                copies_until=utc_text(copies_until_ms) if copies_until_ms else "",
            )
        return release

    def kept_until_ms(self) -> int | None:
        """Return until when the store keeps copies of what is deleted now; None if it keeps none.

        For the app, which may not delete them.
        """
        return None if self.copies is None else self.clock.now_ms() + self.copies.kept_for // MS
