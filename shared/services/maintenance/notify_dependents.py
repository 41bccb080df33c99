"""Task `notify-dependents`, every 5 minutes: tells the owners of packages when a release that a
package was built with is withdrawn, and when a new release has lost its provenance. Sends the mail
about new releases that their pushes did not send, and queued mail."""

from collections.abc import Awaitable, Callable

from shared.domain.errors.base import Refusal
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.system import Clock
from shared.services.maintenance.tasks import RUN_TIME, Task
from shared.services.packages.dependency_notices import DependencyNotices
from shared.services.provenance.provenance_notices import ProvenanceNotices

SCHEDULE = "55 */5 * * * *"

SendMail = Callable[[int], Awaitable[TaskReport]]


class NotifyDependents(Task, frozen=True):
    id = "notify-dependents"
    title = "Notify owners of withdrawals and lost provenance"
    sentence = (
        "Tells the owners of packages, by mail and webhooks, when a release that a package was "
        "built with is withdrawn, and by mail when a new release has lost the provenance that the "
        "one before it had. Sends mail about new releases that was not sent at their push, and "
        "mail about decisions that could not be sent."
    )
    schedule = SCHEDULE

    notices: DependencyNotices
    provenance_notices: ProvenanceNotices
    send_new_release_mail: SendMail
    send_queued_mail: SendMail
    clock: Clock

    async def run(self) -> TaskReport:
        until_ms = self.clock.now_ms() + RUN_TIME // MS
        # First what helps to notice a stolen credential. None of them stops the others.
        parts = (
            self.send_new_release_mail,
            self.send_queued_mail,
            self.notices.run,
            self.provenance_notices.run,
        )
        reports = list[TaskReport]()
        failures = list[Exception]()
        for done, run in enumerate(parts):
            now_ms = self.clock.now_ms()
            # A mail server that does not answer takes seconds for each mail, so each part has a
            # share of the time that is left.
            share_ms = (until_ms - now_ms) // (len(parts) - done)
            try:
                reports.append(await run(now_ms + share_ms))
            except Exception as failure:  # It is raised after the other parts.
                failures.append(failure)
        unexpected = [each for each in failures if not isinstance(each, Refusal)]
        if unexpected:
            raise unexpected[0]
        return TaskReport(
            sum(each.seen for each in reports),
            sum(each.changed for each in reports),
            tuple(str(each) for each in failures),
            unfinished=any(each.unfinished for each in reports),
        )
