"""The event feed in the cloud: a partition a week, after the months of the version before, which
writes beside this one during an update.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import pytest

from shared.adapters.cloud import CloudStores, open_cloud
from shared.adapters.cosmos.client import CosmosDatabase
from shared.adapters.system import SystemRandomness
from shared.domain.errors.requests import Busy
from shared.domain.records import Event
from tests.contract.sample_records import event
from tests.fakes.cosmos.protocol import CosmosDouble
from tests.fakes.cosmos.transport import DoubleTransport
from tests.fakes.system import FakeClock
from tests.sampling import FULL
from tests.support.cloud_stores import CloudDouble, double_of
from tests.support.event_feed import check_stored_feed, checked_feed
from tests.support.monthly_events import MonthlyEvents

SEEDS = range(40 if FULL else 8)
WEEK = timedelta(days=7)


class Publisher(Protocol):
    """Appends events to the feed, in the way of a version."""

    async def append(self, events: Sequence[Event]) -> None: ...


class Died(BaseException):
    """The process is dead, and so is every request that it would still send."""


@dataclass
class InterleavedTransport(DoubleTransport):
    """Lets other processes send requests before each of its own; dies before some request."""

    chance: random.Random = field(kw_only=True)
    lives: int = 1_000_000

    async def send(self, request: Any, **options: Any) -> Any:
        for _ in range(self.chance.randrange(30)):
            await asyncio.sleep(0)
        self.lives -= 1
        if self.lives < 0:
            raise Died
        return await super().send(request, **options)


@dataclass
class Registry:
    """The stores of a registry, and the processes that write to them."""

    place: Path
    clock: FakeClock
    chance: random.Random
    opened: list[CosmosDatabase | CloudStores] = field(
        default_factory=list[CosmosDatabase | CloudStores]
    )
    appended: list[str] = field(default_factory=list[str])
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def monthly(self) -> MonthlyEvents:
        """Start a process of the version before."""
        cosmos = CosmosDatabase(self._double(1_000_000).cosmos, SystemRandomness())
        self.opened.append(cosmos)
        return MonthlyEvents(cosmos, self.clock)

    def weekly(self, lives: int = 1_000_000) -> CloudStores:
        """Start a process of today's version, which dies after so many requests."""
        self.opened.append(open_cloud(self._double(lives), self.clock, SystemRandomness()))
        stores = self.opened[-1]
        assert isinstance(stores, CloudStores)
        return stores

    def at(self, text: str) -> None:
        """Set the clock."""
        at = datetime.fromisoformat(text).replace(tzinfo=UTC)
        self.clock.at_ms = int(at.timestamp() * 1000)

    async def append(self, publisher: Publisher, *ids: str) -> None:
        """Append events, and repeat that until it is answered."""
        ids = ids or (f"e{next(self.numbers)}",)
        events = [event(each, self.clock.at_ms, "acme") for each in ids]
        self.appended += ids
        for _ in range(100):
            with suppress(Busy):
                await publisher.append(events)
                return
        pytest.fail("The events were never appended.")

    async def check(self) -> None:
        """Every event is in the feed and in its log, once, and numbers have no gaps."""
        check_stored_feed(double_of(self.place, self.clock))
        events = self.weekly().events
        assert {each.id for each in await checked_feed(events)} == set(self.appended)
        numbers = [number for number, _ in await events.stream("org:acme", None, 10_000)]
        assert numbers == sorted(numbers, reverse=True)

    @property
    def labels(self) -> list[str]:
        """The labels of the partitions of the feed."""
        [stored] = [
            each
            for each in double_of(self.place, self.clock).containers.values()
            if each.name == "events"
        ]
        return sorted(stored.partitions['["feed"]'].items["months"]["firsts"])

    def _double(self, lives: int) -> CloudDouble:
        def transport(double: CosmosDouble) -> InterleavedTransport:
            return InterleavedTransport(double, chance=self.chance, lives=lives)

        return CloudDouble(self.place, self.clock, transport=transport)


@asynccontextmanager
async def registry_at(place: Path, text: str, seed: int = 1) -> AsyncGenerator[Registry]:
    """Open the stores of a place at a time."""
    registry = Registry(place, FakeClock(), random.Random(seed))  # noqa: S311 - the same each time.
    registry.at(text)
    yield registry
    for each in registry.opened:
        with suppress(Died):
            await each.close()


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncGenerator[Registry]:
    async with registry_at(tmp_path, "2026-09-21T10:00:00") as opened:
        yield opened


