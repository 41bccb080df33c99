"""Compares the copies of all packages with their records, and writes what differs: what the change
feed missed. Behind Front Door alone.
"""

from dataclasses import dataclass

from shared.domain.packages import Head
from shared.domain.task_runs import TaskReport
from shared.services.maintenance.checkpoints import Checkpoints
from shared.services.maintenance.task import Task
from shared.services.packages.public_copies import PublicCopies


@dataclass(frozen=True)
class UpdatePublicCopies(Task):
    id = "update-public-copies"
    title = "Update public copies"
    sentence = (
        "Compares the copies that Front Door reads while the registry does not answer with the "
        "records of all packages."
    )
    schedule = "0 50 4 * * *"
    runs_in_read_only_mode = True

    copies: PublicCopies
    checkpoints: Checkpoints

    async def run(self) -> TaskReport:
        """Copy as many packages as fit in one run."""
        await self.copies.put_fixed()
        seen = 0

        async def visit(head: Head) -> None:
            nonlocal seen
            seen += 1
            await self.copies.refresh(head.package)

        finished = await self.checkpoints.visit_packages(self, visit)
        return TaskReport(seen, seen, unfinished=not finished)
