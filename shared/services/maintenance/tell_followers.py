"""Task `tell-followers`, every 5 minutes: collects what happened to what people follow, and sends
mail at once."""

from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.system import Clock
from shared.services.following.follower_mail import FollowerMail
from shared.services.maintenance.tasks import RUN_TIME, Task

SCHEDULE = "40 */5 * * * *"


class TellFollowers(Task, frozen=True):
    id = "tell-followers"
    title = "Tell followers of packages and organizations"
    sentence = (
        "Collects new releases, withdrawals and advisories for those who follow a package or an "
        "organization, and sends mail to those who want it at once."
    )
    schedule = SCHEDULE

    follower_mail: FollowerMail
    clock: Clock

    async def run(self) -> TaskReport:
        return await self.follower_mail.run(self.clock.now_ms() + RUN_TIME // MS)
