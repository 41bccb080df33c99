"""Task `count-usage`, every hour at minute 10: counts the bytes and releases of organizations with
a limit, and those of the others once a day."""

from shared.domain.tasks import TaskReport
from shared.services.maintenance.tasks import Task
from shared.services.organizations.usage import UsageCounts

SCHEDULE = "0 10 * * * *"


class CountUsage(Task, frozen=True):
    id = "count-usage"
    title = "Count what organizations use"
    sentence = (
        "Counts the bytes and releases of organizations with a limit, and those of the others once "
        "a day, and sends mail to owners who are near their limit."
    )
    schedule = SCHEDULE

    usage_counts: UsageCounts

    async def run(self) -> TaskReport:
        return await self.usage_counts.count_due()
