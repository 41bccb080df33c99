"""Leases, and pages of records."""

import pytest

from shared.domain.errors.requests import Busy
from shared.ports import Stale
from shared.services.records import (
    LEASE_LIFETIME,
    Leases,
    ListPage,
    iterate_pages,
)
from tests.fakes.stores import FakeWork
from tests.fakes.system import FakeClock, FakeRandomness


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def leasing(clock: FakeClock) -> Leases:
    return Leases(FakeWork(), clock, FakeRandomness())


async def test_whoever_comes_second_is_told_to_come_back(leasing: Leases) -> None:
    async with leasing.lease("a name"):
        with pytest.raises(Busy):
            async with leasing.lease("a name"):
                pass
        async with leasing.lease("another name"):
            pass
    async with leasing.lease("a name"):
        pass


async def test_one_who_died_is_not_waited_for_forever(leasing: Leases, clock: FakeClock) -> None:
    async with leasing.lease("a name"):
        clock.advance(LEASE_LIFETIME)
        async with leasing.lease("a name"):
            pass


async def test_whoever_lost_the_lease_meanwhile_is_told_to_try_again(leasing: Leases) -> None:
    with pytest.raises(Busy):
        async with leasing.lease("a name"):
            raise Stale
    async with leasing.lease("a name"):
        pass


LETTERS = "abcde"


@pytest.mark.parametrize("size", [1, 2, 5, 9])
async def test_a_walk_meets_every_row_once_whatever_the_pages(size: int) -> None:
    async def page(after: str) -> ListPage[str]:
        left = [each for each in LETTERS if each > after]
        shown = tuple(left[:size])
        return ListPage(shown, shown[-1] if len(left) > size else "")

    assert [each async for each in iterate_pages(page)] == list(LETTERS)


async def test_of_nothing_there_is_nothing_to_meet() -> None:
    async def page(_after: str) -> ListPage[str]:
        return ListPage(())

    assert [each async for each in iterate_pages(page)] == []
