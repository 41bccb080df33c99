"""How many requests a caller may make, and when the next one fits."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.rate_limits import (
    RateLimit,
    RateLimitAllowance,
    RateLimitClass,
    RateLimitKeys,
    RateLimitSubject,
    Window,
    WindowCounts,
    check_limit,
    tightest_allowance,
)

MINUTE = timedelta(minutes=1)
MINUTE_MS = 60_000


def judged(limit: int, before: int, now: int, at_ms: int) -> RateLimitAllowance:
    """Judge a request of a class whose window is a minute."""
    return check_limit(
        limit,
        WindowCounts(before, now),
        Window.at(at_ms, MINUTE),
        limit_class=RateLimitClass.PUSH,
        subject=RateLimitSubject.TOKEN,
    )


class Caller:
    """Counts what it is let do, as a store does."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.counts: dict[int, int] = {}
        self.let: list[int] = []

    def asks(self, at_ms: int) -> RateLimitAllowance:
        """Make a request, and take it back when it is refused."""
        number = at_ms // MINUTE_MS
        before = self.counts.get(number - 1, 0)
        now = self.counts.get(number, 0) + 1
        allowance = judged(self.limit, before, now, at_ms)
        if not allowance.is_exceeded:
            self.counts[number] = now
            self.let.append(at_ms)
        return allowance


@given(
    limit=st.integers(1, 50),
    times=st.lists(st.integers(0, 10 * MINUTE_MS), max_size=200).map(sorted),
)
def test_no_stretch_between_two_windows_lets_more_than_the_limit_of_each_through(
    limit: int, times: list[int]
) -> None:
    caller = Caller(limit)
    for at_ms in times:
        caller.asks(at_ms)
    for number in range(11):
        start = number * MINUTE_MS
        assert sum(start <= at_ms < start + MINUTE_MS for at_ms in caller.let) <= limit


@pytest.mark.parametrize(
    ("at_ms", "remaining"),
    [(0, 0), (1, 0), (7_499, 0), (7_500, 1), (37_499, 4), (37_500, 5), (59_999, 7)],
)
def test_a_fraction_of_a_request_counts_as_a_request(at_ms: int, remaining: int) -> None:
    # Of 8 in the window before, one falls out of reach every 7.5 seconds, as a whole.
    assert judged(10, 8, 2, at_ms).remaining == remaining


def test_a_count_above_the_limit_in_the_previous_window_counts_as_the_limit() -> None:
    at_limit = judged(10, 10, 4, 30_000)
    above = judged(10, 40, 4, 30_000)
    assert (above.remaining, above.wait_ms) == (at_limit.remaining, at_limit.wait_ms) == (1, 30_000)
    full = judged(10, 10, 8, 30_000)
    fuller = judged(10, 40, 8, 30_000)
    assert full.is_exceeded
    assert fuller.wait_ms == full.wait_ms == 18_000


def test_the_wait_is_in_whole_seconds_and_at_least_one() -> None:
    allowance = RateLimitAllowance(RateLimitClass.PUSH, RateLimitSubject.TOKEN, 1, 0, 1)
    assert allowance.wait_s == 1
    assert judged(2, 0, 1, 59_999).wait_s == 1
    assert RateLimitAllowance(RateLimitClass.PUSH, RateLimitSubject.TOKEN, 1, 0, 1_001).wait_s == 2


def test_the_nearest_of_several_limits_is_reported() -> None:
    near = judged(10, 0, 9, 0)
    far = judged(100, 0, 9, 0)
    assert tightest_allowance([far, near]) is near
    soon = judged(10, 0, 11, 59_000)
    late = judged(10, 0, 11, 1_000)
    assert tightest_allowance([near, soon, late]) is late


def test_limits_are_read_by_subject() -> None:
    limits = RateLimit.parse(RateLimitClass.PUSH, "token=120 account=240")
    assert limits.limits == {RateLimitSubject.TOKEN: 120, RateLimitSubject.ACCOUNT: 240}
    assert limits.of(RateLimitKeys("t", "a", "1.2.3.4")) == [
        (RateLimitSubject.TOKEN, "t", 120),
        (RateLimitSubject.ACCOUNT, "a", 240),
    ]
    assert limits.of(RateLimitKeys(address="1.2.3.4")) == []
    for text in ("token=-1", "tokens=1", "token=1,account=2", "token=99999999999"):
        with pytest.raises(ValueError, match="is not a limit such as"):
            RateLimit.parse(RateLimitClass.PUSH, text)


def test_a_period_is_said_in_words() -> None:
    classes = (RateLimitClass.PUSH, RateLimitClass.TOKEN_ISSUE, RateLimitClass.FOUND)
    said = [RateLimitAllowance(each, RateLimitSubject.TOKEN, 1, 0, 1).period for each in classes]
    assert said == ["a minute", "5 minutes", "a day"]


@pytest.mark.parametrize(
    ("limit", "before", "now", "at_ms", "wait_ms"),
    [
        (10, 10, 5, 30_000, 6_000),  # The last one: the next one fits when four are left of ten.
        (10, 7, 6, 30_000, 4_286),
        (10, 10, 10, 30_000, 30_000),  # No room in this window until the one before is over.
        (10, 10, 10, 59_999, 1),
        (1, 1, 1, 30_000, 30_000),
        (1, 0, 1, 30_000, 90_000),  # The last one of a limit of one: a whole window passes.
        (10, 0, 10, 30_000, 36_000),
        (2, 0, 2, 0, 90_000),
    ],
)
def test_the_wait_is_until_one_more_fits_to_the_millisecond(
    limit: int, before: int, now: int, at_ms: int, wait_ms: int
) -> None:
    assert repr(judged(limit, before, now, at_ms).wait_ms) == str(wait_ms)
