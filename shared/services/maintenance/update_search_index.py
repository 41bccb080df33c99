"""Builds the search index anew from the one before when that is old; in the cloud alone."""

from dataclasses import dataclass

from shared.domain.task_runs import TaskReport
from shared.ports import SearchFeed
from shared.services.maintenance.task import LONGEST_CALL, Task


@dataclass(frozen=True)
class UpdateSearchIndex(Task):
    id = "update-search-index"
    title = "Update the search index"
    sentence = (
        "Builds a new search index if the current one is an hour old, or many packages changed."
    )
    schedule = "45 */5 * * * *"
    longest_run = LONGEST_CALL
    runs_in_read_only_mode = True

    feed: SearchFeed

    async def run(self) -> TaskReport:
        changed = await self.feed.catch_up()
        return TaskReport(changed, changed)
