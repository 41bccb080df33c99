"""A change that others were faster with is tried again, but not for ever."""

import pytest

from shared.domain.errors import Busy
from shared.ports import Stale
from shared.services.changing import ATTEMPTS, until_fresh


class Change:
    """A change that comes too late a number of times."""

    def __init__(self, late: int) -> None:
        self.late = late
        self.attempts = 0

    async def __call__(self) -> str:
        self.attempts += 1
        if self.attempts <= self.late:
            raise Stale
        return "changed"


async def test_a_change_that_comes_too_late_is_tried_again() -> None:
    change = Change(late=ATTEMPTS - 1)
    assert await until_fresh(change) == "changed"
    assert change.attempts == ATTEMPTS


async def test_a_change_that_always_comes_too_late_is_refused_as_busy() -> None:
    change = Change(late=ATTEMPTS)
    with pytest.raises(Busy):
        await until_fresh(change)
    assert change.attempts == ATTEMPTS
