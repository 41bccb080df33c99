"""The repair of derived data, at an operator's request: after a search index or list was lost."""

from dataclasses import dataclass, replace

from shared.domain.mirroring import CataloguedPackage
from shared.domain.task_runs import TaskReport
from shared.ports import DirectoryStore
from shared.services.maintenance.repair_derived_data import RepairDerivedData
from shared.services.mirroring.catalogue import store_catalogued
from shared.services.records import all_entities


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
