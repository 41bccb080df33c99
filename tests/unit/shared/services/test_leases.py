"""What a lease names is done by one process at a time."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from shared.domain.errors.requests import Busy
from shared.ports.conflicts import Stale
from shared.runtime.retries import retried_with_back_off
from shared.services.leases import CHANGE_LEASE, RENEWALS, Leases
from tests.fakes.stores import FakeWork
from tests.fakes.system import FakeClock, FakeRandomness


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def work() -> FakeWork:
    return FakeWork()


@pytest.fixture
def leases(work: FakeWork, clock: FakeClock) -> Leases:
    return Leases(work, clock, FakeRandomness())


async def test_the_second_caller_does_not_get_the_lease(leases: Leases) -> None:
    async with leases.lease("a name"):
        with pytest.raises(Stale):
            async with leases.lease("a name"):
                pass
        async with leases.lease("another name"):
            pass
    async with leases.lease("a name"):
        pass


async def test_a_lease_that_was_given_back_is_free_after_the_clock_was_set_back(
    leases: Leases, clock: FakeClock
) -> None:
    async with leases.lease("a name"):
        pass
    clock.step(-timedelta(days=1))
    async with leases.lease("a name"):
        pass


async def test_one_who_died_is_not_waited_for_forever(leases: Leases, clock: FakeClock) -> None:
    async with leases.lease("a name"):
        clock.advance(CHANGE_LEASE)
        async with leases.lease("a name"):
            pass


async def test_the_second_caller_starts_again_when_the_first_has_ended(leases: Leases) -> None:
    log: list[str] = []

    @retried_with_back_off
    async def change(caller: str) -> None:
        log.append(f"{caller} begins")
        async with leases.lease("a name"):
            log.append(f"{caller} changes")
            while len(log) < 3:
                await asyncio.sleep(0)

    await asyncio.gather(change("the first"), change("the second"))
    assert log[:3] == ["the first begins", "the first changes", "the second begins"]
    assert log[-2:] == ["the second begins", "the second changes"]


async def test_a_caller_does_not_wait_for_a_lease_forever(leases: Leases) -> None:
    @retried_with_back_off
    async def change() -> None:
        async with leases.lease("a name"):
            pass

    async with leases.lease("a name"):
        with pytest.raises(Busy):
            await change()


@dataclass
class Passing:
    """Time that passes when the test says so, for the clock and for the event loop."""

    clock: FakeClock
    monkeypatch: pytest.MonkeyPatch
    passed: timedelta = timedelta(0)
    renewals: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def __post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        read = loop.time
        self.monkeypatch.setattr(loop, "time", lambda: read() + self.passed.total_seconds())

    async def sleep(self, _seconds: float) -> None:
        """Sleep until the next renewal."""
        await self.renewals.acquire()

    async def pass_by(self, time: timedelta, *, renews: bool = True) -> None:
        self.passed += time
        self.clock.advance(time)
        if renews:
            self.renewals.release()
        for _ in range(6):
            await asyncio.sleep(0)


@pytest.fixture
async def passing(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Passing:
    return Passing(clock, monkeypatch)


@pytest.fixture
async def renewed(work: FakeWork, clock: FakeClock, passing: Passing) -> Leases:
    """Return the leases of a process that renews them when the test says so."""
    return Leases(work, clock, FakeRandomness("one"), passing.sleep)


@pytest.fixture
def other(work: FakeWork, clock: FakeClock) -> Leases:
    """Return the leases of another process."""
    return Leases(work, clock, FakeRandomness("two"))


async def hold(leases: Leases, until: asyncio.Event) -> asyncio.Task[None]:
    """Take the lease, and return the task that holds it until something happens."""

    async def change() -> None:
        async with leases.lease("a name"):
            await until.wait()

    holding = asyncio.create_task(change())
    await asyncio.sleep(0)
    return holding


async def test_a_delayed_holder_writes_nothing_after_another_one_took_the_lease(
    renewed: Leases, other: Leases, passing: Passing
) -> None:
    written = list[str]()
    store_answers = asyncio.Event()

    async def change() -> None:
        async with renewed.lease("a name"):
            await store_answers.wait()
            written.append("the first")

    delayed = asyncio.create_task(change())
    await asyncio.sleep(0)
    await passing.pass_by(CHANGE_LEASE, renews=False)
    async with other.lease("a name"):
        store_answers.set()
        with pytest.raises(Busy):
            await delayed
        written.append("the second")
    assert written == ["the second"]


async def test_a_holder_is_stopped_while_what_it_began_to_write_has_time_to_end(
    renewed: Leases, other: Leases, passing: Passing
) -> None:
    delayed = await hold(renewed, until=asyncio.Event())
    await passing.pass_by(CHANGE_LEASE / 2, renews=False)
    assert not delayed.done()
    await passing.pass_by(CHANGE_LEASE / 6, renews=False)
    with pytest.raises(Busy):
        await delayed
    async with other.lease("a name"):  # It was given back.
        pass


async def test_a_holder_stops_when_it_is_told_that_another_one_has_the_lease(
    renewed: Leases, other: Leases, clock: FakeClock, passing: Passing
) -> None:
    suspended = await hold(renewed, until=asyncio.Event())
    clock.advance(CHANGE_LEASE)  # The time of the event loop does not pass meanwhile.
    async with other.lease("a name"):
        await passing.pass_by(timedelta(0))
        assert suspended.done()
        with pytest.raises(Busy):
            await suspended
        with pytest.raises(Stale):  # The holder that stopped did not give it back.
            async with renewed.lease("a name"):
                pass


async def test_a_holder_that_lost_its_lease_leaves_it_to_the_one_who_has_it(
    work: FakeWork, clock: FakeClock
) -> None:
    one, other, third = (Leases(work, clock, FakeRandomness(name)) for name in ("1", "2", "3"))
    lifetime = 10 * CHANGE_LEASE
    async with AsyncExitStack() as stack:
        async with one.held("a name", lifetime) as is_held:
            assert is_held
            clock.advance(lifetime)
            assert await stack.enter_async_context(other.held("a name", lifetime))
        async with third.held("a name", lifetime) as is_held:
            assert not is_held


async def test_a_holder_that_renews_its_lease_takes_as_long_as_it_needs(
    renewed: Leases, other: Leases, passing: Passing
) -> None:
    done = asyncio.Event()
    running = await hold(renewed, until=done)
    for _ in range(3 * RENEWALS):
        await passing.pass_by(CHANGE_LEASE / RENEWALS)
    with pytest.raises(Stale):
        async with other.lease("a name"):
            pass
    done.set()
    await running


async def test_a_timeout_of_the_change_itself_is_no_lost_lease(leases: Leases) -> None:
    with pytest.raises(TimeoutError):
        async with leases.lease("a name"):
            raise TimeoutError
