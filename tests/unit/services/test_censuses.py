"""The last census is remembered for all processes, and looked at every few minutes."""

from dataclasses import dataclass

from shared.domain.census import Census
from shared.domain.errors import Busy
from shared.services.censuses import SHOWN_AGAIN, Censuses, Tally
from tests.fakes.clock import FakeClock
from tests.fakes.work import FakeWork

TWO = Census(packages=2)


@dataclass
class SilentWork(FakeWork):
    """A `WorkStore` that may stop to answer."""

    is_silent: bool = False

    async def peek(self, kind: str, key: str, now_ms: int) -> str | None:
        """Return the value, or refuse."""
        if self.is_silent:
            raise Busy
        return await super().peek(kind, key, now_ms)


async def test_nothing_is_known_before_something_was_counted() -> None:
    censuses = Censuses(FakeWork(), FakeClock())
    assert await censuses.last() is None
    assert await censuses.lately() is None


async def test_what_was_counted_is_known_to_other_processes_with_its_time() -> None:
    clock, work = FakeClock(), FakeWork()
    await Censuses(work, clock).note(TWO)
    counted = await Censuses(work, clock).last()
    assert counted is not None
    assert (counted.census, counted.at_ms) == (TWO, clock.now_ms())


async def test_whoever_asks_often_is_told_what_was_known_a_moment_ago() -> None:
    clock, work = FakeClock(), FakeWork()
    censuses = Censuses(work, clock)
    assert await censuses.lately() is None
    await censuses.note(TWO)
    assert await censuses.lately() is None
    clock.advance(SHOWN_AGAIN)
    counted = await censuses.lately()
    assert counted is not None
    assert counted.census == TWO


async def test_a_store_that_is_silent_leaves_what_was_known() -> None:
    clock, work = FakeClock(), SilentWork()
    censuses = Censuses(work, clock)
    await censuses.note(TWO)
    known = await censuses.lately()
    work.is_silent = True
    clock.advance(SHOWN_AGAIN)
    assert await censuses.lately() == known is not None


def test_a_tally_adds_up_what_it_meets() -> None:
    tally = Tally()
    tally.add(TWO)
    tally.add(TWO)
    assert tally.census == Census(packages=4)
