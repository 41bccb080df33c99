"""Task `rebuild-search-index`, on request: creates the search index again from the listings of all
packages."""

from shared.domain.tasks import TaskReport
from shared.ports.search import SearchFeed
from shared.services.maintenance.tasks import LONGEST_CALL, Task


class RebuildSearchIndex(Task, frozen=True):
    id = "rebuild-search-index"
    title = "Rebuild the search index"
    sentence = "Creates the search index again from the listings of all packages."
    schedule = None
    longest_run = LONGEST_CALL
    runs_in_read_only_mode = True

    feed: SearchFeed

    async def run(self) -> TaskReport:
        packages = await self.feed.rebuild()
        return TaskReport(packages, packages)
