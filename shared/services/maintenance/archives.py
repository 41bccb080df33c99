"""Compares stored archives, and public copies of them, with the records."""

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.archives.bala import Bala
from shared.domain.archives.names import Digest
from shared.domain.errors.base import NotFound, Refusal
from shared.domain.identity import ANONYMOUS
from shared.domain.packages import ArchiveFacts, Head, Release, State, archive_container
from shared.domain.releases import new_release
from shared.domain.task_runs import TaskReport
from shared.domain.times import MS
from shared.ports import ArchiveStore, DocumentStore, MetadataStore, StoredArchive
from shared.services.api_docs.api_docs_generation import ApiHistory
from shared.services.maintenance.task import Checkpoints, Task
from shared.services.packages.archive_reader import ArchiveReader
from shared.services.packages.public_copies import PublicCopies

FACTS = sorted(ArchiveFacts.model_fields)
# Of an older record, which `repair-derived-data` has not updated yet.
FACTS_BEFORE = sorted({*FACTS} - {"modules", "internal_modules"})


@dataclass(frozen=True)
class AuditArchives(Task):
    id = "audit-archives"
    title = "Audit archives"
    sentence = "Reads every archive and reports releases whose record does not match."
    schedule = "0 40 3 * * *"

    metadata: MetadataStore
    archives: ArchiveStore
    archive_reader: ArchiveReader
    checkpoints: Checkpoints

    async def run(self) -> TaskReport:
        """Audit as many releases as fit in one run; each problem is a sentence."""
        seen, problems = 0, list[str]()

        async def visit(head: Head) -> None:
            nonlocal seen
            for release in await self.metadata.releases(head.package):
                seen += 1
                problems.extend(await self._problems(release))

        finished = await self.checkpoints.visit_packages(self, visit)
        return TaskReport(seen, 0, tuple(problems), unfinished=not finished)

    async def _problems(self, release: Release) -> list[str]:
        if release.state is State.REMOVED or release.is_dropped:
            return []
        try:
            content = await self.archives.read(release.archive)
            if Digest.of(content) != release.content:
                return [f"{release.coordinate}: the stored archive has another digest."]
            return _differences(release, await self.archive_reader.of(release).read(content))
        except NotFound:
            return [f"{release.coordinate}: its archive is missing."]
        except Refusal as refusal:
            return [f"{release.coordinate}: its archive cannot be read: {refusal}"]


def _differences(release: Release, bala: Bala) -> list[str]:
    """Return the differences between a record and its archive, a sentence each."""
    again = new_release(bala, by=ANONYMOUS, now_ms=release.created_ms)
    if release.upstream is not None:
        tools = tuple(each for each in again.tools if each not in release.upstream.without_tools)
        again = again.model_copy(update={"tools": tools})
    facts = FACTS if release.internal_modules is not None else FACTS_BEFORE
    return [
        f"{release.coordinate}: {field} is recorded as {getattr(release, field)!r}, "
        f"but the archive says {getattr(again, field)!r}."
        for field in facts
        if getattr(release, field) != getattr(again, field)
    ]


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


@dataclass(frozen=True)
class UpdatePublicCopies(Task):
    id = "update-public-copies"
    title = "Update public copies"
    sentence = (
        "Compares the copies that Front Door reads while the registry does not answer with the "
        "records of all packages."
    )
    schedule = "0 50 4 * * *"
    runs_in_read_only_mode = True

    copies: PublicCopies
    checkpoints: Checkpoints

    async def run(self) -> TaskReport:
        """Copy as many packages as fit in one run."""
        await self.copies.put_fixed()
        seen = 0

        async def visit(head: Head) -> None:
            nonlocal seen
            seen += 1
            await self.copies.refresh(head.package)

        finished = await self.checkpoints.visit_packages(self, visit)
        return TaskReport(seen, seen, unfinished=not finished)
