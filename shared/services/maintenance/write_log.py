"""Task `write-log`, every minute: appends new events to the transparency log, and publishes what
ended processes left unpublished."""

from shared.domain.errors.transparency import LogStopped
from shared.domain.tasks import TaskReport
from shared.services.maintenance.tasks import Task
from shared.services.transparency.log_writer import LogWriter

SCHEDULE = "5 * * * * *"  # Most entries are written within seconds, behind their requests.


class WriteLog(Task, frozen=True):
    """A run that finds nothing reads two records and the checkpoint."""

    id = "write-log"
    title = "Write the transparency log"
    sentence = "Appends new events to the transparency log."
    schedule = SCHEDULE

    writer: LogWriter

    async def run(self) -> TaskReport:
        """Write what is new; a log that stopped is a problem, which `ballroom doctor` explains."""
        try:
            written = await self.writer.write() or 0
        except LogStopped as stopped:
            return TaskReport(0, 0, (str(stopped),))
        return TaskReport(written, written)
