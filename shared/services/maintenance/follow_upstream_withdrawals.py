"""Task `follow-upstream-withdrawals`, every 5 minutes: reads which releases upstream registries
withdrew, and quarantines those with a reason that is followed."""

from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.system import Clock
from shared.services.maintenance.tasks import RUN_TIME, Task
from shared.services.mirroring.withdrawals import UpstreamFeeds

SCHEDULE = "50 */5 * * * *"


class FollowUpstreamWithdrawals(Task, frozen=True):
    id = "follow-upstream-withdrawals"
    title = "Follow withdrawals of the upstream"
    sentence = (
        "Reads which releases upstream registries withdrew, quarantines those with a reason that "
        "is followed, and sends mail to administrators."
    )
    schedule = SCHEDULE

    feeds: UpstreamFeeds
    clock: Clock

    async def run(self) -> TaskReport:
        return await self.feeds.run(self.clock.now_ms() + RUN_TIME // MS)
