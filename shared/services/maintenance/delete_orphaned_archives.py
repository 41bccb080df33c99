"""Task `delete-orphaned-archives`, every night at 03:20 UTC: deletes archives that no release has,
moves archives that are in the wrong container, and deletes files of imported advisories that no
set has."""

from datetime import timedelta

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shared.domain.packages import Head, Release, archive_container
from shared.domain.principals import MAINTENANCE
from shared.domain.release_states import State
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.domain.visibility import Readers
from shared.domain.withheld_notes import WithheldNote
from shared.ports.archive_store import ArchiveStore, StoredArchive
from shared.ports.directory import DirectoryStore
from shared.ports.documents import DocumentStore
from shared.ports.metadata import MetadataStore
from shared.ports.work import WorkStore
from shared.services.advisories.set_files import AdvisorySetFiles
from shared.services.erased_releases import ErasedReleases
from shared.services.maintenance.tasks import CHECKPOINT_KEPT_FOR, Checkpoints, Guarded, Task
from shared.services.packages.archive_sweep import SWEEP_SCHEDULE
from shared.services.record_batches import RECORDS_AT_ONCE, entity_batches
from shared.services.snapshots.database_age import DatabaseAge

SCHEDULE = SWEEP_SCHEDULE  # `archive_sweep.py` computes with it when an archive is gone.

FEW_ORPHANS = 5  # This many may be deleted in any case: each interrupted push leaves one.
ORPHANS_OF = 20  # Beyond that, at most one archive in 20 may be deleted.
FOREVER = 2**62
_SWEEP_KIND = "sweep-count"


class _SweepCount(Struct):
    """What the runs of one sweep have counted; with `allowed`, how many archives may still go."""

    seen: int = 0
    orphans: int = 0
    changed: int = 0
    oldest_ms: int = FOREVER
    allowed: int | None = None


