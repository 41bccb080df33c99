"""Task `audit-archives`, every night at 03:40 UTC: reads every archive and reports releases whose
record does not match it."""

from shared.domain.packages import Head
from shared.domain.tasks import TaskReport
from shared.ports.metadata import MetadataStore
from shared.services.maintenance.tasks import Checkpoints, Task
from shared.services.packages.archive_audit import ArchiveAudit

SCHEDULE = "0 40 3 * * *"


class AuditArchives(Task, frozen=True):
    id = "audit-archives"
    title = "Audit archives"
    sentence = "Reads every archive and reports releases whose record does not match."
    schedule = SCHEDULE

    metadata: MetadataStore
    archive_audit: ArchiveAudit
    checkpoints: Checkpoints

    async def run(self) -> TaskReport:
        """Audit as many releases as fit in one run; each problem is a sentence."""
        seen = 0
        problems = list[str]()

        async def visit(head: Head) -> None:
            nonlocal seen
            for release in await self.metadata.releases(head.package):
                seen += 1
                problems.extend(await self.archive_audit.problems_of(release))

        finished = await self.checkpoints.visit_packages(self, visit)
        return TaskReport(seen, 0, tuple(problems), unfinished=not finished)
