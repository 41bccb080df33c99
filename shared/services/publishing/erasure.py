"""Erasure: everything that is stored of a removed release is deleted, by a nightly task or at
once."""

from collections.abc import Sequence

from msgspec import Struct

from shared.confined.jobs import ConfinedUnavailable
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Unavailable
from shared.domain.packages import Release, Texts
from shared.domain.principals import Principal
from shared.domain.release_states import State
from shared.domain.sentences import counted
from shared.domain.times import time_text
from shared.domain.withdrawal_reasons import PublicReason
from shared.ports.archive_delivery import EdgeCache
from shared.ports.archive_store import STORED_AT_ANY_TIME_MS, ArchiveStore
from shared.ports.deleted_copies import CopyLeft, DeletedCopies
from shared.ports.documents import DocumentStore
from shared.ports.metadata import MetadataStore
from shared.ports.search import SearchFeed
from shared.ports.system import Clock
from shared.runtime.editions import CHANGES_KNOWN_WITHIN
from shared.services.api_docs.api_docs_generation import ApiDocsGeneration, ApiHistory
from shared.services.api_docs.api_docs_queue import oldest_first
from shared.services.erased_releases import ErasedReleases
from shared.services.packages.archive_delivery import public_link_prefix
from shared.services.packages.derived_data import DerivedData
from shared.services.publishing.moderation import Moderation
from shared.services.report_records import ReportRecords

_AGAIN = "erase it again."


class Erasure(Struct, frozen=True):
    """The result of an erasure: what was deleted, as a read afterwards confirmed, and what is
    left."""

    release: Release
    at_ms: int
    deleted: tuple[str, ...]
    # Sentences that say what is left, and who deletes it or when it is deleted.
    left: tuple[str, ...]
    in_memory: str  # Until when running processes may serve the release from memory.
    kept: tuple[str, ...]  # What backups hold, and until when.
    copies_until_ms: int | None = None  # When the store deletes its last copy.

    def lines(self) -> list[str]:
        """Return the lines of the receipt, which say what was deleted and what was not."""
        lines = [
            f"Receipt for {self.release.coordinate}, {time_text(self.at_ms)}",
            f"SHA-256 of the archive: {self.release.digest}",
            "Deleted, and read back:",
            *_items(self.deleted),
        ]
        if self.left:
            lines += ["Left:", *_items(self.left)]
        lines += ["In memory:", f"- {self.in_memory}"]
        return [*lines, "Not deleted, as the registry does not reach it:", *_items(self.kept)]


def _items(sentences: Sequence[str]) -> list[str]:
    return [f"- {each}" for each in sentences]


