"""Counting pulls with many instances: whether the roll-up merges what they write.

Each instance writes a batch of pulls every half minute. The task `roll-up-pulls` runs as its
schedule says, with the product's code over the double of Cosmos DB, and the clock goes on while it
pauses.
"waiting" are the batches that are not merged at the end of a minute, "units" the request units a
second of the roll-up, and "seconds" the processor time that the minute took on this machine, with
that of the double: one process merges everything, so they have to stay below 60.

    python -m bench.pull_merging --instances 1000 --minutes 45
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

from shared.adapters.cloud import CloudStores, open_cloud
from shared.adapters.cosmos.waiting_pulls import BATCH, batch_item
from shared.adapters.system import SystemRandomness
from shared.domain.names import Coordinate, Package
from shared.ports import Pull, PullBatch
from shared.services.maintenance.roll_up_pulls import RollUpPulls
from shared.services.packages.pulls import utc_day
from tests.contract.sample_records import head
from tests.fakes.cosmos.containers import Container
from tests.fakes.cosmos.protocol import CosmosDouble
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudInMemory, double_of

A_MINUTE = timedelta(minutes=1)
ROLL_UP_EVERY = 15  # Minutes.
BATCHES_A_MINUTE = 2
SAMPLES = 50  # Different batches, each of which many instances write.


@dataclass(frozen=True, slots=True)
class Load:
    """How many instances count pulls, of how many packages, and how many pulls in half a minute."""

    instances: int = 1_000
    packages: int = 1_700
    pulls: int = 300


@dataclass(frozen=True, slots=True)
class Minute:
    """What a minute left, and what it took."""

    number: int
    waiting: int
    units: float
    seconds: float


class UnlistedPackages:
    """Has no search that would have to be told."""

    async def update_search(self, package: Package) -> None:
        """Do nothing."""


@dataclass
class Simulation:
    """The stores, and the instances that write pulls as time passes."""

    load: Load
    stores: CloudStores
    double: CosmosDouble
    clock: FakeClock
    batches: list[Any] = field(default_factory=list[Any])
    number: int = 0  # Of the batches of each instance.
    written: Counter[str] = field(default_factory=Counter[str])
    minutes: list[Minute] = field(default_factory=list[Minute])

    async def prepare(self) -> None:
        """Claim the packages, and make the batches that instances write."""
        chance = random.Random(1)  # noqa: S311 - no secret.
        releases = [
            Coordinate.parse("acme", f"package{each}", "1.0.0")
            for each in range(self.load.packages)
        ]
        sums = list(accumulate(1 / (1 + each) for each in range(len(releases))))
        today = utc_day(self.clock.now_ms())
        for each in releases:
            await self.stores.metadata.claim(head(str(each.package)))
            await self.stores.pulls.restore(each.package, {"1.0.0": {"2026-01-01": 10_000}})
        for _ in range(SAMPLES):
            chosen = chance.choices(releases, cum_weights=sums, k=self.load.pulls)
            pulls = Counter(Pull(each, today, "", 0) for each in chosen)
            self.batches.append((batch_item(PullBatch("sample", 0, pulls)), pulls))

    async def run(self, minutes: int) -> None:
        """Let instances write, and the task run at its times, for so many minutes."""
        task = RollUpPulls(self.stores.pulls, UnlistedPackages(), self.clock, self.minute)  # pyright: ignore[reportArgumentType] - all that the task asks of it.
        while len(self.minutes) < minutes:
            if len(self.minutes) % ROLL_UP_EVERY == 1:
                await task.run()
            await self.minute(0)

    async def minute(self, _seconds: float) -> None:
        """Note the minute that ends, and begin the next."""
        self._note()
        self.clock.advance(A_MINUTE)
        for _ in range(BATCHES_A_MINUTE):
            self.number += 1
            for instance in range(self.load.instances):
                self._write(f"instance{instance}")

    def waiting(self) -> int:
        """Return how many batches wait to be merged."""
        return sum(
            id_.startswith(BATCH) for each in self._stats.partitions.values() for id_ in each.items
        )

    async def finish(self, package: Package) -> int:
        """Roll up everything, and return how often a package was pulled."""
        self.clock.advance(timedelta(days=1))
        for _ in range(3):
            await self.stores.pulls.roll_up(6, utc_day(self.clock.now_ms()))
        daily = await self.stores.pulls.daily(package)
        return sum(sum(days.values()) for days in daily.values()) - 10_000

    def _write(self, instance: str) -> None:
        """Store a batch in the double, whose client takes longer than the roll-up."""
        sample, pulls = self.batches[(self.number + hash(instance)) % SAMPLES]
        item = batch_item(PullBatch(instance, self.number, {}))
        item["content"] = sample["content"]
        self._stats.upsert(f'["{item["pk"]}"]', item)
        for pull, times in pulls.items():
            self.written[pull.coordinate.package.key] += times

    def _note(self) -> None:
        spent, units = time.process_time(), self.double.charged
        seconds, charged = spent - self._spent, (units - self._charged) / 60
        self._spent, self._charged = spent, units
        self.minutes.append(Minute(len(self.minutes), self.waiting(), charged, seconds))

    def __post_init__(self) -> None:
        """Begin to measure."""
        self._spent, self._charged = time.process_time(), self.double.charged

    @property
    def _stats(self) -> Container:
        [stats] = [each for each in self.double.containers.values() if each.name == "stats"]
        return stats


@asynccontextmanager
async def simulation(folder: Path, load: Load) -> AsyncGenerator[Simulation]:
    """Prepare the stores of a folder for a simulation."""
    clock = FakeClock()
    stores = open_cloud(CloudInMemory(folder, clock), clock, SystemRandomness())
    simulated = Simulation(load, stores, double_of(folder, clock), clock)
    await simulated.prepare()
    yield simulated
    await stores.close()


async def main() -> None:
    """Simulate what the arguments say, and print each minute."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("instances", 1_000), ("packages", 1_700), ("pulls", 300)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--minutes", type=int, default=45)
    asked = parser.parse_args()
    load = Load(asked.instances, asked.packages, asked.pulls)
    with tempfile.TemporaryDirectory(prefix="ballroom-bench-") as folder:
        async with simulation(Path(folder), load) as simulated:
            await simulated.run(asked.minutes)
            print(f"{'minute':>8}{'waiting':>10}{'units':>10}{'seconds':>10}")
            for each in simulated.minutes:
                print(f"{each.number:8}{each.waiting:10,}{each.units:10,.0f}{each.seconds:10.1f}")


if __name__ == "__main__":
    asyncio.run(main())
