"""Task `follow-releases`, every night at 05:20 UTC: reads which releases of Ballroom there are."""

from shared.domain.tasks import TaskReport
from shared.services.maintenance.tasks import Task
from shared.services.product_releases import ProductReleases

SCHEDULE = "0 20 5 * * *"


class FollowReleases(Task, frozen=True):
    id = "follow-releases"
    title = "Follow releases of Ballroom"
    sentence = (
        "Reads the feed of releases of Ballroom that BALLROOM_RELEASES_FEED names; what is newer "
        "is shown to administrators."
    )
    schedule = SCHEDULE
    runs_first = True  # Nobody asked before the setting was set.

    product_releases: ProductReleases

    async def run(self) -> TaskReport:
        return await self.product_releases.read_feed()
