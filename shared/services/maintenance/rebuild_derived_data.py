"""Derives everything again from the releases, after a search or list was lost."""

from dataclasses import dataclass

from shared.domain.packages import Head
from shared.domain.task_runs import TaskReport
from shared.services.maintenance.checkpoints import Checkpoints
from shared.services.maintenance.task import Task
from shared.services.packages.derived_data import DerivedData


@dataclass(frozen=True)
class RebuildDerivedData(Task):
    id = "rebuild-derived-data"
    title = "Rebuild derived data"
    sentence = (
        "Computes lists, search entries and documents of all packages again from their releases."
    )
    schedule = None

    derived_data: DerivedData
    checkpoints: Checkpoints

    async def run(self) -> TaskReport:
        seen = 0

        async def visit(head: Head) -> None:
            nonlocal seen
            seen += 1
            await self.derived_data.rebuild(head.package)

        finished = await self.checkpoints.visit_packages(self, visit)
        return TaskReport(seen, seen, unfinished=not finished)
