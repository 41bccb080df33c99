"""Retries of writes that lost to another writer."""

import pytest

from shared.domain.errors.requests import Busy
from shared.ports.conflicts import AlreadyThere, Stale
from shared.runtime.retries import MAX_ATTEMPTS, back_off, retried, retried_when_stale


class Change:
    """A change that is stale in its first attempts."""

    def __init__(self, stale_attempts: int, failure: type[Exception] = Stale) -> None:
        self.stale_attempts = stale_attempts
        self.failure = failure
        self.attempts = 0

    async def __call__(self) -> str:
        self.attempts += 1
        if self.attempts <= self.stale_attempts:
            raise self.failure
        return "changed"


@pytest.mark.parametrize("failure", [Stale, AlreadyThere])
async def test_a_stale_change_is_attempted_again(failure: type[Exception]) -> None:
    change = Change(MAX_ATTEMPTS - 1, failure)
    assert await retried_when_stale(change)() == "changed"
    assert change.attempts == MAX_ATTEMPTS


async def test_a_change_that_is_always_stale_is_refused_as_busy() -> None:
    change = Change(stale_attempts=MAX_ATTEMPTS)
    with pytest.raises(Busy):
        await retried_when_stale(change)()
    assert change.attempts == MAX_ATTEMPTS


async def test_each_pause_gets_the_number_of_its_attempt() -> None:
    pauses: list[int] = []

    async def pause(attempt: int) -> None:
        pauses.append(attempt)
        await back_off(-1)

    assert await retried(5, pause)(Change(stale_attempts=3))() == "changed"
    assert pauses == [0, 1, 2]
