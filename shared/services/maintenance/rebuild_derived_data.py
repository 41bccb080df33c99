"""Derives everything again from the releases, after a search or list was lost."""

from dataclasses import dataclass

from shared.domain.mirroring import CataloguedPackage
from shared.domain.packages import Head
from shared.domain.task_runs import TaskReport
from shared.ports import DirectoryStore
from shared.services.maintenance.checkpoints import Checkpoints
from shared.services.maintenance.task import Task
from shared.services.mirroring.catalogue_items import store_catalogued
from shared.services.packages.derived_data import DerivedData
from shared.services.records import all_entities


@dataclass(frozen=True)
class RebuildDerivedData(Task):
    id = "rebuild-derived-data"
    title = "Rebuild derived data"
    sentence = (
        "Computes lists, search entries and documents of all packages again from their releases."
    )
    schedule = None

    directory: DirectoryStore
    derived_data: DerivedData
    checkpoints: Checkpoints

    async def run(self) -> TaskReport:
        seen = 0

        async def visit(head: Head) -> None:
            nonlocal seen
            seen += 1
            await self.derived_data.rebuild(head.package)

        finished = await self.checkpoints.visit_packages(self, visit)
        # Reading a record puts its values within their bounds; search may have others.
        catalogued = await all_entities(self.directory, CataloguedPackage) if finished else []
        for each in catalogued:
            await store_catalogued(each, self.directory, self.derived_data)
        seen += len(catalogued)
        return TaskReport(seen, seen, unfinished=not finished)
