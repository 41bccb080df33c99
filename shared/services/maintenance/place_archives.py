"""Task `place-archives`, every 5 minutes: moves archives to the container for who may read the
registry, after `BALLROOM_READERS` was changed."""

from datetime import timedelta

from shared.domain.packages import Head
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.domain.visibility import Readers
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.services.maintenance.tasks import Checkpoints, Task
from shared.services.packages.archive_relocation import ArchiveRelocation
from shared.services.record_batches import RECORDS_AT_ONCE, package_batches

SCHEDULE = "20 */5 * * * *"

_PLACED_FOR_KEPT = timedelta(days=400)
_PLACED_FOR = "placed-for"
_TILES = ("/log/tile/", "/logs/")  # Caches keep tiles of the log for a year.


class PlaceArchives(Task, frozen=True):
    id = "place-archives"
    title = "Place archives"
    sentence = (
        "Moves archives to the container for who may read the registry, and purges copies at the "
        "edge, after BALLROOM_READERS was changed."
    )
    schedule = SCHEDULE

    relocation: ArchiveRelocation
    metadata: MetadataStore
    work: WorkStore
    checkpoints: Checkpoints
    clock: Clock
    readers: Readers

    async def run(self) -> TaskReport:
        """Move the archives of all packages that were placed for other readers."""
        if await self._placed_for() is self.readers:
            return TaskReport(0, 0)
        seen = moved = 0

        async def visit(head: Head) -> None:
            nonlocal seen, moved
            seen += 1
            if head.placed_for is not self.readers:
                await self.relocation.place(head, self.clock.now_ms())
                moved += 1

        finished = await self.checkpoints.visit_packages(self, visit)
        if finished:
            if (edge := self.relocation.edge) is not None:
                await edge.forget(_TILES)
            ends_ms = self.clock.now_ms() + _PLACED_FOR_KEPT // MS
            await self.work.put(_PLACED_FOR, _PLACED_FOR, self.readers.value, ends_ms)
        return TaskReport(seen, moved, unfinished=not finished)

    async def packages_left(self) -> int:
        """Return how many packages wait for this task; reads all of them after a change."""
        if await self._placed_for() is self.readers:
            return 0
        batches = package_batches(self.metadata, RECORDS_AT_ONCE)
        return sum(
            [each.placed_for is not self.readers async for batch in batches for each in batch]
        )

    async def _placed_for(self) -> Readers:
        """Return the readers that the last completed visit of all packages was for."""
        found = await self.work.peek(_PLACED_FOR, _PLACED_FOR, self.clock.now_ms())
        return Readers(found) if found else Readers.EVERYBODY
