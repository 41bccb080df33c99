"""How many requests a page of a log takes in an old registry."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.cloud import CloudStores, open_cloud
from shared.adapters.cosmos.events import PARTITIONS_AT_ONCE
from shared.adapters.system import SystemRandomness
from shared.domain.times import MS
from tests.contract.sample_records import event
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudDouble, double_of

WEEK_MS = timedelta(days=7) // MS
WEEKS = 60


@dataclass
class OldRegistry:
    """A registry whose weeks have events of two organizations."""

    stores: CloudStores
    place: Path
    clock: FakeClock
    number: int = 0
    numbers: dict[str, list[int]] = field(default_factory=dict[str, list[int]])

    async def append(self, org: str, count: int = 1) -> None:
        """Append events of an organization."""
        ids = [f"e{self.number + each}" for each in range(count)]
        await self.stores.events.append([event(each, self.clock.at_ms, org) for each in ids])
        self.numbers.setdefault(org, []).extend(range(self.number + 1, self.number + 1 + count))
        self.number += count

    async def check_pages(self, org: str, count: int) -> int:
        """Read the log page by page; return how many queries the first page took."""
        expected = self.numbers[org][::-1]
        requests = double_of(self.place, self.clock).requests
        requests.clear()
        page = await self.stores.events.stream(f"org:{org}", None, count)
        queries = sum(each.says("x-ms-documentdb-isquery") for each in requests)
        seen = [number for number, _ in page]
        while page:
            page = await self.stores.events.stream(f"org:{org}", seen[-1], count)
            seen += [number for number, _ in page]
        assert seen == expected
        return queries


@pytest.fixture
async def old(tmp_path: Path) -> AsyncGenerator[OldRegistry]:
    clock = FakeClock()
    stores = open_cloud(CloudDouble(tmp_path, clock), clock, SystemRandomness())
    registry = OldRegistry(stores, tmp_path, clock)
    for week in range(WEEKS):
        if week in (0, 1, 20):
            await registry.append("quiet", 2)
        if week == 10:
            await registry.append("bursting", 12)
        await registry.append("busy", 1)
        clock.at_ms += WEEK_MS
    yield registry
    await stores.close()


async def test_a_page_of_a_log_with_few_events_takes_few_queries(old: OldRegistry) -> None:
    assert await old.check_pages("quiet", 50) <= 1 + PARTITIONS_AT_ONCE + 1
    # One page of it is full, and another one is not.
    assert await old.check_pages("quiet", 4) > 0


@pytest.mark.parametrize("count", [1, 5, 7, 200])
async def test_every_event_of_a_log_is_on_one_page_and_newest_first(
    old: OldRegistry, count: int
) -> None:
    for org in ("quiet", "bursting", "busy"):
        await old.check_pages(org, count)
