"""Task `anonymize-events`, every night at 03:50 UTC: removes IP address, credential, browser and
names from events after their retention period."""

from datetime import timedelta

from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.events import EventForgetting
from shared.ports.system import Clock
from shared.services.maintenance.tasks import Task
from shared.services.record_batches import RECORDS_AT_ONCE

SCHEDULE = "0 50 3 * * *"


class AnonymizeEvents(Task, frozen=True):
    id = "anonymize-events"
    title = "Anonymize old events"
    sentence = (
        "Removes IP address, credential, browser and names from events after their retention "
        "period, and overwrites deleted data in the file of the database."
    )
    schedule = SCHEDULE

    events: EventForgetting
    clock: Clock
    audit_days: int

    async def run(self) -> TaskReport:
        """Anonymize in batches, so that no write is long."""
        age = timedelta(days=self.audit_days)
        before_ms = self.clock.now_ms() - age // MS
        forgotten = 0
        while count := await self.events.forget_origins(before_ms, RECORDS_AT_ONCE):
            forgotten += count
        await self.events.overwrite_forgotten()
        return TaskReport(forgotten, forgotten)
