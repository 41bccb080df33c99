"""The search index is updated and rebuilt, and the reports say how much was done."""

from collections.abc import Mapping, Sequence

from shared.domain.task_runs import TaskReport
from shared.services.maintenance.package_tasks import RebuildSearchIndex, UpdateSearchIndex


class Feed:
    """A feed that missed three changes of seven packages."""

    async def merge(self, items: Sequence[Mapping[str, object]]) -> int:
        return len(items)

    async def catch_up(self) -> int:
        return 3

    async def rebuild(self) -> int:
        return 7


async def test_a_report_says_how_much_was_missed_and_how_much_there_is() -> None:
    assert await UpdateSearchIndex(Feed()).run() == TaskReport(3, 3)
    assert await RebuildSearchIndex(Feed()).run() == TaskReport(7, 7)
