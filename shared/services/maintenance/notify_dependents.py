"""Task `notify-dependents`, every 5 minutes: tells the owners of packages when a release that a
package was built with is withdrawn, and when a new release has lost its provenance. Sends the mail
about new releases that their pushes did not send."""

from collections.abc import Awaitable, Callable

from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.system import Clock
from shared.services.maintenance.tasks import RUN_TIME, Task
from shared.services.packages.dependency_notices import DependencyNotices
from shared.services.provenance.provenance_notices import ProvenanceNotices

SCHEDULE = "55 */5 * * * *"

SendNewReleaseMail = Callable[[int], Awaitable[TaskReport]]


class NotifyDependents(Task, frozen=True):
    id = "notify-dependents"
    title = "Notify owners of withdrawals and lost provenance"
    sentence = (
        "Tells the owners of packages, by mail and webhooks, when a release that a package was "
        "built with is withdrawn, and by mail when a new release has lost the provenance that the "
        "one before it had. Sends mail about new releases that was not sent at their push."
    )
    schedule = SCHEDULE

    notices: DependencyNotices
    provenance_notices: ProvenanceNotices
    send_new_release_mail: SendNewReleaseMail
    clock: Clock

    async def run(self) -> TaskReport:
        until_ms = self.clock.now_ms() + RUN_TIME // MS
        withdrawals = await self.notices.run(until_ms)
        losses = await self.provenance_notices.run(until_ms)
        new = await self.send_new_release_mail(until_ms)
        runs = (withdrawals, losses, new)
        return TaskReport(sum(each.seen for each in runs), sum(each.changed for each in runs))
