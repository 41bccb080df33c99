"""Task `repair-derived-data`, every night at 04:30 UTC: computes lists and documents again that do
not match the releases."""

from shared.domain.archives.digests import Digest
from shared.domain.errors.base import Refusal
from shared.domain.packages import Head, Release, Texts
from shared.domain.release_states import State
from shared.domain.tasks import TaskReport
from shared.ports.archive_store import ArchiveStore
from shared.ports.documents import DocumentStore
from shared.ports.metadata import MetadataStore
from shared.services.maintenance.tasks import Checkpoints, Task
from shared.services.packages.archive_reader import ArchiveReader
from shared.services.packages.derived_data import DerivedData
from shared.services.packages.removed_documents import RemovedDocuments

SCHEDULE = "0 30 4 * * *"

NO_GRAPH = b"[]"


class RepairDerivedData(Task, frozen=True):
    id = "repair-derived-data"
    title = "Repair derived data"
    sentence = "Computes lists and documents again that do not match the releases."
    schedule = SCHEDULE

    metadata: MetadataStore
    documents: DocumentStore
    removed_documents: RemovedDocuments
    archives: ArchiveStore
    derived_data: DerivedData
    archive_reader: ArchiveReader
    checkpoints: Checkpoints

    async def run(self) -> TaskReport:
        """Repair packages; one with a release that cannot be read is a problem."""
        seen = 0
        repaired = 0
        problems = list[str]()

        async def visit(head: Head) -> None:
            nonlocal seen, repaired
            seen += 1
            try:
                repaired += await self._repair(head)
            except Refusal as refusal:
                problems.append(f"{head.package}: {refusal}")

        finished = await self.checkpoints.visit_packages(self, visit)
        return TaskReport(seen, repaired, tuple(problems), unfinished=not finished)

    async def _repair(self, head: Head) -> bool:
        """Derive the package again if anything of it is stale; say whether it was."""
        releases = await self.metadata.releases(head.package)
        restored = [await self._restore_documents(each) for each in releases]
        return await self.derived_data.rebuild(head.package) or any(restored)

    async def _restore_documents(self, release: Release) -> bool:
        """Store lost documents again; say whether there were any."""
        if release.state is State.REMOVED:
            return False
        if not await self._lacks_documents(release):
            return False
        content = await self.archives.read(release.archive)
        bala = await self.archive_reader.of(release).read(content)
        await self.documents.put(bala.archive_digest, bala.texts, bala.graph)
        if await self.removed_documents.delete_if_removed(release.coordinate, bala.archive_digest):
            return False
        return bala.texts != Texts() or bool(bala.graph.nodes)

    async def _lacks_documents(self, release: Release) -> bool:
        """Check whether no documents of the release are stored; some releases have none."""
        digest = Digest(release.digest)
        if await self.documents.texts(digest) != Texts():
            return False
        return await self.documents.graphs([digest]) == [NO_GRAPH]
