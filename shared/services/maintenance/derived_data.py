"""Derived data of all packages, compared with their releases and repaired, and the search index."""

from dataclasses import dataclass, replace

from shared.domain.archives.names import Digest
from shared.domain.errors.base import BadArchive, Refusal
from shared.domain.errors.packages import ArchiveNotFound
from shared.domain.mirroring import CataloguedPackage
from shared.domain.packages import Head, Release, State, Texts
from shared.domain.task_runs import TaskReport
from shared.ports import (
    ArchiveStore,
    DirectoryStore,
    DocumentStore,
    MetadataStore,
    SearchFeed,
    Stale,
)
from shared.services.maintenance.task import LONGEST_CALL, Checkpoints, Task
from shared.services.mirroring.catalogue import store_catalogued
from shared.services.packages.archive_reader import ArchiveReader
from shared.services.packages.derived_data import DerivedData
from shared.services.records import all_entities

NO_GRAPH = b"[]"


@dataclass(frozen=True)
class RepairDerivedData(Task):
    id = "repair-derived-data"
    title = "Repair derived data"
    sentence = "Computes lists and documents again that do not match the releases."
    schedule = "0 30 4 * * *"

    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    derived_data: DerivedData
    archive_reader: ArchiveReader
    checkpoints: Checkpoints

    async def run(self) -> TaskReport:
        """Repair packages; one with a release that cannot be read is a problem."""
        seen, repaired, problems = 0, 0, list[str]()

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
        stored = await self.metadata.releases(head.package)
        releases = [await self._with_internal_modules(each) for each in stored]
        restored = [await self._restore_documents(each) for each in releases]
        return await self.derived_data.rebuild(head.package) or any(restored)

    async def _with_internal_modules(self, release: Release) -> Release:
        """Return the release with internal modules apart from the exported ones.

        Older records list both together, and data that was derived from such a record is stale.
        """
        if release.internal_modules is not None or release.state is State.REMOVED:
            return release
        try:
            bala = await self.archive_reader.read(await self.archives.read(release.archive))
            modules = {"modules": bala.modules, "internal_modules": bala.internal_modules}
            return await self.metadata.replace_release(release.model_copy(update=modules))
        except (BadArchive, ArchiveNotFound, Stale):
            return release  # The audit reports the archive; a concurrent change waits for a night.

    async def _restore_documents(self, release: Release) -> bool:
        """Store lost documents again; say whether there were any."""
        if release.state is State.REMOVED or release.is_dropped:
            return False
        if not await self._lacks_documents(release):
            return False
        content = await self.archives.read(release.archive)
        bala = await self.archive_reader.of(release).read(content)
        await self.documents.put(bala.content, bala.texts, bala.graph)
        return bala.texts != Texts() or bool(bala.graph.nodes)

    async def _lacks_documents(self, release: Release) -> bool:
        """Check whether no documents of the release are stored; some releases have none."""
        digest = Digest(release.digest)
        if await self.documents.texts(digest) != Texts():
            return False
        return await self.documents.graphs([digest]) == [NO_GRAPH]


@dataclass(frozen=True)
class RebuildDerivedData(RepairDerivedData):
    """Does what the nightly repair does, which continues at a checkpoint of its own; then writes
    the catalogue of upstreams again."""

    id = "rebuild-derived-data"
    title = "Rebuild derived data"
    sentence = (
        "Computes lists, search entries and documents of all packages again from their releases."
    )
    schedule = None

    directory: DirectoryStore

    async def run(self) -> TaskReport:
        report = await super().run()
        # Reading a record puts its values within their bounds; search may have others.
        catalogued = (
            [] if report.unfinished else await all_entities(self.directory, CataloguedPackage)
        )
        for each in catalogued:
            await store_catalogued(each, self.directory, self.derived_data)
        seen, changed = report.seen + len(catalogued), report.changed + len(catalogued)
        return replace(report, seen=seen, changed=changed)


@dataclass(frozen=True)
class UpdateSearchIndex(Task):
    id = "update-search-index"
    title = "Update the search index"
    sentence = (
        "Builds a new search index if the current one is an hour old, or many packages changed."
    )
    schedule = "45 */5 * * * *"
    longest_run = LONGEST_CALL
    runs_in_read_only_mode = True

    feed: SearchFeed

    async def run(self) -> TaskReport:
        changed = await self.feed.catch_up()
        return TaskReport(changed, changed)


@dataclass(frozen=True)
class RebuildSearchIndex(Task):
    id = "rebuild-search-index"
    title = "Rebuild the search index"
    sentence = "Creates the search index again from the listings of all packages."
    schedule = None
    longest_run = LONGEST_CALL
    runs_in_read_only_mode = True

    feed: SearchFeed

    async def run(self) -> TaskReport:
        packages = await self.feed.rebuild()
        return TaskReport(packages, packages)
