"""Deletes archives that no release names, which a crash or a lost race left, moves archives that
are in the wrong container, and completes the headers of those that older versions stored.
"""

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.packages import Head, Release, State, archive_container
from shared.domain.task_runs import TaskReport
from shared.domain.times import MS
from shared.ports import ArchiveStore, DocumentStore, MetadataStore, StoredArchive
from shared.services.api_docs.api_docs_generation import ApiHistory
from shared.services.maintenance.checkpoints import Checkpoints
from shared.services.maintenance.task import Task


@dataclass(frozen=True)
class DeleteOrphanedArchives(Task):
    id = "delete-orphaned-archives"
    title = "Delete orphaned archives"
    sentence = (
        "Deletes archives of interrupted pushes after a grace period, and moves archives that "
        "are in the wrong container."
    )
    schedule = "0 20 3 * * *"

    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    api_history: ApiHistory
    checkpoints: Checkpoints
    sweep_grace_hours: int

    async def run(self) -> TaskReport:
        """Look at every archive; those that a push may still need are within the grace period."""
        now_ms = self.checkpoints.clock.now_ms()
        grace = timedelta(hours=self.sweep_grace_hours)
        before_ms = now_ms - grace // MS
        seen = changed = 0

        async def visit(archive: StoredArchive) -> None:
            nonlocal seen, changed
            seen += 1
            changed += await self._sweep(archive, before_ms)

        finished = await self.checkpoints.visit(self, self.archives.list(now_ms), visit)
        return TaskReport(seen, changed, unfinished=not finished)

    async def _sweep(self, archive: StoredArchive, before_ms: int) -> bool:
        """Delete, move or complete an archive if it needs that; return whether it did."""
        found = await self.metadata.by_digest(archive.digest)
        if found.head and found.release and found.release.state is not State.REMOVED:
            return await self._correct(archive, found.head, found.release)
        if archive.stored_ms >= before_ms:
            return False
        if not await self.archives.delete(archive.digest, before_ms):
            return False
        await self.documents.delete(archive.digest)
        if found.release:
            await self.api_history.remove(found.release.coordinate)
        return True

    async def _correct(self, archive: StoredArchive, head: Head, release: Release) -> bool:
        container = archive_container(head, release)
        if archive.container in (None, container):
            return False
        await self.archives.move(release.archive, container)
        return True
