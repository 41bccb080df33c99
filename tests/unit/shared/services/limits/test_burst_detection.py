"""A burst of different packages is detected over all instances, and nothing else counts as one."""

import asyncio
from collections import Counter as Tallies
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.coordinates import Package
from shared.domain.principals import Principal
from shared.ports.work import WorkStore
from shared.services.limits.burst_detection import BurstDetection
from tests.fakes.stores import FakeWork
from tests.fakes.system import FakeClock
from tests.support.port_doubles import counting

ANN = Principal("ann0000000", "token-1")
MOST = 5
MOST_RELEASES = 100


class Instance:
    """One process, over work that all share."""

    def __init__(self, work: FakeWork, clock: FakeClock) -> None:
        self.calls = Tallies[str]()
        self.clock = clock
        self.work: WorkStore = counting(work, self.calls)
        self.detection = BurstDetection(self.work, clock, MOST, MOST_RELEASES)

    async def push(self, name: int, by: Principal = ANN) -> bool:
        """Publish a release of a package; say whether it is one of a burst."""
        burst = self.detection.counters(by, Package.parse("acme", f"p{name}"))
        totals = await self.work.count(burst.counters, self.clock.now_ms())
        return bool(await self.detection.excess(burst, totals))


async def test_pushes_at_the_same_moment_are_counted_exactly() -> None:
    work = FakeWork()
    clock = FakeClock()
    instances = [Instance(work, clock) for _ in range(4)]
    await asyncio.gather(*(each.push(name) for each in instances for name in range(MOST)))
    assert not await instances[0].push(0)
    assert await instances[1].push(MOST)


@given(start=st.integers(0, 10 * 60_000), steps=st.lists(st.integers(0, 50_000), max_size=5))
async def test_a_burst_of_five_minutes_is_detected_whenever_it_begins(
    start: int, steps: list[int]
) -> None:
    clock = FakeClock()
    clock.at_ms += start
    instance = Instance(FakeWork(), clock)
    found = []
    for each, step in enumerate([*steps, *[0] * (MOST + 1 - len(steps))]):
        found.append(await instance.push(each))
        clock.advance(timedelta(milliseconds=step))
    assert found[MOST]
