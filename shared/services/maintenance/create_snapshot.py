"""Task `create-snapshot`, every night at 02:05 UTC: writes all records to a snapshot, verifies it,
and deletes old snapshots."""

from shared.domain.snapshot_retention import abandoned_snapshots, expired_snapshots
from shared.domain.snapshots import SnapshotUnusable
from shared.domain.tasks import TaskReport
from shared.ports.revocations import RevocationStore
from shared.ports.system import Clock
from shared.services.maintenance.tasks import LONGEST_CALL, Task
from shared.services.snapshots.database_age import DatabaseAge
from shared.services.snapshots.snapshots import SnapshotCreation, StoredSnapshots

# Before orphaned archives are deleted: those that a snapshot names exist for a day.
SCHEDULE = "0 5 2 * * *"


class CreateSnapshot(Task, frozen=True):
    id = "create-snapshot"
    title = "Create a snapshot"
    sentence = (
        "Writes all records to a snapshot, verifies it, counts records, and deletes old snapshots."
    )
    schedule = SCHEDULE
    longest_run = LONGEST_CALL
    runs_in_read_only_mode = True

    snapshots: StoredSnapshots
    snapshot_creation: SnapshotCreation
    revocations: RevocationStore
    database_age: DatabaseAge
    clock: Clock
    snapshot_days: int

    async def run(self) -> TaskReport:
        """Create a snapshot, verify it, and delete old ones; if it is damaged, or the database is
        younger than those, delete none."""
        manifest = await self.snapshot_creation.create()
        try:
            await self.snapshots.verify(manifest.name)
        except SnapshotUnusable as unusable:
            return TaskReport(manifest.lines, 0, (str(unusable),))
        # The list of revocations is stored with the snapshots and expires with them.
        await self.revocations.compact()
        deleted, problems = await self._delete_old()
        return TaskReport(manifest.lines, 1 + deleted, problems)

    async def _delete_old(self) -> tuple[int, tuple[str, ...]]:
        """Delete old and incomplete snapshots, never the newest complete one; return how many, and
        why old ones stay."""
        now_ms = self.clock.now_ms()
        complete = await self.snapshots.manifests()
        names = {each.partition("/")[0] for each in await self.snapshots.store.list()}
        deleted = abandoned_snapshots(names, complete, now_ms=now_ms)
        problems = tuple[str, ...]()
        old = expired_snapshots(complete, kept_days=self.snapshot_days, now_ms=now_ms)
        if old and await self.database_age.is_younger_than(old[-1].begun_ms):
            problem = (
                f"{len(old):,} snapshots are older than {self.snapshot_days} days, and the oldest "
                "record of the database is younger than they are, so none was deleted. If the "
                f"database was lost, restore one: ballroom snapshot restore {old[0].name}. If they "
                "may go, delete them where they are stored."
            )
            problems = (problem,)
        else:
            deleted |= {manifest.name for manifest in old}
        await self.snapshots.remove(deleted)
        return len(deleted), problems
