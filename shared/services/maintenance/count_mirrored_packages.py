"""Counts what is mirrored; with an upstream alone."""

from dataclasses import dataclass

from shared.domain.task_runs import TaskReport
from shared.services.maintenance.task import Task
from shared.services.mirroring.overview import MirrorOverview


@dataclass(frozen=True)
class CountMirroredPackages(Task):
    id = "count-mirrored-packages"
    title = "Count mirrored packages"
    sentence = (
        "Counts what is stored and refused of each upstream registry, for administrators and "
        "metrics."
    )
    schedule = "0 45 * * * *"

    overview: MirrorOverview

    async def run(self) -> TaskReport:
        counted = await self.overview.count()
        return TaskReport(sum(each.packages for each in counted.upstreams), 0)
