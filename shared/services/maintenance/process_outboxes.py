"""Task `process-outboxes`, every minute: adds changes to lists, search and logs that a crash left
out."""

from shared.domain.entities import PendingEvents
from shared.domain.errors.base import Refusal
from shared.domain.packages import Head, Release
from shared.domain.tasks import TaskReport
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventStore
from shared.ports.metadata import MetadataStore
from shared.services.maintenance.tasks import Task
from shared.services.packages.derived_data import DerivedData
from shared.services.record_batches import RECORDS_AT_ONCE

SCHEDULE = "15 * * * * *"  # A crash is repaired within a minute.


class ProcessOutboxes(Task, frozen=True):
    id = "process-outboxes"
    title = "Process outboxes"
    sentence = "Adds changes to lists, search and logs that a crash left out."
    schedule = SCHEDULE

    metadata: MetadataStore
    derived_data: DerivedData
    directory: DirectoryStore
    events: EventStore

    async def run(self) -> TaskReport:
        """Process all outboxes; a record that cannot be processed now delays no other one."""
        seen = 0
        problems = list[str]()
        while batch := await self._read_batch():
            refused = [each for record in batch if (each := await self._process(record))]
            seen += len(batch)
            problems += refused
            if refused:
                break  # The same records would come again; the next run is a minute away.
        return TaskReport(seen, seen - len(problems), tuple(problems))

    async def _read_batch(self) -> list[Head | Release | PendingEvents]:
        return [
            *await self.metadata.unpublished_events(RECORDS_AT_ONCE),
            *await self.directory.unpublished(RECORDS_AT_ONCE),
        ]

    async def _process(self, record: Head | Release | PendingEvents) -> str | None:
        """Process the outbox of a record, or return the reason why that has to wait."""
        try:
            if isinstance(record, PendingEvents):
                await self.events.publish(record)
            else:
                await self.derived_data.update(record)
        except Refusal as refusal:
            return str(refusal)
        return None
