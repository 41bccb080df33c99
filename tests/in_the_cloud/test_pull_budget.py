"""What counting pulls costs in the cloud: a day of ten pulls a second, counted and rolled up."""

import random
import sys
from collections import Counter
from collections.abc import Awaitable
from datetime import timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.domain.coordinates import Coordinate, Package
from shared.services.packages.pull_counter import FLUSH_AFTER, utc_day
from tests.contract.sample_records import head
from tests.support.cloud_registry import MeteredRegistry, metered
from tests.support.cloud_stores import double_of

pytestmark = pytest.mark.usefixtures("patience")

PACKAGES = 1_700  # As many as Ballerina Central has.
VERSIONS = 3
PULLS_A_SECOND = 10
A_DAY = timedelta(days=1)
ROLL_UP_EVERY = timedelta(minutes=15)
UNITS_A_PULL = 0.1  # Measured: 0.030 to count a pull, 0.069 to roll it up.
BEFORE = 100  # Days of such pulls are in the totals.


@cache
def coordinates() -> list[Coordinate]:
    """Return the releases, by package, the newest first; their names say as much as real ones."""
    chance = random.Random(1)  # noqa: S311 - no secret.
    words = ["".join(chance.choices("aeioulnrstbdgmpc", k=4)) for _ in range(300)]
    names = [chance.choices(words, k=5) for _ in range(PACKAGES)]
    return [
        Coordinate.parse("".join(name[:2]), f"{name[2]}.{name[3]}{name[4]}", f"1.{minor}.0")
        for name in names
        for minor in reversed(range(VERSIONS))
    ]


def weights() -> list[float]:
    """Return the share of each release: the k-th package has a k-th of the pulls of the first
    (Zipf), and most pulls are of the newest version."""
    return [
        share / (1 + number) for number in range(PACKAGES) for share in (0.8, 0.15, 0.05)[:VERSIONS]
    ]


async def history_of(cloud: MeteredRegistry, day: str) -> None:
    """Give the packages the pulls of the days before."""
    adapters = cloud.registry.adapters
    total = sum(weights())
    pulls_a_day = PULLS_A_SECOND * A_DAY.total_seconds()
    packages = dict[Package, dict[str, dict[str, int]]]()
    for coordinate, weight in zip(coordinates(), weights(), strict=True):
        pulls = round(BEFORE * pulls_a_day * weight / total)
        days = packages.setdefault(coordinate.package, {})
        days[coordinate.version.text] = {day: pulls}
    for package, daily in packages.items():
        await adapters.metadata.claim(head(str(package)))
        await adapters.pulls.restore(package, daily)


async def units_of(cloud: MeteredRegistry, work: Awaitable[object]) -> float:
    """Return the request units that some work takes."""
    double = double_of(cloud.meter.place.folder, cloud.clock)
    before = double.charged
    await work
    return double.charged - before


def roll_up(cloud: MeteredRegistry) -> Awaitable[object]:
    """Run the task, which does not wait for more pulls."""

    async def at_once(_seconds: float) -> None:
        """Do nothing."""

    return replace(cloud.registry.maintenance.tasks["roll-up-pulls"], sleep=at_once).run()


async def a_day(cloud: MeteredRegistry) -> tuple[Counter[Coordinate], float, float]:
    """Count the pulls of a day and roll them up as the timers do; return what was pulled, and what
    was taken by processes and by the roll-up."""
    chance = random.Random(16)  # noqa: S311 - no secret.
    sums = list(accumulate(weights()))
    releases = coordinates()
    pulled = Counter[Coordinate]()
    counting = rolling = 0.0
    step = FLUSH_AFTER.total_seconds()
    number = 0
    for seconds in range(0, int(A_DAY.total_seconds()), int(step)):
        some = chance.choices(releases, cum_weights=sums, k=int(PULLS_A_SECOND * step))
        for coordinate in some:
            number += 1
            cloud.registry.packages.pull_counter.count(coordinate, f"198.51.100.{number}")
        pulled.update(some)
        cloud.clock.advance(FLUSH_AFTER)
        counting += await units_of(cloud, cloud.registry.packages.pull_counter.flush())
        if (seconds + step) % ROLL_UP_EVERY.total_seconds() == 0:
            rolling += await units_of(cloud, roll_up(cloud))
    cloud.clock.advance(ROLL_UP_EVERY)
    rolling += await units_of(cloud, roll_up(cloud))  # Of the day that is over.
    return pulled, counting, rolling


@pytest.mark.nightly
@pytest.mark.timeout(300)
async def test_a_counted_pull_takes_a_tenth_of_a_unit_at_most(tmp_path: Path) -> None:
    async with metered(tmp_path) as cloud:
        day_ms = A_DAY // timedelta(milliseconds=1)
        cloud.clock.at_ms += day_ms - cloud.clock.at_ms % day_ms  # Midnight.
        await history_of(cloud, utc_day(cloud.clock.now_ms() - day_ms))
        idle = await units_of(cloud, roll_up(cloud))
        pulled, counting, rolling = await a_day(cloud)
        units = [each / pulled.total() for each in (counting, rolling)]
        said = "{:.4f} units to count a pull, {:.4f} to roll it up".format(*units)
        runs = A_DAY / ROLL_UP_EVERY * idle / pulled.total()
        sys.stdout.write(f"{said}, of which {runs:.4f} are runs without a pull\n")
        assert sum(units) <= UNITS_A_PULL
        for coordinate in (*pulled.most_common(3), *pulled.most_common()[-3:]):
            history = await cloud.registry.adapters.pulls.history(
                coordinate[0].package, utc_day(cloud.clock.now_ms() - 2 * day_ms)
            )
            day = history.days[utc_day(cloud.clock.now_ms() - day_ms)]
            assert day[coordinate[0].version.text] == coordinate[1]
