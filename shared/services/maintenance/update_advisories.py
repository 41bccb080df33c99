"""Task `update-advisories`, every hour at minute 50: reads the dumps of advisories that changed."""

from shared.domain.tasks import TaskReport
from shared.services.advisories.advisory_updates import AdvisoryUpdates
from shared.services.maintenance.tasks import Task

SCHEDULE = "0 50 * * * *"


class UpdateAdvisories(Task, frozen=True):
    id = "update-advisories"
    title = "Update advisories"
    sentence = (
        "Reads the dumps of advisories that BALLROOM_ADVISORIES_FROM names, if they changed; when "
        "that fails, the last ones stay."
    )
    schedule = SCHEDULE
    runs_first = True

    updates: AdvisoryUpdates

    async def run(self) -> TaskReport:
        return await self.updates.run()
