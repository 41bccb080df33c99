"""Task `complete-event-logs`, every hour at minute 40: adds events of earlier versions to the
histories and feeds of packages."""

from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.events import EventStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.services.maintenance.tasks import CHECKPOINT_KEPT_FOR, RUN_TIME, Task
from shared.services.record_batches import RECORDS_AT_ONCE

SCHEDULE = "0 40 * * * *"

# Kind and key in the work store; the value says how far the logs are complete.
_LOGS = ("event-logs", "packages")
_COMPLETE = "complete"


class CompleteEventLogs(Task, frozen=True):
    """New events are in all of their logs, so it has nothing to do once it was at the end."""

    id = "complete-event-logs"
    title = "Complete event logs"
    sentence = "Adds events of earlier versions to the histories and feeds of packages."
    schedule = SCHEDULE
    runs_first = True

    events: EventStore
    work: WorkStore
    clock: Clock

    async def run(self) -> TaskReport:
        until_ms = self.clock.now_ms() + RUN_TIME // MS
        kind, key = _LOGS
        done = await self.work.peek(kind, key, self.clock.now_ms()) or "0"
        if done == _COMPLETE:
            await self._save(done)  # It is forgotten if the task does not run for a month.
        seen = 0
        while done != _COMPLETE and self.clock.now_ms() < until_ms:
            number = int(done)
            last = await self.events.complete_logs(number, RECORDS_AT_ONCE)
            seen += last - number
            done = _COMPLETE if last == number else str(last)
            await self._save(done)
        return TaskReport(seen, seen, unfinished=done != _COMPLETE)

    async def _save(self, done: str) -> None:
        kind, key = _LOGS
        await self.work.put(kind, key, done, self.clock.now_ms() + CHECKPOINT_KEPT_FOR // MS)
