"""Deletes expired tokens, invitations and short-lived state."""

from dataclasses import dataclass

from shared.domain.task_runs import TaskReport
from shared.domain.times import MS
from shared.domain.tokens import EXPIRED_KEPT_FOR
from shared.ports import Clock, DirectoryStore, WorkStore
from shared.services.maintenance.task import Task


@dataclass(frozen=True)
class DeleteExpiredRecords(Task):
    id = "delete-expired-records"
    title = "Delete expired records"
    sentence = "Deletes expired tokens, codes, invitations and counts."
    schedule = "30 7 * * * *"

    directory: DirectoryStore
    work: WorkStore
    clock: Clock

    async def run(self) -> TaskReport:
        now_ms = self.clock.now_ms()
        removed = await self.directory.remove_expired(now_ms - EXPIRED_KEPT_FOR // MS)
        removed += await self.work.remove_expired(now_ms)
        return TaskReport(removed, removed)
