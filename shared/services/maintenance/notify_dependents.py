"""Task `notify-dependents`, every 5 minutes: tells the owners of packages when a release that a
package was built with is withdrawn, and when a new release has lost its provenance."""

from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.system import Clock
from shared.services.maintenance.tasks import RUN_TIME, Task
from shared.services.packages.dependency_notices import DependencyNotices
from shared.services.provenance.provenance_notices import ProvenanceNotices

SCHEDULE = "55 */5 * * * *"


class NotifyDependents(Task, frozen=True):
    id = "notify-dependents"
    title = "Notify owners of withdrawals and lost provenance"
    sentence = (
        "Tells the owners of packages, by mail and webhooks, when a release that a package was "
        "built with is withdrawn, and by mail when a new release has lost the provenance that the "
        "one before it had."
    )
    schedule = SCHEDULE

    notices: DependencyNotices
    provenance_notices: ProvenanceNotices
    clock: Clock

    async def run(self) -> TaskReport:
        until_ms = self.clock.now_ms() + RUN_TIME // MS
        withdrawals = await self.notices.run(until_ms)
        losses = await self.provenance_notices.run(until_ms)
        return TaskReport(withdrawals.seen + losses.seen, withdrawals.changed + losses.changed)
