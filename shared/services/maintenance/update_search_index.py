"""Task `update-search-index`, every 5 minutes: builds a new search index if the current one is old,
or many packages changed."""

from shared.domain.tasks import TaskReport
from shared.ports.search import SearchFeed
from shared.services.maintenance.tasks import LONGEST_CALL, Task

SCHEDULE = "45 */5 * * * *"


class UpdateSearchIndex(Task, frozen=True):
    id = "update-search-index"
    title = "Update the search index"
    sentence = (
        "Builds a new search index if the current one is an hour old, or many packages changed."
    )
    schedule = SCHEDULE
    longest_run = LONGEST_CALL
    runs_in_read_only_mode = True

    feed: SearchFeed

    async def run(self) -> TaskReport:
        changed = await self.feed.catch_up()
        return TaskReport(changed, changed)