async def test_a_week_of_the_feed_is_a_partition(registry: Registry) -> None:
    stores = registry.weekly()
    for _ in range(4):
        await registry.append(stores.events)
        registry.clock.advance(WEEK)
    assert registry.labels == ["2026-09-21", "2026-09-28", "2026-10-05", "2026-10-12"]
    await registry.check()


async def test_a_month_begins_a_partition(registry: Registry) -> None:
    stores = registry.weekly()
    for day in ("2026-09-28", "2026-09-30", "2026-10-01", "2026-10-04", "2026-10-05"):
        registry.at(f"{day}T12:00:00")
        await registry.append(stores.events)
    assert registry.labels == ["2026-09-28", "2026-10-01", "2026-10-05"]
    await registry.check()


async def test_no_partition_begins_in_the_last_hour_of_a_month(registry: Registry) -> None:
    stores = registry.weekly()
    registry.at("2026-11-29T12:00:00")
    await registry.append(stores.events)
    registry.at("2026-11-30T23:30:00")  # A Monday.
    await registry.append(stores.events)
    assert registry.labels == ["2026-11-23"]
    registry.at("2026-12-01T00:00:01")
    await registry.append(stores.events)
    assert registry.labels == ["2026-11-23", "2026-12-01"]
    await registry.check()


async def test_weeks_follow_the_months_of_the_version_before(registry: Registry) -> None:
    monthly, weekly = registry.monthly(), registry.weekly()
    for day in ("2026-07-05", "2026-08-30", "2026-09-20"):
        registry.at(f"{day}T12:00:00")
        await registry.append(monthly)
    for day in ("2026-09-22", "2026-09-29", "2026-10-02"):
        registry.at(f"{day}T12:00:00")
        await registry.append(weekly.events)
    months = ["2026-07", "2026-08", "2026-09"]
    assert registry.labels == [*months, "2026-09-21", "2026-09-28", "2026-10-01"]
    await registry.check()


async def test_the_version_before_goes_on_after_a_rollback(registry: Registry) -> None:
    monthly, weekly = registry.monthly(), registry.weekly()
    for day in ("2026-09-21", "2026-09-22", "2026-09-30", "2026-10-01", "2026-10-30"):
        registry.at(f"{day}T12:00:00")
        await registry.append(weekly.events if day == "2026-09-22" else monthly)
    assert registry.labels == ["2026-09", "2026-09-21", "2026-10"]
    await registry.check()


async def test_an_old_outbox_is_not_published_twice(registry: Registry) -> None:
    monthly, weekly = registry.monthly(), registry.weekly()
    registry.at("2026-09-22T10:00:00")
    at_ms = registry.clock.at_ms
    await registry.append(monthly, "old")
    registry.at("2026-09-22T12:00:00")
    for _ in range(9):
        await registry.append(weekly.events)
        registry.clock.advance(WEEK)
    await weekly.events.append([event("old", at_ms, "acme")])
    await registry.check()


# When both begin a partition: on the day of the update, at the start of a month that is a Monday,
# and of one that is not; in a new registry, and in one with months.
MOMENTS = ("2026-09-22T12:00:00", "2027-01-31T23:59:59", "2026-09-30T23:59:59")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("is_new", [True, False], ids=["new", "with months"])
async def test_two_versions_at_once_leave_no_gaps_and_no_doubles(
    tmp_path: Path, moment: str, seed: int, *, is_new: bool
) -> None:
    async with registry_at(tmp_path, moment, seed) as registry:
        if not is_new:
            registry.clock.advance(-WEEK)
            await registry.append(registry.monthly())
            registry.clock.advance(WEEK)
        dying = registry.weekly(registry.chance.randrange(20))
        processes: list[Publisher] = [
            registry.monthly(), registry.weekly().events, registry.monthly(),
            registry.weekly().events,
        ]  # fmt: skip

        async def write(publisher: Publisher) -> None:
            for _ in range(4):
                await registry.append(publisher)
                registry.clock.advance(timedelta(milliseconds=200))

        async def die() -> None:
            with suppress(Died):
                await dying.events.append([event("dying", registry.clock.at_ms, "acme")])

        await asyncio.gather(die(), *map(write, processes))
        registry.appended.append("dying")
        await processes[1].append([event("dying", registry.clock.at_ms, "acme")])
        await registry.check()
