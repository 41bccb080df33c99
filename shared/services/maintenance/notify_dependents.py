"""Task `notify-dependents`, every 5 minutes: tells the owners of packages when a release that a
package was built with is withdrawn."""

from dataclasses import dataclass

from shared.domain.status import TaskReport
from shared.domain.times import MS
from shared.ports.system import Clock
from shared.services.maintenance.tasks import RUN_TIME, Task
from shared.services.packages.dependency_notices import DependencyNotices

SCHEDULE = "55 */5 * * * *"


@dataclass(frozen=True)
class NotifyDependents(Task):
    id = "notify-dependents"
    title = "Notify dependents of withdrawals"
    sentence = (
        "Tells the owners of packages, by mail and webhooks, when a release that a package was "
        "built with is withdrawn."
    )
    schedule = SCHEDULE

    notices: DependencyNotices
    clock: Clock

    async def run(self) -> TaskReport:
        return await self.notices.run(self.clock.now_ms() + RUN_TIME // MS)
