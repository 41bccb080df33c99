"""Task `send-digests`, every hour at minute 20: sends the weekly digests that are due, which are
those of Monday at 06:00 UTC."""

from shared.domain.following import Pace
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.system import Clock
from shared.services.following.follower_mail import FollowerMail
from shared.services.maintenance.tasks import RUN_TIME, Task

SCHEDULE = "30 20 * * * *"  # Each hour, so that the next one sends what one run did not.


class SendDigests(Task, frozen=True):
    id = "send-digests"
    title = "Send weekly digests"
    sentence = (
        "Sends a mail about the last week, on Monday from 06:20 UTC on, to those who follow a "
        "package or an organization weekly."
    )
    schedule = SCHEDULE

    follower_mail: FollowerMail
    clock: Clock

    async def run(self) -> TaskReport:
        return await self.follower_mail.send(Pace.WEEKLY, self.clock.now_ms() + RUN_TIME // MS)
