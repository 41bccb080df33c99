"""Task `remove-prereleases`, every night at 04:20 UTC: removes old pre-releases of private
packages, where the rules of their organization say so."""

from shared.domain.tasks import TaskReport
from shared.services.maintenance.tasks import Task
from shared.services.organizations.retention import PrereleaseRetention

SCHEDULE = "0 20 4 * * *"


class RemovePrereleases(Task, frozen=True):
    id = "remove-prereleases"
    title = "Remove old pre-releases"
    sentence = (
        "Removes old pre-releases of private packages, where the rules of their organization say "
        "so, and sends mail to its owners."
    )
    schedule = SCHEDULE

    prerelease_retention: PrereleaseRetention

    async def run(self) -> TaskReport:
        return await self.prerelease_retention.run()
