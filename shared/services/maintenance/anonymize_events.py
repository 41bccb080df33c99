"""Deletes addresses from old events; the events themselves stay."""

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.task_runs import TaskReport
from shared.domain.times import MS
from shared.ports import Clock, EventStore
from shared.services.maintenance.task import Task
from shared.services.records import RECORDS_AT_ONCE


@dataclass(frozen=True)
class AnonymizeEvents(Task):
    id = "anonymize-events"
    title = "Anonymize old events"
    sentence = "Removes IP address and credential from events after their retention period."
    schedule = "0 50 3 * * *"

    events: EventStore
    clock: Clock
    audit_days: int

    async def run(self) -> TaskReport:
        """Anonymize in batches, so that no write is long."""
        age = timedelta(days=self.audit_days)
        before_ms = self.clock.now_ms() - age // MS
        forgotten = 0
        while count := await self.events.forget_origins(before_ms, RECORDS_AT_ONCE):
            forgotten += count
        return TaskReport(forgotten, forgotten)