class DeleteOrphanedArchives(Task, Guarded, frozen=True):
    id = "delete-orphaned-archives"
    title = "Delete orphaned archives"
    sentence = (
        "Deletes archives of interrupted pushes after a grace period, unless they are too many, "
        "and moves archives that are in the wrong container. Deletes files of imported advisories "
        "that no set has."
    )
    schedule = SCHEDULE

    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    directory: DirectoryStore
    erased_releases: ErasedReleases
    checkpoints: Checkpoints
    database_age: DatabaseAge
    work: WorkStore
    set_files: AdvisorySetFiles
    sweep_grace_hours: int
    readers: Readers

    async def run(self) -> TaskReport:
        """Delete archives, and files of imported advisories that no set has."""
        deleted = await self.set_files.sweep()
        report = await self._sweep()
        return replace(report, seen=report.seen + deleted, changed=report.changed + deleted)

    async def _sweep(self) -> TaskReport:
        """Look at every archive, and delete those without a release when all were counted; those
        that a push may still need are within the grace period.

        Deletes nothing, and reports a problem, if too many would go or if the database is younger
        than the archives: it may be one that took the place of a lost one.
        """
        count = await self._load_count()
        if count.allowed is not None:
            return await self._delete_counted(count)
        found = list[StoredArchive]()
        is_first = not count.seen

        async def visit(archive: StoredArchive) -> None:
            count.seen += 1
            count.oldest_ms = min(count.oldest_ms, archive.stored_ms)
            if await self._is_orphan(archive, count):
                count.orphans += 1
                found.append(archive)

        finished = await self.checkpoints.visit(self, self.archives.list(self._now_ms()), visit)
        seen = count.seen
        problem = await self._problem(count) if finished else ""
        if problem or not finished:
            await self._save_count(_SweepCount() if problem else count)
            problems = (problem,) if problem else ()
            return TaskReport(seen, count.changed, problems, unfinished=not finished)
        # Orphans that earlier runs found are not in memory; the next runs find them again.
        if not is_first:
            count.allowed = max(FEW_ORPHANS, count.seen // ORPHANS_OF)
            await self._save_count(count)
            return TaskReport(seen, count.changed, unfinished=True)
        for archive in found:
            count.changed += await self._delete(archive)
        await self._note_erased()
        await self._save_count(_SweepCount())
        return TaskReport(seen, count.changed)

    async def run_forced(self) -> TaskReport:
        """Delete every archive without a release, however many there are."""
        return await self._delete_counted(_SweepCount(allowed=FOREVER))

    async def _delete_counted(self, count: "_SweepCount") -> TaskReport:
        """Delete archives without a release, as many as the count allows."""
        seen = 0
        allowed = count.allowed or 0
        is_forced = allowed == FOREVER
        count.changed = 0

        async def visit(archive: StoredArchive) -> None:
            nonlocal seen, allowed
            seen += 1
            if allowed and await self._is_orphan(archive, count) and await self._delete(archive):
                count.changed += 1
                allowed -= 1
                count.allowed = allowed

        finished = await self.checkpoints.visit(self, self.archives.list(self._now_ms()), visit)
        if finished:
            await self._note_erased()
        if finished or not is_forced:
            await self._save_count(_SweepCount() if finished else count)
        return TaskReport(seen, count.changed, unfinished=not finished)

    async def _problem(self, count: "_SweepCount") -> str:
        """Return why nothing may be deleted; empty if all orphans may."""
        if not count.orphans:
            return ""
        if count.orphans > max(FEW_ORPHANS, count.seen / ORPHANS_OF):
            reason = (
                f"{count.orphans:,} of {count.seen:,} archives have no release, which is more than "
                "a twentieth"
            )
        elif await self.database_age.is_younger_than(count.oldest_ms):
            reason = (
                f"{count.orphans:,} of {count.seen:,} archives have no release, and the oldest "
                "record of the database is younger than the archives"
            )
        else:
            return ""
        return (
            f"{reason}, so none was deleted. If the database was lost, restore a backup or a "
            f"snapshot. If they may go, run: ballroom upkeep run {self.id} --force"
        )

    async def _is_orphan(self, archive: StoredArchive, count: "_SweepCount") -> bool:
        """Check whether an archive may go; one that stays is moved where its records want it."""
        found = await self.metadata.by_digest(archive.digest)
        if found.head and found.release and found.release.state is not State.REMOVED:
            count.changed += await self._correct(archive, found.head, found.release)
            return False
        return archive.stored_ms < self._before_ms()

    async def _delete(self, archive: StoredArchive) -> bool:
        """Delete an archive unless it was stored again or published meanwhile; return whether it
        is gone."""
        if await self.erased_releases.needed_by(archive.digest, None):
            return False
        if not await self.archives.delete(archive.digest, self._before_ms()):
            return False
        release = (await self.metadata.by_digest(archive.digest)).release
        if release is None:
            await self.documents.delete(archive.digest)
        else:
            await self._note(release)
        return True

    async def _note_erased(self) -> None:
        """Note the archives of removed releases that are gone, and not noted as such: a run was
        killed after it had deleted them, or an earlier version did."""
        async for notes in entity_batches(self.directory, WithheldNote, RECORDS_AT_ONCE):
            for each in notes:
                if each.state is not State.REMOVED or each.is_erased:
                    continue
                release = (await self.metadata.find(each.coordinate)).release
                if release is None or release.state is not State.REMOVED or release.erased:
                    continue
                if await self.archives.stat(release.archive) is None:
                    await self._note(release)

    async def _note(self, release: Release) -> None:
        erased = self.erased_releases
        await erased.delete_documents(release)
        until_ms = erased.kept_until_ms()
        await erased.note(release.coordinate, copies_until_ms=until_ms, by=MAINTENANCE)

    def _now_ms(self) -> int:
        return self.checkpoints.clock.now_ms()

    def _before_ms(self) -> int:
        return self._now_ms() - timedelta(hours=self.sweep_grace_hours) // MS

    async def _load_count(self) -> "_SweepCount":
        stored = await self.work.peek(_SWEEP_KIND, self.id, self._now_ms())
        return msgspec.json.decode(stored, type=_SweepCount) if stored else _SweepCount()

    async def _save_count(self, count: "_SweepCount") -> None:
        ends_ms = self._now_ms() + CHECKPOINT_KEPT_FOR // MS
        value = msgspec.json.encode(count).decode()
        await self.work.put(_SWEEP_KIND, self.id, value, ends_ms)

    async def _correct(self, archive: StoredArchive, head: Head, release: Release) -> bool:
        container = archive_container(head, release, self.readers)
        if archive.container in (None, container):
            return False
        await self.archives.move(release.archive, container)
        return True
