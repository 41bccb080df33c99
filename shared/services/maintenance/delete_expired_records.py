"""Task `delete-expired-records`, every hour at minute 7: deletes expired tokens, codes,
invitations, counts and decisions that waited for a second administrator, and old records of pulls.
"""

from collections.abc import Awaitable, Callable

from shared.domain.pull_records import KEPT_FOR
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.domain.tokens import EXPIRED_KEPT_FOR
from shared.ports.directory import DirectoryStore
from shared.ports.pull_records import PullRecordStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.services.maintenance.tasks import Task

SCHEDULE = "30 7 * * * *"

PULLS_AT_ONCE = 5_000  # Deleting them takes some 20 ms on one machine; pushes go between two.


class DeleteExpiredRecords(Task, frozen=True):
    id = "delete-expired-records"
    title = "Delete expired records"
    sentence = (
        "Deletes expired tokens, codes, invitations and counts, and who pulled a release more than "
        "90 days ago."
    )
    schedule = SCHEDULE

    directory: DirectoryStore
    work: WorkStore
    pull_records: PullRecordStore
    expire_decisions: Callable[[], Awaitable[int]]
    clock: Clock

    async def run(self) -> TaskReport:
        now_ms = self.clock.now_ms()
        removed = await self.expire_decisions()
        removed += await self.directory.remove_expired(now_ms - EXPIRED_KEPT_FOR // MS)
        removed += await self.work.remove_expired(now_ms)
        pulled_before_ms = now_ms - KEPT_FOR // MS
        while pulls := await self.pull_records.remove_before(pulled_before_ms, PULLS_AT_ONCE):
            removed += pulls
        return TaskReport(removed, removed)
