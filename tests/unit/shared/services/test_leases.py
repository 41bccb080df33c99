"""What a lease names is done by one process at a time."""

import asyncio

import pytest

from shared.domain.errors.requests import Busy
from shared.ports.conflicts import Stale
from shared.runtime.retries import retried_with_back_off
from shared.services.leases import CHANGE_LEASE, Leases
from tests.fakes.stores import FakeWork
from tests.fakes.system import FakeClock, FakeRandomness


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def leases(clock: FakeClock) -> Leases:
    return Leases(FakeWork(), clock, FakeRandomness())


async def test_the_second_caller_does_not_get_the_lease(leases: Leases) -> None:
    async with leases.lease("a name"):
        with pytest.raises(Stale):
            async with leases.lease("a name"):
                pass
        async with leases.lease("another name"):
            pass
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
