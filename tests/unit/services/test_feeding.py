"""Feeding says what it did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.services.feeding import Feeding
from shared.services.reporting import Report


@dataclass
class CountingFeed:
    """A feed that counts what it is given."""

    merged: list[Mapping[str, object]] = field(default_factory=list[Mapping[str, object]])

    async def merge(self, items: Sequence[Mapping[str, object]]) -> int:
        """Keep the items."""
        self.merged += items
        return len(items)

    async def catch_up(self) -> int:
        """Say that three were left."""
        return 3

    async def rebuild(self) -> int:
        """Say that there are seven."""
        return 7


async def test_items_are_brought_as_they_come() -> None:
    feed = CountingFeed()
    assert await Feeding(feed).merge([{"id": "listing"}]) == 1
    assert feed.merged == [{"id": "listing"}]


async def test_a_report_says_how_much_was_left_and_how_much_there_is() -> None:
    feeding = Feeding(CountingFeed())
    assert await feeding.catch_up() == Report("search", 3, 3)
    assert await feeding.rebuild() == Report("search-rebuild", 7, 7)
