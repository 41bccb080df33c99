"""What one process changes no other one changes meanwhile."""

import pytest

from shared.domain.errors import Busy
from shared.ports import Stale
from shared.services.leasing import LEASE, Leasing
from tests.fakes.clock import FakeClock
from tests.fakes.randomness import FakeRandomness
from tests.fakes.work import FakeWork


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def leasing(clock: FakeClock) -> Leasing:
    return Leasing(FakeWork(), clock, FakeRandomness())


async def test_whoever_comes_second_is_told_to_come_back(leasing: Leasing) -> None:
    async with leasing.held("a name"):
        with pytest.raises(Busy):
            async with leasing.held("a name"):
                pass
        async with leasing.held("another name"):
            pass
    async with leasing.held("a name"):
        pass


async def test_one_who_died_is_not_waited_for_forever(leasing: Leasing, clock: FakeClock) -> None:
    async with leasing.held("a name"):
        clock.advance(LEASE)
        async with leasing.held("a name"):
            pass


async def test_whoever_lost_the_lease_meanwhile_is_told_to_try_again(leasing: Leasing) -> None:
    with pytest.raises(Busy):
        async with leasing.held("a name"):
            raise Stale
    async with leasing.held("a name"):
        pass
