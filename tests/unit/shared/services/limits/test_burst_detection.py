"""A burst of different packages is detected over all instances, and nothing else counts as one."""

import asyncio
from collections import Counter as Tallies
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.identity import Principal
from shared.domain.names import Package
from shared.ports import WorkStore
from shared.services.limits.rate_limits import BURST_WINDOW, BurstDetection
from tests.fakes.stores import FakeWork
from tests.fakes.system import FakeClock
from tests.support.port_doubles import counting

ANN, BOB = Principal("ann0000000", "token-1"), Principal("bob0000000", "token-2")
MOST, MOST_RELEASES = 5, 100


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


async def test_releases_are_counted_over_all_instances() -> None:
    work, clock = FakeWork(), FakeClock()
    instances = [Instance(work, clock) for _ in range(4)]
    pushes = [await instances[each % 4].push(each % MOST) for each in range(MOST_RELEASES + 1)]
    assert pushes == [False] * MOST_RELEASES + [True]


async def test_pushes_at_the_same_moment_are_counted_exactly() -> None:
    work, clock = FakeWork(), FakeClock()
    instances = [Instance(work, clock) for _ in range(4)]
    await asyncio.gather(*(each.push(name) for each in instances for name in range(MOST)))
    assert not await instances[0].push(0)
    assert await instances[1].push(MOST)


async def test_packages_are_counted_once_over_all_instances() -> None:
    work, clock = FakeWork(), FakeClock()
    one, other = Instance(work, clock), Instance(work, clock)
    for each in range(MOST):
        assert not await one.push(each)
        assert not await other.push(each)
    assert await other.push(MOST)


async def test_packages_that_several_instances_publish_again_and_again_are_counted_once() -> None:
    work, clock = FakeWork(), FakeClock()
    instances = [Instance(work, clock) for _ in range(3)]
    for _ in range(4):
        for each in range(MOST):
            assert not any([await instance.push(each) for instance in instances])
    assert [await instance.push(MOST) for instance in instances] == [True] * 3


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


async def test_marks_are_stored_no_longer_than_they_count() -> None:
    work, clock = FakeWork(), FakeClock()
    await Instance(work, clock).push(1)
    ends = [ends_ms for _, ends_ms in work.counts.values()]
    assert max(ends) <= clock.now_ms() + BURST_WINDOW // timedelta(milliseconds=1)
