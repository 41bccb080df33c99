"""Task `update-upstream-catalogue`, every 5 minutes: reads which packages the upstream registry
has, so that search knows all of them."""

from shared.domain.tasks import TaskReport
from shared.services.maintenance.tasks import Task
from shared.services.mirroring.catalogue import UpstreamCatalogue

SCHEDULE = "25 */5 * * * *"


class UpdateUpstreamCatalogue(Task, frozen=True):
    id = "update-upstream-catalogue"
    title = "Update the catalogue of the upstream"
    sentence = "Reads which packages the upstream registry has, so that search knows all of them."
    schedule = SCHEDULE
    runs_first = True

    updates: UpstreamCatalogue

    async def run(self) -> TaskReport:
        return await self.updates.run()
