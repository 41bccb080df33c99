"""Removed releases: deleting what was made of their archives, and noting that it is gone."""

from msgspec import Struct

from shared.domain.api_docs.pieces import PieceKind
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.domain.packages import ErasedArchive, Head, Release
from shared.domain.principals import Principal
from shared.domain.release_states import State
from shared.domain.releases import with_erasure
from shared.domain.times import MS, utc_text
from shared.ports.deleted_copies import DeletedCopies
from shared.ports.documents import DocumentStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.services.api_docs.api_docs_generation import ApiHistory
from shared.services.packages.package_records import PackageRecordWriter
from shared.telemetry.log import log

_COMPARISONS = (PieceKind.CHANGES_PAGE, PieceKind.CHANGES)


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
        found = (await self.metadata.by_digest(digest)).release
        package = found.coordinate.package if found else None
        others = await self.metadata.releases(package) if package else []
        for each in others:
            is_same = release is not None and each.version == release.version
            if each.archive_digest == digest and each.state is not State.REMOVED and not is_same:
                return each.coordinate
        return None

    async def delete_documents(self, release: Release) -> int:
        """Delete the documents of a release, the verdict on it, and its comparisons with others
        that somebody asked for; return with how many it may have been compared."""
        await self.documents.delete(release.archive_digest)
        await self.api_history.put(release.coordinate, None)
        names = comparison_names(release)
        others = [
            each
            for each in await self.metadata.releases(release.coordinate.package)
            if each.version != release.version
        ]
        for each in others:
            await self.documents.delete_renderings(each.archive_digest, names)
        return len(others)

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


def comparison_names(release: Release) -> tuple[str, ...]:
    """Return the names of the comparisons of later versions with a release."""
    return tuple(f"{kind.value}-{release.digest}" for kind in _COMPARISONS)
