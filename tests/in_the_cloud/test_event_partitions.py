"""The event feed in the cloud: a partition a week, which several processes write at once."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.cloud import CloudStores, open_cloud
from shared.adapters.system import SystemRandomness
from shared.domain.errors.requests import Busy
from tests.contract.sample_records import event
from tests.fakes.cosmos.protocol import CosmosDouble
from tests.fakes.cosmos.transport import DoubleTransport
from tests.fakes.system import FakeClock
from tests.outages.fault_injection import Died
from tests.sampling import FULL
from tests.support.cloud_stores import CloudDouble, double_of
from tests.support.event_feed import check_stored_feed, checked_feed

pytestmark = pytest.mark.slow

SEEDS = range(40 if FULL else 8)
WEEK = timedelta(days=7)


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

    folder: Path
    clock: FakeClock
    chance: random.Random
    opened: list[CloudStores] = field(default_factory=list[CloudStores])
    appended: list[str] = field(default_factory=list[str])
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def process(self, lives: int = 1_000_000) -> CloudStores:
        """Start a process, which dies after so many requests."""
        self.opened.append(open_cloud(self._double(lives), self.clock, SystemRandomness()))
        return self.opened[-1]

    def at(self, text: str) -> None:
        """Set the clock."""
        at = datetime.fromisoformat(text).replace(tzinfo=UTC)
        self.clock.at_ms = int(at.timestamp() * 1000)

    async def append(self, process: CloudStores, *ids: str) -> None:
        """Append events, and repeat that until it is answered."""
        ids = ids or (f"e{next(self.numbers)}",)
        events = [event(each, self.clock.at_ms, "acme") for each in ids]
        self.appended += ids
        for _ in range(100):
            with suppress(Busy):
                await process.events.append(events)
                return
        pytest.fail("The events were never appended.")

    async def check(self) -> None:
        """Every event is in the feed and in its log, once, and numbers have no gaps."""
        check_stored_feed(double_of(self.folder, self.clock))
        events = self.process().events
        assert {each.id for each in await checked_feed(events)} == set(self.appended)
        numbers = [number for number, _ in await events.stream("org:acme", None, 10_000)]
        assert numbers == sorted(numbers, reverse=True)

    @property
    def labels(self) -> list[str]:
        """The labels of the partitions of the feed."""
        [stored] = [
            each
            for each in double_of(self.folder, self.clock).containers.values()
            if each.name == "events"
        ]
        return sorted(stored.partitions['["feed"]'].items["months"]["firsts"])

    def _double(self, lives: int) -> CloudDouble:
        def transport(double: CosmosDouble) -> InterleavedTransport:
            return InterleavedTransport(double, chance=self.chance, lives=lives)

        return CloudDouble(self.folder, self.clock, transport=transport)


@asynccontextmanager
async def registry_at(folder: Path, text: str, seed: int = 1) -> AsyncGenerator[Registry]:
    """Open the stores of a place at a time."""
    registry = Registry(folder, FakeClock(), random.Random(seed))  # noqa: S311 - the same each time.
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
    stores = registry.process()
    for _ in range(4):
        await registry.append(stores)
        registry.clock.advance(WEEK)
    assert registry.labels == ["2026-09-21", "2026-09-28", "2026-10-05", "2026-10-12"]
    await registry.check()


async def test_a_month_begins_a_partition(registry: Registry) -> None:
    stores = registry.process()
    for day in ("2026-09-28", "2026-09-30", "2026-10-01", "2026-10-04", "2026-10-05"):
        registry.at(f"{day}T12:00:00")
        await registry.append(stores)
    assert registry.labels == ["2026-09-28", "2026-10-01", "2026-10-05"]
    await registry.check()


# When several begin a partition: in the middle of a week, and at the starts of months that are a
# Monday and that are not; in a new registry, and in one with a partition.
MOMENTS = ("2026-09-22T12:00:00", "2027-01-31T23:59:59", "2026-09-30T23:59:59")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("is_new", [True, False], ids=["new", "with a week"])
async def test_processes_at_once_leave_no_gaps_and_no_doubles(
    tmp_path: Path, moment: str, seed: int, *, is_new: bool
) -> None:
    async with registry_at(tmp_path, moment, seed) as registry:
        if not is_new:
            registry.clock.advance(-WEEK)
            await registry.append(registry.process())
            registry.clock.advance(WEEK)
        dying = registry.process(registry.chance.randrange(20))
        processes = [registry.process() for _ in range(3)]

        async def write(process: CloudStores) -> None:
            for _ in range(4):
                await registry.append(process)
                registry.clock.advance(timedelta(milliseconds=200))

        async def die() -> None:
            with suppress(Died):
                await dying.events.append([event("dying", registry.clock.at_ms, "acme")])

        await asyncio.gather(die(), *map(write, processes))
        registry.appended.append("dying")
        await processes[0].events.append([event("dying", registry.clock.at_ms, "acme")])
        await registry.check()


async def test_an_old_outbox_is_not_published_twice(registry: Registry) -> None:
    process = registry.process()
    await registry.append(process, "old")
    at_ms = registry.clock.at_ms
    for _ in range(9):
        await registry.append(process)
        registry.clock.advance(WEEK)
    await process.events.append([event("old", at_ms, "acme")])
    await registry.check()