class ReleaseErasure(Struct, frozen=True):
    """Removes a release, and deletes all that is stored of it at once.

    The record stays, so that the version can never be published again.
    """

    moderation: Moderation
    erased_releases: ErasedReleases
    report_records: ReportRecords
    metadata: MetadataStore
    archives: ArchiveStore
    documents: DocumentStore
    api_history: ApiHistory
    generation: ApiDocsGeneration
    derived_data: DerivedData
    feed: SearchFeed | None
    edge: EdgeCache | None
    copies: DeletedCopies | None
    clock: Clock
    snapshot_days: int

    async def erase(
        self,
        coordinate: Coordinate,
        reason: str,
        public: PublicReason | None = None,
        *,
        by: Principal,
    ) -> Erasure:
        """Remove the release if it is not, and delete everything at once.

        May be repeated: after a failure, and with other rights on the store.
        """
        release = await self.moderation.remove(coordinate, reason, public, by=by)
        return await self.delete(release, by=by)

    async def delete(self, release: Release, *, by: Principal) -> Erasure:
        """Delete all that is stored of a removed release; callers check rights. May be repeated."""
        coordinate = release.coordinate
        listed = f"{coordinate} is in no list, no search and no index, and cannot be pulled"
        steps = [
            _deleted(listed),
            await self._delete_archive(release),
            await self._delete_documents(release),
            await self._forget_reports(coordinate),
            await self._compare_again(release),
            await self._delete_rows(release),
            await self._purge(release),
        ]
        copies: Sequence[CopyLeft] = ()
        if self.copies is not None:
            copies = await self._delete_copies(release, self.copies)
            steps.append(_about_copies(copies))
        steps.append(_Step(left=await self._found_again(release)))
        copies_until_ms = max((each.until_ms for each in copies), default=None)
        if not await self._is_stored(release):
            release = await self.erased_releases.note(
                coordinate, copies_until_ms=copies_until_ms, by=by
            )
        return Erasure(
            release=release,
            at_ms=self.clock.now_ms(),
            deleted=tuple(sentence for step in steps for sentence in step.deleted),
            left=tuple(sentence for step in steps for sentence in step.left),
            in_memory=self._in_memory(),
            kept=self._kept_by_backups(),
            copies_until_ms=copies_until_ms,
        )

    async def _delete_archive(self, release: Release) -> "_Step":
        other = await self.erased_releases.needed_by(release.archive_digest, release)
        if other is not None:
            return _left(
                f"The archive, since {other} has the same bytes and is not removed: erase it too."
            )
        # This deletes also what a push is storing now: the push of this version is refused.
        if not await self.archives.delete(release.archive_digest, STORED_AT_ANY_TIME_MS):
            return _left(f"Its archive, which was stored again meanwhile: {_AGAIN}")
        return _deleted(f"its archive of {release.size_bytes:,} bytes")

    async def _delete_documents(self, release: Release) -> "_Step":
        compared = await self.erased_releases.delete_documents(release)
        return _deleted(
            "its documentation, dependency graph, bill of materials, statements, Sigstore bundles, "
            "API documentation and the "
            f"HTML made of its files; its comparisons with {compared} other versions"
        )

    async def _forget_reports(self, coordinate: Coordinate) -> "_Step":
        reports = await self.report_records.forget_words(coordinate)
        if not reports:
            return _Step()
        return _deleted(f"the words of {counted(reports, 'report')}")

    async def _compare_again(self, release: Release) -> "_Step":
        """Make the documentation of those later versions again that was compared with this
        version."""
        version = release.coordinate.version
        made = list[str]()
        for each in await oldest_first(self.metadata, release.coordinate.package):
            is_later = each.coordinate.version.precedence > version.precedence
            record = await self.documents.api_docs_record(each.archive_digest) if is_later else None
            if record is None or each.state is State.REMOVED:
                continue
            try:
                if await self.generation.update(each):
                    made.append(each.version)
            except ConfinedUnavailable:
                return _left(f"What the documentation of {each.coordinate} says of it: {_AGAIN}")
        if not made:
            return _Step()
        return _deleted(f"what the documentation of {', '.join(made)} said of it")

    async def _delete_rows(self, release: Release) -> "_Step":
        package = release.coordinate.package
        await self.derived_data.update_search(package)
        if self.feed is not None:
            await self.feed.erase_earlier()
        # This changes the index only if the package changed meanwhile.
        if await self.derived_data.update_search(package):
            return _left(f"Its rows in the search, since {package} changed meanwhile: {_AGAIN}")
        return _deleted("its rows in the search")

    async def _purge(self, release: Release) -> "_Step":
        if self.edge is None:
            return _Step()
        try:
            await self.edge.forget([public_link_prefix(release.archive)])
        except Unavailable:
            return _left(f"Copies of its archive at the edge, which could not be purged: {_AGAIN}")
        return _deleted("the copies of its archive at the edge, which takes some minutes")

    async def _delete_copies(self, release: Release, copies: DeletedCopies) -> Sequence[CopyLeft]:
        """Delete the copies of deleted blobs that the store keeps; return those that are left."""
        others = [
            each.archive_digest
            for each in await self.metadata.releases(release.coordinate.package)
            if each.version != release.version
        ]
        return await copies.erase(release.archive_digest, others)

    async def _found_again(self, release: Release) -> tuple[str, ...]:
        """Read everything that should be deleted, and return what is still there."""
        digest = release.archive_digest
        found = list[str]()
        documents = self.documents
        if await documents.texts(digest) != Texts() or await documents.graphs([digest]) != [b"[]"]:
            found.append(f"Its documentation or dependency graph: {_AGAIN}")
        if await documents.sbom(digest) is not None:
            found.append(f"Its bill of materials: {_AGAIN}")
        if await documents.attestations(digest):
            found.append(f"Its statements or Sigstore bundles: {_AGAIN}")
        if await documents.api_docs_record(digest) is not None:
            found.append(f"Its API documentation: {_AGAIN}")
        if await self.api_history.verdict(release.coordinate) is not None:
            found.append(f"Its comparison with the version before: {_AGAIN}")
        return tuple(found)

    async def _is_stored(self, release: Release) -> bool:
        return await self.archives.stat(release.archive) is not None

    def _in_memory(self) -> str:
        if self.copies is None:  # One machine, where a process sees each change before it answers.
            return (
                "Running processes serve nothing of it from memory. Pieces of its documentation "
                "may be there, for nobody, until they restart."
            )
        seconds = CHANGES_KNOWN_WITHIN.total_seconds()
        return (
            f"Running instances may serve what they have in memory for {seconds:g} second more. "
            "Pieces of its documentation may be there, for nobody, until they restart."
        )

    def _kept_by_backups(self) -> tuple[str, ...]:
        """Return which backups contain the release and until when, as far as the registry knows."""
        snapshots = f"Snapshots from before now hold its record for {self.snapshot_days} days."
        backups = (
            "Backups from before now, and the copy from before an upgrade, hold its archive until "
            "you delete them. A restore of one removes the release again."
        )
        if self.copies is not None:
            backups = (
                "The continuous backup of Cosmos DB holds its record for up to 30 days. Copies of "
                "the storage account that you made hold its archive until you delete them."
            )
        return snapshots, backups


class _Step(Struct, frozen=True):
    """What one step of an erasure deleted, and what it left, each as `Erasure` says it."""

    deleted: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def _deleted(sentence: str) -> _Step:
    return _Step(deleted=(sentence,))


def _left(sentence: str) -> _Step:
    return _Step(left=(sentence,))


def _about_copies(copies: Sequence[CopyLeft]) -> _Step:
    """Return what is said of the copies that the store still keeps."""
    if not copies:
        return _deleted("the versions and deleted copies of its blobs")
    until_ms = max(each.until_ms for each in copies)
    return _left(
        f"{len(copies)} versions and deleted copies of its blobs, until {time_text(until_ms)}. "
        "Whoever owns the data deletes them at once with ballroom package remove --erase-now, "
        "as docs/run/azure/operations.md says."
    )
