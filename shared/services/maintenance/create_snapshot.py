"""Creates a snapshot, verifies it, and deletes old ones."""

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.snapshots import SnapshotUnusable, snapshot_name
from shared.domain.task_runs import TaskReport
from shared.domain.times import MS
from shared.ports import Clock
from shared.services.maintenance.snapshots import SnapshotCreation, StoredSnapshots
from shared.services.maintenance.task import LONGEST_CALL, Task

UNFINISHED_KEPT = timedelta(days=1)  # Longer than any snapshot takes.


@dataclass(frozen=True)
class CreateSnapshot(Task):
    id = "create-snapshot"
    title = "Create a snapshot"
    sentence = (
        "Writes all records to a snapshot, verifies it, counts records, and deletes old snapshots."
    )
    # Before orphaned archives are deleted: those that a snapshot names exist for a day.
    schedule = "0 5 2 * * *"
    longest_run = LONGEST_CALL
    runs_in_read_only_mode = True

    snapshots: StoredSnapshots
    snapshot_creation: SnapshotCreation
    clock: Clock
    snapshot_days: int

    async def run(self) -> TaskReport:
        """Create a snapshot, verify it, and delete old ones; if it is damaged, delete none."""
        manifest = await self.snapshot_creation.create()
        try:
            await self.snapshots.verify(manifest.name)
        except SnapshotUnusable as unusable:
            return TaskReport(manifest.lines, 0, (str(unusable),))
        return TaskReport(manifest.lines, 1 + await self._delete_old())

    async def _delete_old(self) -> int:
        """Delete old and incomplete snapshots, never the newest complete one; return how many."""
        now_ms = self.clock.now_ms()
        complete = [manifest.name for manifest in await self.snapshots.manifests()]
        old = snapshot_name(now_ms - timedelta(days=self.snapshot_days) // MS)
        abandoned = snapshot_name(now_ms - UNFINISHED_KEPT // MS)
        names = {each.partition("/")[0] for each in await self.snapshots.store.list()}
        deleted = {name for name in complete[1:] if name < old}
        deleted |= {name for name in names.difference(complete) if name < abandoned}
        await self.snapshots.remove(deleted)
        return len(deleted)
