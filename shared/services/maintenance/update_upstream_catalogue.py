"""Reads the list of the upstream's packages; with an upstream alone."""

from dataclasses import dataclass

from shared.domain.task_runs import TaskReport
from shared.services.maintenance.task import Task
from shared.services.mirroring.catalogue import CatalogueUpdates


@dataclass(frozen=True)
class UpdateUpstreamCatalogue(Task):
    id = "update-upstream-catalogue"
    title = "Update the catalogue of the upstream"
    sentence = "Reads which packages the upstream registry has, so that search knows all of them."
    schedule = "25 */5 * * * *"
    runs_first = True

    updates: CatalogueUpdates

    async def run(self) -> TaskReport:
        """Read on; a list that cannot be read is a problem, and what is known stays."""
        done = await self.updates.run()
        problems = tuple(f"An upstream's list could not be read: {each}." for each in done.problems)
        return TaskReport(done.seen, done.changed, problems, done.unfinished)
