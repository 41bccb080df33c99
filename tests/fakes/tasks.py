"""Maintenance tasks that do what a test wants."""

from collections.abc import Awaitable, Callable

from shared.domain.tasks import TaskReport
from shared.services.maintenance.audit_archives import AuditArchives
from shared.services.maintenance.tasks import Task

Work = Callable[[], Awaitable[TaskReport]]


async def do_nothing() -> TaskReport:
    return TaskReport()


def fake_task(like: type[Task] = AuditArchives, work: Work = do_nothing) -> Task:
    """Return a task that is declared as another one, and does other work."""

    class Fake(Task, frozen=True):
        id = like.id
        title = like.title
        sentence = like.sentence
        schedule = like.schedule
        longest_run = like.longest_run
        runs_in_read_only_mode = like.runs_in_read_only_mode

        async def run(self) -> TaskReport:
            return await work()

    return Fake()
